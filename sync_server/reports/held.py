"""What phones hold of forms and lists, as far as what they fetched and sent tells.

An account that is on several phones is said to hold what its worst phone holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from sync_server.stores import devices as device_store


class Certainty(StrEnum):
    """How sure a form version on a phone is."""

    DOWNLOADED = "downloaded"  # the phone fetched it: it was sent, whole or not
    USED = "used"  # the phone's last submission was filled with it
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FormHeld:
    """One form as a device holds it. `behind` counts versions; None when it is not known.

    Of several phones the oldest version; `mixed` when others of them hold a newer one.
    """

    xml_form_id: str
    title: str
    newest: str
    version: str | None
    behind: int | None
    certainty: Certainty
    at: str | None = None  # when it was served, or sent
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class ListHeld:
    """One entity list as a device holds it: the hash of its content, and when that was served.

    `current` says whether it was the newest when the phone last asked, at `told_at`; None when
    nothing is known.
    """

    list_name: str
    hash: str | None
    at: str | None
    current: bool | None
    told_at: str | None


def installs_in_use(contacts: Sequence[Any], late: str) -> set[str]:
    """The phones of one account that are not silent; else the one that was heard last.

    A phone that was set up anew is another one: the old one is silent from then on.
    """
    heard = {one.device_id for one in contacts if one.last_at >= late}
    return heard or {one.device_id for one in contacts[-1:]}


def _stalest(one: ListHeld) -> tuple[bool, bool, str]:
    """Those that were fetched first, of these those that are not current, the oldest first."""
    return one.at is None, one.current is True, one.at or ""


def _list_held(seen: Any) -> ListHeld:
    current = None if seen.told_hash is None else seen.told_hash == seen.hash
    return ListHeld(seen.list_name, seen.hash, seen.at, current, seen.told_at)


class Holdings:
    """What was sent to the phones of a project, read in bulk."""

    def __init__(self, connection: Connection, project_id: int) -> None:
        self._versions: dict[str, list[Any]] = {}
        for version in device_store.list_forms_in_use(connection, project_id):
            self._versions.setdefault(version.xml_form_id, []).append(version)
        self._served: dict[tuple[int, str], list[Any]] = {}
        for row in device_store.list_served(connection, project_id):
            self._served.setdefault((row.actor_id, row.xml_form_id), []).append(row)
        self._lists: dict[int, dict[str, list[Any]]] = {}
        for seen in device_store.list_served_lists(connection, project_id):
            self._lists.setdefault(seen.actor_id, {}).setdefault(seen.list_name, []).append(seen)

    def lists(self, actor_id: int, in_use: set[str]) -> tuple[ListHeld, ...]:
        """Each list as the phone holds it that needs it most."""
        seen = self._lists.get(actor_id, {}).values()
        used = ([one for one in phones if one.device_id in in_use] for phones in seen)
        return tuple(min(map(_list_held, phones), key=_stalest) for phones in used if phones)

    def forms(self, actor_id: int, in_use: set[str], last: Any) -> tuple[FormHeld, ...]:
        """Each open form; `last` is the last submission of the account, or None."""
        held = []
        for form_id, versions in self._versions.items():
            if versions[0].state == "open":
                sent = self._served.get((actor_id, form_id), [])
                phones = [one for one in sent if one.device_id in in_use]
                filled = last if last is not None and last.xml_form_id == form_id else None
                held.append(_form_held(form_id, versions, phones, filled))
        return tuple(held)


def _form_held(
    form_id: str, versions: Sequence[Any], phones: Sequence[Any], filled: Any
) -> FormHeld:
    newest = next(one for one in versions if one.version == one.newest)
    version, certainty, at = None, Certainty.UNKNOWN, None
    if phones:
        worst = max(phones, key=lambda one: _behind(one.version, versions))
        version, certainty, at = worst.version, Certainty.DOWNLOADED, worst.at
    elif filled is not None:
        version, certainty, at = filled.form_version, Certainty.USED, filled.received_at
    behind = None if version is None else _behind(version, versions)
    mixed = len({one.version for one in phones}) > 1
    return FormHeld(form_id, newest.name, newest.version, version, behind, certainty, at, mixed)


def _behind(version: str, versions: Sequence[Any]) -> int:
    """How many versions of a form are newer than one of it."""
    if version == versions[0].newest:
        return 0
    serial = next((one.serial for one in versions if one.version == version), None)
    # A version nobody published here says nothing of how many lie between.
    return 1 if serial is None else sum(one.serial > serial for one in versions)
