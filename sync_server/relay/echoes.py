"""What a server has taken in itself is no news to it, unless it has altered here since.

Leaving echoes out only saves the link: known changes are taken in again as duplicates. What
waited at the other server and was settled finally here is no echo, nor is what another copy
took the place of, nor the history of a record that the reader sees again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from odk_forms.changes import submission_key
from sync_server.stores.journal import AGAIN, MORE

Item = dict[str, Any]


def without_echoes(
    items: Iterable[Item], peer: str, steps: Sequence[Any], came_back: set[str]
) -> list[Item]:
    """The items less what came through the node `peer`.

    `steps` are the journal's of this page, `came_back` the records that came into sight by them
    and had been out of it.
    """
    if not peer:
        return list(items)
    again: set[str] = set()
    last: dict[str, str] = {}
    for one in steps:
        named = one.change_id or one.ref
        if named and one.kind in (AGAIN, MORE):
            again.add(named)
        elif named:
            last[named] = max(one.at, last.get(named, ""))
    return [
        item
        for item in items
        if not came_back.isdisjoint(entities_of(item)) or not _is_echo(item, peer, again, last)
    ]


def entities_of(item: Item) -> set[str]:
    """The records that an item is of; of what was kept as it came, it may name anything."""
    changes = item.get("changes")
    parts = [item, *(changes if isinstance(changes, list) else [])]
    named = (one.get("entity") for one in parts if isinstance(one, dict))
    return {one for one in named if isinstance(one, str)}


def _is_echo(item: Item, peer: str, again: Collection[str], last: Mapping[str, str]) -> bool:
    """Whether everything of an item came through the peer, and has stood still since."""
    if item["kind"] == "submission" and "instanceId" in item:
        named = submission_key(item["xmlFormId"], item["instanceId"])
        parts = [(named, item["path"])]
        parts += [(one["changeId"], one["path"]) for one in item["changes"] if "path" in one]
    else:
        parts = [(item.get("changeId", ""), item["path"])]
    return all(
        _came_by(path, peer) and named not in again and not _altered(path, last.get(named))
        for named, path in parts
    )


def _came_by(path: Any, peer: str) -> bool:
    """Whether a path names the peer; of what was kept as it came, it may be anything."""
    stamps = path if isinstance(path, list) else []
    return any(isinstance(stamp, dict) and stamp.get("node") == peer for stamp in stamps)


def _altered(path: Sequence[Mapping[str, str]], at: str | None) -> bool:
    """Whether a step of this page is later than this server's own stamp, the last of the path.

    So it was of a change that was here before, also where the journal did not say so yet.
    """
    return at is not None and at > path[-1]["receivedAt"]
