"""Random stories of a posyandu, correlated so that people meet: few records, fields and values.

A story is a list of plain tuples, so that Hypothesis shrinks it to the smallest that fails.
"""

from __future__ import annotations

from hypothesis import strategies as st

from conflict.settle import received_value
from conflict.standing import same
from conflict.types import Change, Op
from tests.conflict.village import Phone, Server, born, declare

POLICIES = declare(
    bb="latest(tgl)",
    tb="latest(tgl)",
    nik="first",
    catatan="last",
    imunisasi="union",
    lila="max",
    usia="min",
    kept_off_phones=["ktp"],
)
VALUES = {
    "rt": ("5", "05", "06", ""),
    "rw": ("01", "02", ""),
    "ktp": ("1", "2", ""),
    "bb": ("9", "9.0", "9.5", ""),
    "tb": ("80", "81", ""),
    "nik": ("3201", "3210", ""),
    "catatan": ("sehat", "batuk", ""),
    "imunisasi": ("bcg", "bcg dpt", "polio", ""),
    "lila": ("13", "14", "besar", ""),
    "usia": ("6", "6.0", "5", ""),
}
VALID_DATES = ("2026-06-05", "2026-08-07", "2026-10-02")
DATES = (*VALID_DATES, "2027-11-05", "kemarin", "")
CLOCKS = ("", "2015-01-01", "2026-10-02", "2035-01-01")
NAMES = "ABCDE"

small = st.integers(0, 7)
# Few fields in one story, so that its people write the same ones.
fields = st.lists(st.sampled_from([*VALUES]), min_size=1, max_size=2, unique=True)
typed = st.tuples(st.lists(st.tuples(small, small), max_size=2), st.none() | small, st.booleans())
fills = st.tuples(st.just("fill"), small, small, typed)
registers = st.tuples(st.just("register"), small, typed)
MOVES = ("sync", "sync", "sync", "send", "send", "flush", "refresh")
DECISIONS = ("patch", "resolve", "resolve", "reopen", "delete", "restore", "settle")
moves = st.tuples(st.sampled_from(MOVES), small, small, small)
decisions = st.tuples(st.sampled_from(DECISIONS), small, small, small)
clocks = st.lists(st.sampled_from(CLOCKS), min_size=2, max_size=5)
events = st.lists(fills | fills | moves | moves | decisions | registers, min_size=3, max_size=16)
stories = st.tuples(clocks, fields, events)
offline = st.lists(fills | fills | fills | registers, min_size=1, max_size=8)


def filled(names: tuple[str, ...]):
    """Forms about these fields, as phones type them."""
    pairs = [(name, value) for name in names for value in VALUES[name]]
    some = st.lists(st.sampled_from(pairs), min_size=1, max_size=3).map(dict)
    return st.tuples(some, st.booleans())


class Story:
    """Plays a story on one server; `told` is called after every change taken in."""

    def __init__(self, clocks, fields=("rt",), *, online: bool = False) -> None:
        self.fields = fields
        self.server = born(Server(POLICIES), rt="5", bb="9", tgl="2026-06-05", imunisasi="bcg")
        self.phones = [
            Phone(name, clock=clock).refresh(self.server)
            for name, clock in zip(NAMES, clocks, strict=False)
        ]
        self.online = online
        self.decisions: list[Change] = []

    def play(self, events) -> Story:
        for event in events:
            getattr(self, event[0])(*event[1:])
        return self

    def finish(self) -> Story:
        """Everything arrives in the end, from the last form to the first."""
        for phone in self.phones:
            for change in reversed(phone.outbox):
                self.server.take(change)
        return self

    @property
    def screens(self) -> dict[str, dict[str, str]]:
        return {cid: screen for phone in self.phones for cid, screen in phone.screens.items()}

    def _phone(self, number: int) -> Phone:
        return self.phones[number % len(self.phones)]

    def _entity(self, number: int) -> str:
        return sorted(self.server.records, reverse=True)[number // 6 % len(self.server.records)]

    def _typed(self, pairs, date) -> dict[str, str]:
        chosen = {}
        for number, value in pairs:
            name = self.fields[number % len(self.fields)]
            chosen[name] = VALUES[name][value % len(VALUES[name])]
        return chosen if date is None else {**chosen, "tgl": DATES[date % len(DATES)]}

    # what phones do

    def fill(self, number, which, typed) -> None:
        phone = self._phone(number)
        if not phone.rows:
            return
        pairs, date, resends = typed
        entity = sorted(phone.rows, reverse=True)[which // 6 % len(phone.rows)]
        data = self._typed(pairs, date)
        resend = [name for name in self.fields if resends and name not in data]
        change = phone.fill(entity, resend=resend, **data)
        if self.online:
            self.server.take(change)
            phone.refresh(self.server)

    def register(self, number, typed) -> None:
        phone = self._phone(number)
        entity = f"anak-{phone.name}"
        if any(change.entity == entity for change in phone.outbox):
            return
        change = phone.register(entity, **self._typed(*typed[:2]))
        if self.online:
            self.server.take(change)

    def sync(self, number, *_) -> None:
        self._phone(number).send(self.server)
        self._phone(number).refresh(self.server)

    def send(self, number, which, *_) -> None:
        outbox = self._phone(number).outbox
        if outbox:
            self.server.take(outbox[which % len(outbox)])

    def flush(self, number, *_) -> None:
        self._phone(number).send(self.server)

    def refresh(self, number, *_) -> None:
        self._phone(number).refresh(self.server)

    # what the bidan does

    def patch(self, which, name, value) -> None:
        field = self.fields[name % len(self.fields)]
        chosen = VALUES[field][value % len(VALUES[field])]
        self.decisions.append(self.server.patch(self._entity(which), **{field: chosen}))

    def resolve(self, which, number, value) -> None:
        entity = self._entity(which)
        asked = [one for one in self.server.reviews(entity) if one.kind == "field"]
        if asked:
            field = asked[number % len(asked)].field
            chosen = VALUES[field][value % len(VALUES[field])]
            self.decisions.append(self.server.resolve(field, chosen, entity))

    def reopen(self, number, *_) -> None:
        if self.decisions:
            self.server.reopen(self.decisions[number % len(self.decisions)])

    def delete(self, which, *_) -> None:
        self.server.delete(self._entity(which))

    def restore(self, which, *_) -> None:
        self.server.restore(self._entity(which))

    def settle(self, which, number, *_) -> None:
        entity = self._entity(which)
        if any(one.kind == "delete" for one in self.server.reviews(entity)):
            status = ("active", "deleted")[number % 2]
            self.decisions.append(self.server.settle_delete(status, entity))


def on_screen(screen: dict[str, str], name: str) -> str:
    """What a phone's screen showed of a settled property; of an option, whether it was ticked."""
    if "/" not in name:
        return screen.get(name, "")
    union, option = name.split("/", 1)
    return "1" if option in screen.get(union, "").split() else "0"


def branch_screens(story: Story, change: Change) -> list[dict[str, str]]:
    """The screens of a phone from the beginning of a change's branch up to it."""
    screens = story.screens
    mine = [
        cid
        for phone in story.phones
        if phone.name == change.author
        for cid in (c.change_id for c in phone.outbox if _before_in_branch(c, change))
    ]
    return [screens[cid] for cid in mine]


def _before_in_branch(one: Change, change: Change) -> bool:
    if one.entity != change.entity:
        return False
    if one.op is Op.CREATE:
        return change.trunk_version is None
    return one.branch_id == change.branch_id and (one.base_version or 0) <= (
        change.base_version or 0
    )


def was_shown(story: Story, writer: Change, name: str, value: str) -> bool:
    """Whether the writer's phone really showed a value, at this form or earlier in its branch."""
    policy = story.server.policies.of(name)
    return any(
        same(on_screen(screen, name), value, policy) for screen in branch_screens(story, writer)
    )


def value_of(story: Story, entity: str, cid: str, name: str) -> str:
    return received_value(story.server.record(entity).known[cid].change, name)
