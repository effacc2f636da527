"""Long lives of one child, each loaded for a change as a store loads it: `docs/merge.md`.

Most changes are a month's measurement from a list just fetched, with what its form shows of
the register sent along unchanged. Some phones bring late what they measured before, some come
with several forms filled offline, some mend the register; what is asked is answered. The same
seed tells the same life.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from bench.forms import PACK, child, measured
from conflict.basis import needs_history
from conflict.policy import Policies
from conflict.record import Record
from conflict.standing import reviews, shown_data
from conflict.taking import Taken, take
from conflict.types import Change, Op, SettledChange

_PROPERTIES = PACK.lists["anak"].properties
POLICIES = Policies(
    {one.name: one.policy for one in _PROPERTIES},
    kept_off_phones=frozenset(one.name for one in _PROPERTIES if not one.phone),
)
BEHIND = 5  # versions, at most, that a late phone's list is old
_BORN = datetime(2026, 1, 3, 1, tzinfo=UTC)
_PREFILLED = ("nama", "jk", "tgl_lahir", "nama_ibu", "posyandu", "rt", "rw", "alamat")
_MENDED = ("rt", "rw", "alamat", "nama_ayah", "no_hp")
_HAPPENS = {"measured": 860, "late": 20, "mended": 100, "mended late": 15, "offline": 5}


@dataclass(slots=True)
class Life:
    """One record with all its past, and that of it which a change needs."""

    random: Random
    record: Record = field(default_factory=Record)
    mates: dict[str, dict[str, SettledChange]] = field(default_factory=dict)
    days: int = 0
    forms: int = 0

    def loaded(self, change: Change) -> Record:
        """A copy of the record as a store loads it to take `change` in."""
        record = self.record
        mates = self.mates.get(change.branch_id or "", {})
        if needs_history(record.state, [change], [*mates.values()]):
            return replace(record, undo=list(record.undo), known=dict(record.known))
        behind = record.served - (change.trunk_version or record.served)
        return replace(record, undo=record.undo[:behind], known=dict(mates), whole=False)

    def take(self, change: Change) -> Taken:
        """One more change, a day after the last."""
        self.days += 1
        loaded = self.loaded(change) if self.record.known else Record()
        taken = take(loaded, change, POLICIES, received_at=self.now())
        self.record.state, self.record.born_at = loaded.state, loaded.born_at
        if taken.undo is not None:
            self.record.undo.insert(0, taken.undo)
        for one in (taken.settled, *taken.resettled):
            self.record.known[one.change.change_id] = one
            if one.change.branch_id is not None:
                mates = self.mates.setdefault(one.change.branch_id, {})
                mates[one.change.change_id] = one
        return taken

    def now(self, later: int = 0) -> str:
        at = _BORN + timedelta(days=self.days + later)
        return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"

    def measurement(self, *, behind: int = 0) -> Change:
        """A form filled over a list fetched so many versions ago, on the day of its fetching."""
        shown = shown_data(self.record.state, POLICIES)[1]
        data = {name: shown[name] for name in _PREFILLED}
        data |= {**measured(self.random), "tgl_ukur": self.now(-behind)[:10]}
        return self.form(data, behind=behind)

    def form(self, data: Mapping[str, str], *, behind: int = 0) -> Change:
        self.forms += 1
        base = max(1, self.record.served - behind)
        return Change(
            change_id=f"form{self.forms}",
            list_name="anak",
            entity="siti",
            op=Op.UPDATE,
            data=data,
            base_version=base,
            trunk_version=base,
            branch_id=f"branch{self.forms}",
            client_time=self.now(-behind),
            author="12",
            from_form=True,
            submission=f"form{self.forms}",
        )

    def answers(self) -> Iterator[Change]:
        """The bidan's word on each question, for the value that is shown."""
        shown = shown_data(self.record.state, POLICIES)[1]
        for one in reviews(self.record.state, POLICIES):
            self.forms += 1
            yield Change(
                change_id=f"answer{self.forms}",
                list_name="anak",
                entity="siti",
                op=Op.RESOLVE,
                data={one.field: shown[one.field]},
                contenders=one.contenders,
                author="1",
            )


def live(seed: int, length: int) -> Life:
    """A life of `length` changes."""
    life = Life(Random(seed))
    random = life.random
    birth = Change(
        change_id="birth",
        list_name="anak",
        entity="siti",
        op=Op.CREATE,
        label="Siti",
        data=child(random, "melati"),
        from_form=True,
    )
    life.take(birth)
    while life.record.state.version < length:
        kind = random.choices(list(_HAPPENS), weights=list(_HAPPENS.values()))[0]
        for change in _happens(life, kind):
            life.take(change)
        if random.random() < 0.5:
            for change in life.answers():
                life.take(change)
    return life


def _happens(life: Life, kind: str) -> Iterator[Change]:
    random = life.random
    behind = random.randint(1, BEHIND) if "late" in kind else 0
    if kind in ("measured", "late"):
        yield life.measurement(behind=behind)
    elif kind == "offline":
        yield from _offline(life)
    else:
        yield life.form({random.choice(_MENDED): str(random.randrange(100))}, behind=behind)


def _offline(life: Life) -> Iterator[Change]:
    """A chain of forms of one phone, sent after others had come, not always in order."""
    first = life.measurement()
    more = [life.form({name: str(life.random.randrange(100))}) for name in _MENDED[:3]]
    chain = [
        replace(one, base_version=(first.base_version or 0) + place, branch_id=first.branch_id)
        for place, one in enumerate([first, *more])
    ]
    yield life.measurement()
    yield life.measurement()
    if life.random.random() < 0.3:
        life.random.shuffle(chain)
    yield from chain
