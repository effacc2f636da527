"""A posyandu in memory: one server, phones that keep a list as ODK Collect does, a bidan.

Change ids are told as people would: "A1" is the first form of phone A, "bidan2" the
second decision of the bidan. Days are ISO dates; a server's stamps grow by a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from conflict.basis import needs_history
from conflict.edits import is_withdrawal, withdrawals
from conflict.policy import LABEL, Policies, Policy
from conflict.record import Record
from conflict.standing import reviews, shown_data
from conflict.taking import Taken, note_original, receive, take
from conflict.types import Change, Op, RecordStatus, Review

CHILD = "anak-siti"
PROJECT = "5d1f7e55-0000-4000-8000-000000000001"


def declare(*, kept_off_phones: Iterable[str] = (), filters: Iterable[str] = (), **kinds: str):
    """A list's policies: declare(bb="latest(tgl)", nik="first")."""
    return Policies(
        {name: Policy.parse(kind) for name, kind in kinds.items()},
        kept_off_phones=frozenset(kept_off_phones),
        filters=frozenset(filters),
    )


POLICIES = declare(
    bb="latest(tgl)",
    tb="latest(tgl)",
    nik="first",
    imunisasi="union",
    catatan="last",
    lila="max",
    usia="min",
)


def instant(day: str, second: int = 0) -> str:
    """The instant `second` seconds after 01:00 UTC of a day."""
    return f"{day}T{1 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000Z"


@dataclass
class Row:
    """A record in a phone's own list. `trunk` is None until a server's list has shown it."""

    label: str
    data: dict[str, str]
    version: int
    trunk: int | None
    branch: str
    online: bool

    @property
    def screen(self) -> dict[str, str]:
        return {LABEL: self.label, **self.data}

    def copy(self) -> Row:
        """The row of a cloned phone."""
        return replace(self, data=dict(self.data))


class Server:
    """Takes changes in as ingest does: once each, loading no more history than is asked for."""

    def __init__(
        self, policies: Policies = POLICIES, *, today: str = "2026-11-01", node: str = "pusat"
    ) -> None:
        self.policies = policies
        self.today = today
        self.node = node
        self.seconds = 0
        self.records: dict[str, Record] = {}
        self.taken: dict[str, Taken] = {}
        self.decisions = 0
        self.submissions: dict[str, list[Change]] = {}

    def stamp(self) -> str:
        self.seconds += 1
        return instant(self.today, self.seconds)

    def record(self, entity: str = CHILD) -> Record:
        return self.records.setdefault(entity, Record(node=self.node))

    def copy(self) -> Server:
        """The same server once more, as if it had been restored from its disk."""
        twin = Server(self.policies, today=self.today, node=self.node)
        twin.seconds, twin.decisions = self.seconds, self.decisions
        twin.taken = dict(self.taken)
        twin.submissions = {name: list(forms) for name, forms in self.submissions.items()}
        twin.records = {
            entity: replace(one, undo=list(one.undo), known=dict(one.known))
            for entity, one in self.records.items()
        }
        return twin

    def take(self, *changes: Change, at: Mapping[str, str] | None = None) -> None:
        """Take changes in, each at its stamp of `at`, or at the next second."""
        for change in changes:
            record = self.record(change.entity)
            if change.change_id in record.known:
                continue
            received_at = at[change.change_id] if at else self.stamp()
            if change.deprecates in self.submissions:
                record.here |= {change.deprecates}
            slim = loaded_slim(record, change)
            taken = take(record, change, self.policies, received_at=received_at)
            if slim is not None:
                assert take(slim, change, self.policies, received_at=received_at) == taken
                assert (slim.state, slim.born_at) == (record.state, record.born_at)
            self.taken[change.change_id] = taken
            self._after(change, received_at)

    def _after(self, change: Change, received_at: str) -> None:
        """What a form that came means for the records of its original and of its edits."""
        if not change.submission or is_withdrawal(change):
            return
        self.submissions.setdefault(change.submission, []).append(change)
        pairs = [(change.submission, change.deprecates)] if change.deprecates else []
        pairs += [
            (edit, change.submission)
            for edit, forms in self.submissions.items()
            if any(one.deprecates == change.submission for one in forms)
        ]
        for edit, of in pairs:
            originals, edited = self.submissions.get(of, []), self.submissions[edit]
            for one in edited if originals else ():
                note_original(self.record(one.entity), of, self.policies)
            for gone in withdrawals(
                originals,
                edit=edit,
                of=of,
                named=[one.entity for one in edited],
                project=PROJECT,
                author=edited[0].author,
            ):
                self.take(gone, at={gone.change_id: received_at})

    def receive(self, other: Server) -> None:
        """Take in all that another server has, as it settled it there."""
        for record in other.records.values():
            for one in record.known.values():
                mine = self.record(one.change.entity)
                mine.here |= record.here
                receive(mine, one, self.policies)

    # what people see

    def shown(self, entity: str = CHILD) -> dict[str, str]:
        label, data = shown_data(self.record(entity).state, self.policies)
        return {LABEL: label, **data}

    def value(self, name: str, entity: str = CHILD) -> str:
        return self.shown(entity).get(name, "")

    def reviews(self, entity: str = CHILD) -> tuple[Review, ...]:
        return reviews(self.record(entity).state, self.policies)

    def questions(self, entity: str = CHILD) -> dict[str, set[str]]:
        """The open reviews: field (or "delete") to its contenders."""
        return {one.field or one.kind: set(one.contenders) for one in self.reviews(entity)}

    def version(self, entity: str = CHILD) -> int:
        return self.record(entity).state.version

    def status(self, entity: str = CHILD) -> RecordStatus:
        return self.record(entity).state.status

    def outcome(self, change: Change) -> str:
        """The status of a change as it stands now: merge.md, section 3."""
        record = self.record(change.entity)
        if record.known[change.change_id].waiting:
            return "waiting"
        contending = {cid for one in self.reviews(change.entity) for cid in one.contenders}
        if change.change_id in contending:
            return "conflict"
        return "merged" if self.taken[change.change_id].concurrent else "applied"

    def waiting(self, entity: str = CHILD) -> list[str]:
        return [cid for cid, one in self.record(entity).known.items() if one.waiting]

    def row(self, entity: str) -> tuple[str, dict[str, str], int] | None:
        """Label, data and `__version` in phones' lists, or None when it is not there."""
        record = self.records.get(entity)
        if record is None or not record.state.created or self.status(entity) == "deleted":
            return None
        data = self.shown(entity)
        label = data.pop(LABEL)
        kept = {n: v for n, v in data.items() if n not in self.policies.kept_off_phones}
        return label, kept, record.served

    # what the bidan does

    def decide(self, op: Op, entity: str = CHILD, **more: object) -> Change:
        """A supervisor's change, made on a page of this server and taken in at once."""
        self.decisions += 1
        change = Change(
            change_id=f"bidan{self.decisions}",
            list_name="anak",
            entity=entity,
            op=op,
            author="bidan",
            **more,  # type: ignore[arg-type]
        )
        self.take(change)
        return change

    def resolve(self, name: str, value: str, entity: str = CHILD, **more: str) -> Change:
        """Settle the open review of a field."""
        (one,) = (r for r in self.reviews(entity) if r.field == name)
        data = {name: value, **more}
        return self.decide(Op.RESOLVE, entity, contenders=one.contenders, data=data)

    def patch(self, entity: str = CHILD, **data: str) -> Change:
        """Edit fields on the record's page: a resolve over all that stands in them."""
        fields = self.record(entity).state.fields
        standing = [
            w.change_id
            for name, one in fields.items()
            if name.split("/")[0] in data
            for w in one.writes
        ]
        return self.decide(Op.RESOLVE, entity, contenders=tuple(sorted(set(standing))), data=data)

    def delete(self, entity: str = CHILD) -> Change:
        return self.decide(Op.DELETE, entity)

    def restore(self, entity: str = CHILD) -> Change:
        return self.decide(Op.RESTORE, entity)

    def settle_delete(self, status: str, entity: str = CHILD) -> Change:
        (one,) = (r for r in self.reviews(entity) if r.kind == "delete")
        return self.decide(Op.RESOLVE, entity, contenders=one.contenders, status=status)

    def reopen(self, resolve: Change) -> Change:
        return self.decide(Op.REOPEN, resolve.entity, of=resolve.change_id)


def loaded_slim(record: Record, change: Change) -> Record | None:
    """The record as a store loads it for one change, or None when it is loaded whole."""
    known = {
        cid: one
        for cid, one in record.known.items()
        if one.change.op is Op.CREATE
        or (change.branch_id and one.change.branch_id == change.branch_id)
    }
    if needs_history(record.state, [change], [*known.values()]):
        return None
    whole = not record.known
    return replace(record, undo=list(record.undo), known=known, whole=whole)


@dataclass
class Phone:
    """ODK Collect's list and outbox, as reference says: a form sends only the fields it saves.

    `screens` keeps what the phone showed when each change was made; `seen` which changes
    the server had when the list was last fetched.
    """

    name: str
    clock: str = ""  # the day its clock says, whatever the day is
    rows: dict[str, Row] = field(default_factory=dict)
    outbox: list[Change] = field(default_factory=list)
    screens: dict[str, dict[str, str]] = field(default_factory=dict)
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
            if local is None or local.version < version or (local.version == version and dirty):
                self.rows[entity] = Row(label, data, version, version, self._branch(), True)
                self.seen[entity] = frozenset(server.record(entity).known)
            elif local.version > version:
                local.online = True
        return self

    def register(self, entity: str = CHILD, *, day: str = "", **data: str) -> Change:
        """Create a record with no signal."""
        self.rows[entity] = Row("Siti", dict(data), 1, None, self._branch(), False)
        change = self._change(entity, Op.CREATE, day, data, label="Siti")
        self.screens[change.change_id] = {}
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
            change = self._change(entity, Op.CREATE, day, data, label=form.label)
        else:
            row = self.rows[entity]
            base = {"base_version": row.version, "trunk_version": row.trunk}
            change = self._change(entity, Op.UPDATE, day, data, **base, branch_id=row.branch)
        self.outbox[-1] = change = replace(change, deprecates=form.submission)
        self.screens[change.change_id] = (
            self.screens[form.change_id] if entity == form.entity else self.rows[entity].screen
        )
        return change

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
            author=self.name,
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


def born(server: Server, **data: str) -> Server:
    """A child on the register before anything happens: version 1."""
    server.take(
        Change(
            change_id="lahir",
            list_name="anak",
            entity=CHILD,
            op=Op.CREATE,
            label="Siti",
            data=data,
            author="puskesmas",
        )
    )
    return server


def phones(server: Server, names: str) -> list[Phone]:
    """Phones with a fresh list: a, b = phones(server, "AB")."""
    return [Phone(name).refresh(server) for name in names]
