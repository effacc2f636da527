"""Random stories of a posyandu, correlated so that people meet: few records, fields and values.

A story is a list of plain tuples, so that Hypothesis shrinks it to the smallest that fails.
Up to five phones, a program that names versions, and a bidan; `tell` makes a story from a seed.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from conflict.policy import LABEL, Policy
from conflict.standing import read_view, same
from conflict.types import Change, Op
from tests.conflict.phones import Page, Phone, Program
from tests.conflict.village import Server, born, declare
from tests.conflict.witness import Fact, facts_of

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
# What a property may be declared to be instead; a list's dates and unions stay what they are.
OTHERWISE = ("review", "last", "first", "max", "min", "latest(tgl)")
REDECLARED = ("rt", "rw", "bb", "nik", "catatan", "lila", "usia")
DAYS = ("2026-11-01", "2026-11-02", "2026-11-05", "2027-11-04")
CLOCKS = ("", "2015-01-01", "2026-10-02", "2035-01-01")
NAMES = "ABCDE"

small = st.integers(0, 7)
# Few fields in one story, so that its people write the same ones.
fields = st.lists(st.sampled_from([*VALUES]), min_size=1, max_size=2, unique=True)
typed = st.tuples(st.lists(st.tuples(small, small), max_size=2), st.none() | small, st.booleans())
fills = st.tuples(st.just("fill"), small, small, typed)
edits = st.tuples(st.just("edit"), small, small, typed)
posts = st.tuples(st.just("post"), small, small, typed)
registers = st.tuples(st.just("register"), small, typed)
MOVES = ("sync", "sync", "sync", "send", "send", "flush", "refresh", "fetch")
DECISIONS = ("patch", "resolve", "resolve", "reopen", "delete", "restore", "settle", "declare")
RARELY = ("tomorrow", "remove", "clone")
moves = st.tuples(st.sampled_from(MOVES), small, small, small)
decisions = st.tuples(st.sampled_from((*DECISIONS, *RARELY)), small, small, small)
clocks = st.lists(st.sampled_from(CLOCKS), min_size=2, max_size=5)
one_event = fills | fills | moves | moves | decisions | edits | posts | registers
events = st.lists(one_event, min_size=3, max_size=20)
stories = st.tuples(clocks, fields, events)
offline = st.lists(fills | fills | fills | edits | registers, min_size=1, max_size=8)

filled_away = st.lists(fills | fills | fills | registers, min_size=1, max_size=8)


class Teller:
    """Makes the parts of a story from a seed, without Hypothesis and as its strategies do."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def number(self) -> int:
        return self.random.randrange(8)

    def typed(self) -> tuple:
        pairs = [(self.number(), self.number()) for _ in range(self.random.randrange(3))]
        return pairs, self.random.choice([None, self.number()]), self.random.random() < 0.5

    def event(self, **weights: int) -> tuple:
        (kind,) = self.random.choices([*weights], weights=[*weights.values()])
        if kind == "register":
            return "register", self.number(), self.typed()
        if kind in ("fill", "edit", "post"):
            return kind, self.number(), self.number(), self.typed()
        names = {"move": MOVES, "decision": DECISIONS, "rare": RARELY}[kind]
        return self.random.choice(names), self.number(), self.number(), self.number()


def tell(seed: int) -> tuple[list[str], list[str], list[tuple]]:
    """The story of a seed: 2 to 5 phones, 1 or 2 fields, 5 to 40 events."""
    teller = Teller(seed)
    random = teller.random
    people = [random.choice(CLOCKS) for _ in range(random.randint(2, 5))]
    about = random.sample([*VALUES], random.randint(1, 2))
    usual = {"fill": 40, "register": 4, "edit": 7, "post": 6, "move": 26, "decision": 15, "rare": 2}
    return people, about, [teller.event(**usual) for _ in range(random.randint(5, 40))]


def tell_away(seed: int, *, edits: bool = True) -> list[tuple]:
    """The forms of a seed that are filled where no server hears of them, as `offline` has them."""
    teller = Teller(seed)
    usual = {"fill": 6, "register": 1, "edit": 2 * edits}
    return [teller.event(**usual) for _ in range(teller.random.randint(1, 8))]


def tell_parts(seed: int, names: tuple[str, ...]) -> list[tuple[dict[str, str], bool]]:
    """The forms of a seed about these fields, as `filled` has them."""
    random = Random(seed)
    return [
        (
            {name: random.choice(VALUES[name]) for name in random.choices(names, k=2)},
            random.random() < 0.5,
        )
        for _ in range(random.randint(1, 4))
    ]


def filled(names: tuple[str, ...]):
    """Forms about these fields, as phones type them."""
    pairs = [(name, value) for name in names for value in VALUES[name]]
    some = st.lists(st.sampled_from(pairs), min_size=1, max_size=3).map(dict)
    return st.tuples(some, st.booleans())


class Story:
    """Plays a story on one server."""

    def __init__(
        self, clocks, fields=("rt",), *, online: bool = False, clones: bool = True
    ) -> None:
        self.fields = fields
        self.server = born(Server(POLICIES), rt="5", bb="9", tgl="2026-06-05", imunisasi="bcg")
        self.phones = [
            Phone(name, clock=clock).refresh(self.server)
            for name, clock in zip(NAMES, clocks, strict=False)
        ]
        self.program = Program("P").fetch(self.server)
        self.online = online
        self.decisions: list[Change] = []
        self.clones, self.cloned = clones, False

    def play(self, events) -> Story:
        for event in events:
            getattr(self, event[0])(*event[1:])
        return self

    def finish(self) -> Story:
        """Everything arrives in the end, from the last form to the first."""
        for phone in self.phones:
            for change in reversed(phone.outbox):
                self.server.take(change)
        self.server.take(*self.program.outbox)
        return self

    @property
    def screens(self) -> dict[str, dict[str, str]]:
        return {cid: screen for phone in self.phones for cid, screen in phone.screens.items()}

    @property
    def told(self) -> dict[str, tuple[Page, tuple[str, ...]]]:
        """What everybody but the bidan was shown, as `tests.conflict.witness` asks for it."""
        people = (*self.phones, self.program)
        return {cid: told for one in people for cid, told in one.told.items()}

    def facts(self) -> dict[str, dict[str, Fact]]:
        """What happened to each record, with what the author of each change looked at."""
        return facts_of(self.server, self.told)

    def showed(self, fact: Fact, name: str) -> str:
        """What the author of a change had before him of one property."""
        return on_screen(screens_of(self, fact)[-1], name)

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

    def edit(self, number, which, typed) -> None:
        phone, (pairs, date, away) = self._phone(number), typed
        if not phone.outbox:
            return
        form = phone.outbox[-1 - which % 3 % len(phone.outbox)]
        other = self._entity(number * which) if away and form.op is Op.UPDATE else form.entity
        if form.op is Op.UPDATE and other not in phone.rows:
            return
        change = phone.edit(form, other, **self._typed(pairs, date))
        if self.online:
            self.server.take(change)

    def clone(self, number, *_) -> None:
        if self.clones and not self.cloned:
            self.cloned = True
            phone = self._phone(number)
            self.phones.append(phone.clone(phone.name + phone.name))

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

    # what the program does

    def fetch(self, *_) -> None:
        self.program.fetch(self.server)

    def post(self, late, which, typed) -> None:
        entities = sorted(self.program.pages, reverse=True)
        if entities:
            data = self._typed(*typed[:2])
            self.program.post(entities[which // 6 % len(entities)], **data)
            if late % 2:
                self.server.take(*self.program.outbox)

    def remove(self, which, *_) -> None:
        entities = sorted(self.program.pages, reverse=True)
        if entities:
            self.program.delete(entities[which // 6 % len(entities)])

    # what the server does

    def declare(self, name, kind, *_) -> None:
        """Somebody declares another policy for one of the properties of the story."""
        field = self.fields[name % len(self.fields)]
        if field in REDECLARED:
            old = self.server.policies
            kinds = {**old.by_property, field: Policy.parse(OTHERWISE[kind % len(OTHERWISE)])}
            self.server.declare(replace(old, by_property=kinds))
            if self.program.pages:
                self.program.fetch(self.server)  # the feed tells it, under the same version

    def tomorrow(self, *_) -> None:
        later = [day for day in DAYS if day > self.server.today]
        self.server.today = later[0] if later else self.server.today

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


def screens_of(story: Story, fact: Fact) -> list[dict[str, str]]:
    """What an author had before him from the beginning of a branch up to this form.

    Of an edit, at the form that it goes back to; of a program, the one page it had read.
    """
    first = fact.first
    if first.id in story.screens:
        return [story.screens[cid] for cid in (*first.mine, first.id)]
    label, data = read_view(first.page.view, first.policies)
    return [{LABEL: label, **data}]


def was_shown(story: Story, writer: Fact, name: str, value: str) -> bool:
    """Whether the writer really was shown a value, at this form or earlier in its branch."""
    policy = writer.policies.of(name)
    return any(same(on_screen(one, name), value, policy) for one in screens_of(story, writer))
