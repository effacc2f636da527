"""When a list is altered: read its records anew, in bulk, and say what the journal must tell.

No change is settled again and none is made up: policies, phone flags and access filters
only alter how standing writes are read, and who may see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sqlalchemy import Connection

from conflict.reread import reread
from conflict.standing import reviews, shown_data
from conflict.types import RecordState
from sync_server.intake.deciding import Outcome, as_it_stands
from sync_server.stores.journal import FILTER, STEP, Entry
from sync_server.stores.list_records import find_list_writers, load_list_records
from sync_server.stores.lists import ListInfo
from sync_server.stores.records import ON_PHONES, Held, save_records, save_scopes
from sync_server.stores.reviews import save_reviews

_AT_ONCE = 1000


def reread_list(
    connection: Connection, project_id: int, old: ListInfo, new: ListInfo, *, at: str
) -> list[Entry]:
    """Read the records of a list as `new` says and write those that alter.

    Returns   the journal's entries, for the caller to append last: one for the list
              itself, then one for each record that phones or people see otherwise.
    """
    entries = [Entry(new.name, "", None, frozenset(), frozenset())]
    touched = None if old.rules != new.rules else _touched(old, new)
    if touched is not None and not touched:
        return entries
    held = load_list_records(connection, project_id, new.name, having=touched)
    writers = find_list_writers(connection, project_id, new.name) if new.rules and held else {}
    outcomes = (_outcome(one, old, new, writers.get(one.entity, set())) for one in held)
    for some in _slices(outcome for outcome in outcomes if outcome is not None):
        _write(connection, project_id, some, at=at)
        entries += [entry for one in some for entry in one.entries]
    return entries


def _touched(old: ListInfo, new: ListInfo) -> set[str]:
    """The properties that read otherwise, or are seen by others, than before."""
    touched: set[str] = set()
    for name in new.properties:
        before, after = old.policies.by_property.get(name), new.policies.of(name)
        if before != after:
            touched |= {name, after.date_property or name}
            touched |= {(before.date_property if before else None) or name}
        if before is None or old.policies.hides(name) != new.policies.hides(name):
            touched.add(name)
    return touched


def _outcome(held: Held, old: ListInfo, new: ListInfo, writers: set[int]) -> Outcome | None:
    """One record read anew; None when nothing of it alters."""
    read = reread(held.record, old.policies, new.policies)
    if read.undo is not None:
        held.steps.append((read.undo, None))
    outcome = as_it_stands(
        held,
        new,
        asked_before=reviews(read.before, old.policies),
        was_on_phones=read.before.status in ON_PHONES,
        writers=writers,
        steps=[(None, STEP if old.rules == new.rules else FILTER)],
        closed_by=None,
        stays_away=True,
    )
    asked = outcome.asked
    altered = (
        read.undo is not None
        or old.rules != new.rules  # others may see it now, though it says the same
        or held.record.state != read.before
        or _shown(held.record.state, new) != _shown(read.before, old)
        or outcome.scopes != held.scopes
        or asked.opened
        or asked.moved
        or asked.closed
    )
    return outcome if altered else None


def _shown(state: RecordState, info: ListInfo) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What programs are shown of a record's properties, and what devices are."""
    data = info.of_the_list(shown_data(state, info.policies)[1])
    return data, {name: value for name, value in data.items() if not info.policies.hides(name)}


def _write(
    connection: Connection, project_id: int, outcomes: Sequence[Outcome], *, at: str
) -> None:
    rows = [(one.held, one.label, one.data, one.open_reviews) for one in outcomes]
    save_records(connection, project_id, rows, at=at)
    moved = [(one.held, one.scopes) for one in outcomes if one.scopes != one.held.scopes]
    save_scopes(connection, project_id, moved)
    save_reviews(connection, project_id, [one.asked for one in outcomes], at=at)


def _slices(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    every = iter(outcomes)
    while some := list(islice(every, _AT_ONCE)):
        yield some
