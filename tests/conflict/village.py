"""A posyandu in memory: one server, phones that keep a list as ODK Collect does, a bidan.

Change ids are told as people would: "A1" is the first form of phone A, "bidan2" the
second decision of the bidan. Days are ISO dates; a server's stamps grow by a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from conflict.basis import needs_history
from conflict.edits import is_withdrawal, withdrawals
from conflict.policy import LABEL, Policies, Policy
from conflict.record import Record
from conflict.reread import reread
from conflict.standing import reviews, shown_data, view_of
from conflict.taking import Taken, note_original, receive, take
from conflict.types import Change, Op, RecordStatus, Review
from tests.conflict.phones import CHILD, Page, Phone, instant

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
        self.pages: dict[str, Page] = {}
        self.stamps: dict[str, tuple[str, Policies]] = {}
        self.thorough = True  # takes everything in once more as a store would load it
        self.inbox: list[Change] = []
        self.quarantine: list[Change] = []

    def stamp(self) -> str:
        self.seconds += 1
        return instant(self.today, self.seconds)

    def record(self, entity: str = CHILD) -> Record:
        return self.records.setdefault(entity, Record(node=self.node))

    def copy(self) -> Server:
        """The same server once more, as if it had been restored from its disk."""
        twin = Server(self.policies, today=self.today, node=self.node)
        twin.thorough = False
        twin.seconds, twin.decisions = self.seconds, self.decisions
        twin.taken, twin.stamps = dict(self.taken), dict(self.stamps)
        twin.submissions = {name: list(forms) for name, forms in self.submissions.items()}
        twin.records = {
            entity: replace(one, undo=list(one.undo), known=dict(one.known))
            for entity, one in self.records.items()
        }
        return twin

    def hub(self, node: str) -> Server:
        """A hub that has all that this server has, as it was settled here."""
        twin = self.copy()
        twin.node = node
        for record in twin.records.values():
            record.node = node
        return twin

    def refuse(self, change: Change) -> None:
        """Keep a change apart: its form, list or area is not known here."""
        self.quarantine.append(change)

    def retry(self, at: Mapping[str, str]) -> None:
        """Let in what was refused."""
        self.take(*self.quarantine, at=at)
        self.quarantine.clear()

    def take(self, *changes: Change, at: Mapping[str, str] | None = None) -> None:
        """Take changes in, each at its stamp of `at`, or at the next second."""
        for change in changes:
            record = self.record(change.entity)
            if change.change_id in record.known:
                continue
            received_at = at[change.change_id] if at else self.stamp()
            if change.deprecates in self.submissions:
                record.here |= {change.deprecates}
            slim = loaded_slim(record, change) if self.thorough else None
            taken = take(record, change, self.policies, received_at=received_at)
            if slim is not None:
                assert take(slim, change, self.policies, received_at=received_at) == taken
                assert (slim.state, slim.born_at) == (record.state, record.born_at)
            self.taken[change.change_id] = taken
            self.stamps[change.change_id] = received_at, self.policies
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

    def declare(self, policies: Policies) -> None:
        """Other policies from now on: what stands is read anew."""
        for record in self.records.values():
            reread(record, self.policies, policies)
        self.policies = policies

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

    def page(self, entity: str = CHILD) -> Page:
        """All that a page about a record shows now."""
        state = self.record(entity).state
        days = {
            (name, write.change_id): (write.observed_on, write.received_at)
            for name, standing in state.fields.items()
            for write in standing.writes
        }
        return Page(view_of(state, self.policies), days)

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
        self.pages[change.change_id] = self.page(entity)
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
