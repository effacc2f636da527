"""Phones of a posyandu: ODK Collect's list and outbox, with what each screen really showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conflict.policy import LABEL
from conflict.types import Change, Op, View

if TYPE_CHECKING:
    from tests.conflict.village import Server

CHILD = "anak-siti"


def instant(day: str, second: int = 0) -> str:
    """The instant `second` seconds after 01:00 UTC of a day."""
    return f"{day}T{1 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000Z"


@dataclass(frozen=True)
class Page:
    """A record as a server showed it: each value with where it came from, and what stood.

    `days` are the observation date and first stamp of each write that stood.
    """

    view: View = field(default_factory=View)
    days: Mapping[tuple[str, str], tuple[str | None, str]] = field(default_factory=dict)


@dataclass
class Row:
    """A record in a phone's own list. `trunk` is None until a server's list has shown it.

    `page` is what that list showed, `mine` are the forms filled since, in order.
    """

    label: str
    data: dict[str, str]
    version: int
    trunk: int | None
    branch: str
    online: bool
    page: Page = field(default_factory=Page)
    mine: tuple[str, ...] = ()

    @property
    def screen(self) -> dict[str, str]:
        return {LABEL: self.label, **self.data}

    def copy(self) -> Row:
        """The row of a cloned phone."""
        return replace(self, data=dict(self.data))


@dataclass
class Phone:
    """ODK Collect's list and outbox, as reference says: a form sends only the fields it saves.

    `screens` keeps what the phone showed when each change was made, `told` where that came
    from; `seen` which changes the server had when the list was last fetched.
    """

    name: str
    actor: str = ""  # of a cloned phone, the name of the first
    clock: str = ""  # the day its clock says, whatever the day is
    rows: dict[str, Row] = field(default_factory=dict)
    outbox: list[Change] = field(default_factory=list)
    screens: dict[str, dict[str, str]] = field(default_factory=dict)
    told: dict[str, tuple[Page, tuple[str, ...]]] = field(default_factory=dict)
    seen: dict[str, frozenset[str]] = field(default_factory=dict)
    sources: dict[str, frozenset[str]] = field(default_factory=dict)
    forms: int = 0
    branches: int = 0

    def _branch(self) -> str:
        self.branches += 1
        return f"{self.name}-branch{self.branches}"

    def refresh(self, server: Server) -> Phone:
        """Fetch the list, as Collect's `LocalEntityUseCases` does."""
        for entity in {*server.records, *self.rows}:
            served, local = server.row(entity), self.rows.get(entity)
            if served is None:
                gone = entity in server.records and server.status(entity) == "deleted"
                if local is not None and (local.online or gone):
                    del self.rows[entity]
                continue
            label, data, version = served
            dirty = local is not None and local.version != local.trunk
            if local is not None and local.version == version and not dirty:
                assert (local.label, local.data) == (label, data), "one number, two contents"
            if local is None or local.version < version or (local.version == version and dirty):
                self.rows[entity] = Row(
                    label, data, version, version, self._branch(), True, server.page(entity)
                )
                self.seen[entity] = frozenset(server.record(entity).known)
            elif local.version > version:
                local.online = True
        return self

    def register(self, entity: str = CHILD, *, day: str = "", **data: str) -> Change:
        """Create a record with no signal."""
        self.rows[entity] = Row("Siti", dict(data), 1, None, self._branch(), False)
        change = self._change(entity, Op.CREATE, day, data, label="Siti")
        self.screens[change.change_id] = {}
        self.told[change.change_id] = Page(), ()
        self.rows[entity].mine = (change.change_id,)
        return change

    def fill(
        self, entity: str = CHILD, *, resend: Iterable[str] = (), day: str = "", **typed: str
    ) -> Change:
        """Fill a form about a record; `resend` are fields left as the screen had them."""
        row = self.rows[entity]
        data = {**{name: row.data.get(name, "") for name in resend}, **typed}
        change = self._change(
            entity,
            Op.UPDATE,
            day,
            data,
            base_version=row.version,
            trunk_version=row.trunk,
            branch_id=row.branch,
        )
        self.screens[change.change_id] = row.screen
        self.told[change.change_id] = row.page, row.mine
        row.mine = (*row.mine, change.change_id)
        row.data.update(data)
        row.version += 1
        return change

    def edit(self, form: Change, entity: str = "", *, day: str = "", **typed: str) -> Change:
        """Open a finished form again, mend it, or choose another child: the list stays as it is.

        What the form says of its base is worked out anew from the list as it is now.
        """
        entity = entity or form.entity
        data = {**form.data, **typed}
        if form.op is Op.CREATE:
            told: tuple[Page, tuple[str, ...]] = (Page(), ())
            change = self._change(entity, Op.CREATE, day, data, label=form.label)
        else:
            row = self.rows[entity]
            told = row.page, row.mine
            base = {"base_version": row.version, "trunk_version": row.trunk}
            change = self._change(entity, Op.UPDATE, day, data, **base, branch_id=row.branch)
        self.outbox[-1] = change = replace(change, deprecates=form.submission)
        self.told[change.change_id] = told
        self.screens[change.change_id] = (
            self.screens[form.change_id] if entity == form.entity else self.rows[entity].screen
        )
        return change

    def clone(self, name: str) -> Phone:
        """A second phone made from a backup of this one: the same list, branches and outbox."""
        twin = replace(self, name=name, actor=self.actor or self.name, outbox=[*self.outbox])
        twin.rows = {entity: row.copy() for entity, row in self.rows.items()}
        for kept in ("screens", "told", "seen", "sources"):
            setattr(twin, kept, dict(getattr(self, kept)))
        return twin

    def _change(
        self, entity: str, op: Op, day: str, data: dict[str, str], **more: object
    ) -> Change:
        self.forms += 1
        change = Change(
            change_id=f"{self.name}{self.forms}",
            submission=f"{self.name}{self.forms}",
            list_name="anak",
            entity=entity,
            op=op,
            data=data,
            client_time=instant(day or self.clock, self.forms) if day or self.clock else None,
            author=self.actor or self.name,
            from_form=True,
            **more,  # type: ignore[arg-type]
        )
        earlier = {c.change_id for c in self.outbox if c.entity == entity}
        self.sources[change.change_id] = self.seen.get(entity, frozenset()) | earlier
        self.outbox.append(change)
        return change

    def send(self, server: Server, *changes: Change) -> None:
        """Send forms, or all there are; the outbox keeps them, as after a lost answer."""
        server.take(*(changes or self.outbox))


@dataclass
class Program:
    """An office program: it reads a record with its version and names that when it writes."""

    name: str
    pages: dict[str, tuple[int, Page]] = field(default_factory=dict)
    outbox: list[Change] = field(default_factory=list)
    told: dict[str, tuple[Page, tuple[str, ...]]] = field(default_factory=dict)

    def fetch(self, server: Server) -> Program:
        """Read every record that is in the lists."""
        rows = {entity: server.row(entity) for entity in server.records}
        self.pages = {
            entity: (server.version(entity), server.page(entity))
            for entity, row in rows.items()
            if row is not None
        }
        return self

    def post(self, entity: str = CHILD, **data: str) -> Change:
        return self._change(entity, Op.UPDATE, data)

    def delete(self, entity: str = CHILD) -> Change:
        return self._change(entity, Op.DELETE, {})

    def _change(self, entity: str, op: Op, data: dict[str, str]) -> Change:
        version, page = self.pages[entity]
        change = Change(
            change_id=f"{self.name}{len(self.outbox) + 1}",
            list_name="anak",
            entity=entity,
            op=op,
            data=data,
            base_version=version,
            author=self.name,
        )
        self.told[change.change_id] = page, ()
        self.outbox.append(change)
        return change
