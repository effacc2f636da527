"""Random stories of a hamlet: cadres' phones, a program and a bidan over a few children.

A story is a list of plain tuples, as Hypothesis shrinks them. The phones keep their lists as
Collect does, from the very CSV that the server serves; a twin in memory takes the same in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from uuid import UUID

from hypothesis import strategies as st

from conflict.areas import area_of
from conflict.types import Change, Op
from sync_server.accounts import devices, people
from sync_server.clock import instant
from sync_server.db import read_transaction
from sync_server.fleet.blocks import EntityBlock
from sync_server.fleet.local_list import LocalList
from sync_server.intake.arrival import Author, Project, Result
from sync_server.intake.ingest import ingest
from sync_server.publishing import lists, publish
from sync_server.reports.entity_lists import list_csv
from sync_server.stores.lists import load_lists
from tests.scenarios.arrivals import (
    LIST,
    PROJECT,
    Form,
    Item,
    Sending,
    Told,
    born_row,
    measured_row,
    session_form,
)
from tests.scenarios.twin import RULES, Twin
from tests.support.clock import FrozenClock

VALUES = {
    "nama": ("Siti", "Budi", ""),
    "posyandu": ("melati", "mawar"),
    "nik": ("3201", "3210", ""),
    "rt": ("5", "05", "06", ""),
    "bb": ("9", "9.0", "9.5", ""),
    "tb": ("80", "81", ""),
    "catatan": ("sehat", "batuk", ""),
    "imunisasi": ("bcg", "bcg dpt", "polio", ""),
    "lila": ("13", "14", "besar", ""),
    "usia": ("6", "6.0", "5", ""),
}
DATES = ("2026-06-05", "2026-08-07", "2026-10-02", "2027-11-05", "kemarin", "")
CLOCKS = (None, "2015-01-01", "2026-10-02", "2035-01-01")
PROGRAM = 3

small = st.integers(0, 7)
typed = st.tuples(
    st.lists(st.tuples(small, small), min_size=1, max_size=2), st.none() | small, st.booleans()
)
OFFLINE = ("rest", "fill", "fill", "fill", "both", "edit", "edit", "register")
ONLINE = ("send", "send", "send", "sync", "sync")
DECISIONS = ("patch", "resolve", "reopen", "delete", "restore", "settle")
offline = st.lists(
    st.tuples(st.sampled_from(OFFLINE), small, small, small, typed), min_size=16, max_size=30
)
events = st.lists(
    st.tuples(
        st.sampled_from((*OFFLINE, *ONLINE, *ONLINE, *DECISIONS)), small, small, small, typed
    ),
    min_size=50,
    max_size=70,
)
fields = st.lists(st.sampled_from([*VALUES]), min_size=2, max_size=3, unique=True)
children = st.integers(2, 4)
clocks = st.lists(st.sampled_from(CLOCKS), min_size=PROGRAM + 1, max_size=PROGRAM + 1)
beginnings = st.tuples(children, fields, clocks)


@dataclass(frozen=True)
class Place:
    """A server that each story has a project of its own on, with the hamlet's list and devices."""

    clock: FrozenClock
    bidan: int

    @classmethod
    def begin(cls, clock: FrozenClock) -> Place:
        login = people.log_in("admin@example.org", "posyandu-melati-7", clock=clock)
        return cls(clock, login.person.actor_id)

    def project(self) -> Project:
        """A new project; its uuid is that of every other story, for the sake of change ids."""
        done = {"by": self.bidan, "clock": self.clock}
        project_id = people.create_project("Sumedang", **done)
        devices.add_actor_property(project_id, "posyandu", **done)
        publish.publish_checked(project_id, session_form(), **done)
        lists.set_access_filter(project_id, LIST, RULES, **done)
        return replace(people.get_project(project_id), uuid=PROJECT)

    def device(self, project: Project, name: str, *places: str) -> Author:
        borne = {"posyandu": list(places)}
        made = devices.create_app_user(
            project.id, name, borne, by=self.bidan, clock=self.clock, secret_key="a secret"
        )
        return Author(made.actor_id, f"collect:{name}", area=area_of(made.actor_id, borne))


@dataclass
class Pad:
    """A phone, or a program that works offline like one: its list, what it made and sent."""

    author: Author
    clock: str | None
    own: LocalList
    made: list[Item] = field(default_factory=list)
    unsent: list[Item] = field(default_factory=list)

    def keep(self, item: Item) -> None:
        self.made.append(item)
        self.unsent.append(item)


class Hamlet:
    """One story on one project. `arrived` is every batch with its results, in order."""

    def __init__(self, place: Place, beginning: tuple[int, Sequence[str], Sequence[str]]) -> None:
        number, self.fields, clocks = beginning
        self.project = place.project()
        self.clock = FrozenClock()
        self.random = Random(7)  # ids only: version 4, as Collect wants those of its entities
        with read_transaction() as connection:
            self.info = load_lists(connection, self.project.id)[LIST]
        self.twin = Twin(self.info.policies, self.project.node)
        self.bidan = Author(place.bidan, may_decide=True)
        self.stranger = place.device(self.project, "orang jauh", "anggrek")
        authors = [
            place.device(self.project, name, "melati", "mawar")
            for name in ("Tuti", "Ani", "Wati", "program")
        ]
        self.pads = [
            Pad(author, clock, LocalList(LIST, new_branch=self.new_id))
            for author, clock in zip(authors, clocks, strict=True)
        ]
        self.decisions: list[Change] = []
        self.arrived: list[tuple[list[Sending], list[Result]]] = []
        self.born = tuple(self.new_id() for _ in range(number))
        self.children = [*self.born]
        born = {"posyandu": "melati", "rt": "5", "bb": "9", "tgl": "2026-06-05", "imunisasi": "bcg"}
        self.arrive([self._form(self.pads[0], (born_row(c, dict(born)),)) for c in self.children])
        for number in range(len(self.pads)):
            self.sync(number)

    def new_id(self, prefix: str = "") -> str:
        return prefix + str(UUID(int=self.random.getrandbits(128), version=4))

    def change(self, child: str, op: Op, author: Author, **more) -> Change:
        """A change that is in no form."""
        return Change(
            change_id=self.new_id(),
            list_name=LIST,
            entity=child,
            op=op,
            author=str(author.actor_id),
            **more,
        )

    def play(self, events: Iterable[tuple]) -> Hamlet:
        for name, *more in events:
            getattr(self, name)(*more)
        return self

    def arrive(self, items: Sequence[Item]) -> list[Result]:
        """A batch comes to the server and to its twin, a second after the last."""
        self.clock.pass_seconds(1)
        self.twin.arrive(items, instant(self.clock.now()))
        return self.take_in(items)

    def arrive_apart(self, items: Sequence[Item], batches: Iterable[Sequence[Sending]]) -> None:
        """All comes at one moment: to the twin in order, to the server in these batches."""
        self.clock.pass_seconds(1)
        for item in items:
            self.twin.arrive([item], instant(self.clock.now()))
        for batch in batches:
            self.take_in(batch)

    def take_in(self, items: Sequence[Sending]) -> list[Result]:
        sent = [one.sent() for one in items]
        results = ingest(self.project, sent, author=items[0].author, clock=self.clock)
        self.arrived.append(([*items], results))
        return results

    def coming(self) -> list[Item]:
        """All that phones and the program have not sent yet, each in the order it was made."""
        return [item for pad in self.pads for item in pad.unsent]

    def rest(self, *_) -> None:
        """Nothing: what a story shrinks to."""

    # what phones and the program do

    def fill(self, number, which, _, values) -> None:
        pad = self._pad(number)
        for row in self._rows(pad, [which], values)[:1]:
            self._finish(pad, row)

    def both(self, number, which, _, values) -> None:
        """One form over two children; a program sends one change after the other."""
        pad = self._pad(number)
        self._finish(pad, *self._rows(pad, [which, which + 1], values))

    def register(self, number, _, __, values) -> None:
        pad, child = self._pad(number), self.new_id()
        self.children.append(child)
        self._finish(pad, born_row(child, {"posyandu": "melati", **self._typed(values, {})}))

    def edit(self, number, which, how, values) -> None:
        """Open a finished form again: mend it, choose another child in it, or no child at all."""
        pad = self._pad(number)
        forms = [one for one in pad.made if isinstance(one, Form)]
        if not forms:
            return
        form = forms[-1 - which % min(len(forms), 4)]
        named = {row.id for row in form.rows}
        spare = [child for child in self.children if child in pad.own.entities.keys() - named]
        rows = []
        for row in form.rows:
            properties = {**row.properties, **self._typed(values, {})}
            if row.create:
                rows.append(replace(row, properties=properties))
            elif how == 7:
                rows.append(replace(row, update=False))
            else:
                child = spare.pop() if how > 4 and spare else row.id
                if child not in pad.own.entities:
                    return
                rows.append(measured_row(pad.own.entities[child], properties))
        edited = replace(self._form(pad, tuple(rows)), edits=form.instance)
        pad.keep(edited)

    def send(self, number, which, how, _=None) -> None:
        """Send: all that waits, the last first, any one, or much of it once more."""
        pad = self._pad(number)
        if how == 0 and pad.made:
            self.arrive([*pad.made[-3:], *pad.unsent, *pad.unsent[:1]])
            pad.unsent = []
        elif how < 3 and pad.unsent:
            self.arrive([pad.unsent.pop(which % len(pad.unsent))])
        elif pad.unsent:
            going = pad.unsent if how < 6 else pad.unsent[::-1]
            pad.unsent = []
            for batch in [going] if how % 2 else [[one] for one in going]:
                self.arrive(batch)

    def sync(self, number, *_) -> None:
        pad = self._pad(number)
        with read_transaction() as connection:
            csv = list_csv(connection, self.project.id, self.info, pad.author.area)
        assert pad.own.import_csv(csv)

    def _pad(self, number: int) -> Pad:
        return self.pads[number % len(self.pads)]

    def _typed(self, values, shown: dict[str, str]) -> dict[str, str]:
        pairs, date, resends = values
        chosen = {name: shown.get(name, "") for name in self.fields if resends and shown}
        for number, value in pairs:
            name = self.fields[number % len(self.fields)]
            chosen[name] = VALUES[name][value % len(VALUES[name])]
        return chosen if date is None else {**chosen, "tgl": DATES[date % len(DATES)]}

    def _rows(self, pad: Pad, which: Sequence[int], values) -> list[EntityBlock]:
        known = [child for child in self.children if child in pad.own.entities]
        wanted = dict.fromkeys(known[one % len(known)] for one in which if known)
        return [
            measured_row(local, self._typed(values, {"posyandu": "melati", **local.properties}))
            for local in (pad.own.entities[child] for child in wanted)
        ]

    def _finish(self, pad: Pad, *rows: EntityBlock) -> None:
        for row in rows:
            pad.own.apply(row)
        form = self._form(pad, rows)
        if pad is not self.pads[PROGRAM]:
            if rows:
                pad.keep(form)
            return
        for change in form.changes():
            told = replace(change, change_id=self.new_id(), from_form=False, submission="")
            pad.keep(Told(told, pad.author))

    def _form(self, pad: Pad, rows: tuple[EntityBlock, ...]) -> Form:
        finished = pad.clock and f"{pad.clock}T01:00:{len(pad.made) % 60:02d}.000Z"
        return Form(self.new_id("uuid:"), pad.author, rows, finished)

    # what the bidan does

    def patch(self, which, name, value, _) -> None:
        field = self.fields[name % len(self.fields)]
        chosen = VALUES[field][value % len(VALUES[field])]
        child = self._any(which)
        stand = self.twin.records[child].state.fields
        over = {
            w.change_id
            for name, one in stand.items()
            if name.split("/")[0] == field
            for w in one.writes
        }
        self._decide(child, Op.RESOLVE, contenders=tuple(sorted(over)), data={field: chosen})

    def resolve(self, which, number, value, _) -> None:
        child = self._any(which)
        asked = [one for one in self.twin.reviews(child) if one.field]
        for one in asked[number % len(asked) :][:1] if asked else ():
            chosen = VALUES[one.field][value % len(VALUES[one.field])]
            self._decide(child, Op.RESOLVE, contenders=one.contenders, data={one.field: chosen})

    def settle(self, which, number, *_) -> None:
        child = self._any(which)
        for one in self.twin.reviews(child):
            if one.kind == "delete":
                status = ("active", "deleted")[number % 2]
                self._decide(child, Op.RESOLVE, contenders=one.contenders, status=status)

    def reopen(self, number, *_) -> None:
        if self.decisions:
            resolve = self.decisions[number % len(self.decisions)]
            self._decide(resolve.entity, Op.REOPEN, of=resolve.change_id)

    def delete(self, which, *_) -> None:
        self._decide(self._any(which), Op.DELETE)

    def restore(self, which, *_) -> None:
        self._decide(self._any(which), Op.RESTORE)

    def _any(self, which: int) -> str:
        return [*self.twin.records][which % len(self.twin.records)]

    def _decide(self, child: str, op: Op, **more) -> None:
        change = self.change(child, op, self.bidan, **more)
        if op is Op.RESOLVE:
            self.decisions.append(change)
        self.arrive([Told(change, self.bidan)])
