"""Reading what stands anew, when a list's policies change. Nothing is settled again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conflict.policy import Policies
from conflict.record import Record, Undo
from conflict.standing import see, shown_data, stand
from conflict.types import RecordState, Seen


@dataclass(frozen=True, slots=True)
class Reread:
    """What new policies did to one record: as it stood before, and the step when it shows other."""

    before: RecordState
    undo: Undo | None


def reread(record: Record, old: Policies, new: Policies) -> Reread:
    """Read a record's standing writes as `new` says, in place.

    When anything that it shows alters, to a person or to a phone, the record gets the next
    number, so that no number is ever served twice for different content, and the undo
    of that step. A record that no phone has been shown yet keeps its numbers.
    """
    before = record.state
    after = replace(
        before,
        fields={name: stand(one.writes, new.of(name)) for name, one in before.fields.items()},
    )
    record.state = after
    if not after.created or _shown(before, old) == _shown(after, new):
        return Reread(before, None)
    record.offset += 1
    undo = Undo(record.served, _altered(before, old, after, new))
    record.undo.insert(0, undo)
    return Reread(before, undo)


def _shown(state: RecordState, policies: Policies) -> tuple[object, ...]:
    """What people are shown of a record, and what phones are."""
    label, data = shown_data(state, policies)
    on_phones = {
        name: value
        for name, value in data.items()
        if value and name in policies.by_property and not policies.hides(name)
    }
    return label, data, on_phones


def _altered(
    before: RecordState, old: Policies, after: RecordState, new: Policies
) -> dict[str, Seen | None]:
    """What each property that reads otherwise now read before."""
    altered = {}
    for name in sorted({*before.fields, *old.dates, *new.dates}):
        earlier = see(before, name, old)
        if earlier != see(after, name, new):
            altered[name] = earlier
    return altered
