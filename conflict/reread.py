"""Reading what stands anew, when a list's policies change. Nothing is settled again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from conflict.policy import Policies
from conflict.record import Record, Undo
from conflict.standing import read_view, stand, view_of
from conflict.types import RecordState, Seen, View


@dataclass(frozen=True, slots=True)
class Reread:
    """What new policies did to one record: as it stood before, and the step when it shows other."""

    before: RecordState
    undo: Undo | None


def reread(record: Record, old: Policies, new: Policies) -> Reread:
    """Read a record's standing writes as `new` says, in place.

    When anything that it shows alters, to a person or to a phone, or the write that it shows,
    the record gets the next number, so that no number is ever served twice for different
    content, and the undo of that step. A record that no phone has been shown yet keeps its
    numbers.
    """
    before, was = record.state, view_of(record.state, old)
    now = was
    if old.by_property != new.by_property:
        fields = {name: stand(one.writes, new.of(name)) for name, one in before.fields.items()}
        record.state = replace(before, fields=fields)
        now = view_of(record.state, new)
    same = was == now and _shown(was, old) == _shown(now, new)
    if same or not before.created:
        return Reread(before, None)
    record.offset += 1
    undo = Undo(record.served, _altered(was.seen, now.seen))
    record.undo.insert(0, undo)
    return Reread(before, undo)


def _shown(view: View, policies: Policies) -> tuple[object, ...]:
    """What people are shown of a record, and what phones are."""
    label, data = read_view(view, policies)
    on_phones = {
        name: value
        for name, value in data.items()
        if value and name in policies.by_property and not policies.hides(name)
    }
    return label, data, on_phones


def _altered(was: Mapping[str, Seen], now: Mapping[str, Seen]) -> dict[str, Seen | None]:
    """What each property that reads otherwise now read before."""
    names = sorted(was.keys() | now.keys())
    return {name: was.get(name) for name in names if was.get(name) != now.get(name)}
