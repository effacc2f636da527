"""The same server in memory, each record with its whole history: what a database must equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from conflict.areas import Rule, scopes_of_record
from conflict.basis import in_branch_order
from conflict.edits import withdrawals
from conflict.fold import fold
from conflict.policy import Policies
from conflict.record import Record
from conflict.standing import reviews, shown_data
from conflict.taking import note_original, take
from conflict.types import Change, Review
from tests.scenarios.arrivals import PROJECT, Form, Item

RULES = (Rule("posyandu", "posyandu"),)


class Twin:
    def __init__(self, policies: Policies, node: str) -> None:
        self.policies = policies
        self.node = node
        self.records: dict[str, Record] = {}
        self.items: dict[str, Item] = {}

    def arrive(self, items: Sequence[Item], at: str) -> None:
        """Take a batch in; what is known already is passed over."""
        fresh = {one.key: one for one in items if one.key not in self.items}
        self.items |= fresh
        changes = in_branch_order(chain.from_iterable(one.changes() for one in fresh.values()))
        for change in changes:
            self._take(change, at)
        for form, edit in self._edits(fresh):
            for gone in self._withdrawn(form, edit):
                self._take(gone, at)
            for change in edit.changes():
                note_original(self.records[change.entity], form.key, self.policies)

    def _take(self, change: Change, at: str) -> None:
        record = self.records.setdefault(change.entity, Record(node=self.node))
        record.here |= self.items.keys()
        if change.change_id not in record.known:
            take(record, change, self.policies, received_at=at)

    def _edits(self, fresh: dict[str, Item]) -> Iterator[tuple[Form, Form]]:
        """(original, edit) of which both are here and at least one has just come."""
        for edit in self.items.values():
            form = self.items.get(edit.edited)
            if form is not None and (edit.key in fresh or form.key in fresh):
                assert isinstance(form, Form)
                assert isinstance(edit, Form)
                yield form, edit

    def _withdrawn(self, form: Form, edit: Form) -> tuple[Change, ...]:
        return withdrawals(
            form.changes(),
            edit=edit.key,
            of=form.key,
            named=[one.entity for one in edit.changes()],
            project=PROJECT,
            author=str(edit.author.actor_id),
        )

    def reviews(self, child: str) -> tuple[Review, ...]:
        return reviews(self.records[child].state, self.policies)

    def shown(self, child: str) -> tuple[str, dict[str, str]]:
        return shown_data(self.records[child].state, self.policies)

    def scopes(self, child: str) -> set[str]:
        record = self.records[child]
        writers = {int(one.change.author) for one in record.known.values()}
        return set(scopes_of_record(RULES, record.state, self.reviews(child), writers))

    def is_folded(self) -> bool:
        """Whether every record is what folding all its changes at once gives."""
        return all(
            one.state == fold(one.known.values(), self.policies) for one in self.records.values()
        )
