"""What a batch decided of questions that nobody was asked here: they are history here too.

A hub sends the contenders and what settled them in one batch. Decided as a set they leave no
question open, and so none that was closed; but whoever looks here must see that there was one,
who decided it, and be able to take the decision back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from conflict.policy import LABEL, Policies
from conflict.types import Change, Op, Review, SettledChange
from sync_server.stores.lists import load_lists
from sync_server.stores.reviews import Decided, close_decided


def keep_decided(
    connection: Connection, project_id: int, taken: Iterable[SettledChange], *, at: str
) -> None:
    """Keep the questions that changes just taken in have decided, each with its decision."""
    resolves = [one.change for one in taken if one.change.op is Op.RESOLVE]
    if not resolves:
        return
    lists = load_lists(connection, project_id)
    decided = [
        Decided(one.list_name, one.entity, review, one.change_id)
        for one in resolves
        for review in _reviews(one, lists[one.list_name].policies)
    ]
    if decided:
        close_decided(connection, project_id, decided, at=at)


def _reviews(resolve: Change, policies: Policies) -> Iterator[Review]:
    """The questions that a resolve answers."""
    if resolve.status is not None:
        yield Review("delete", "", resolve.contenders)
    for name in (*resolve.data, *([LABEL] if resolve.label is not None else [])):
        kind = "move" if name in policies.filters else "field"
        yield Review(kind, name, resolve.contenders)
