"""What a form declares of entity lists, held against what the lists of a project declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from conflict.policy import REVIEW, Policy
from odk_forms.definition import FormDefinition, PropertySpec
from odk_forms.errors import Message
from odk_forms.sheets import Sheets
from sync_server.errors import BadValue
from sync_server.publishing.lists import (
    declare,
    declared_by,
    new_date_faults,
    new_list,
    refuse_union,
    same_but_for_case,
)
from sync_server.stores.lists import ListInfo

Difference = dict[str, str]
"""A policy that a form would change: list, property, old, new."""


@dataclass(slots=True)
class DeclaredLists:
    """The lists of a form as they were (`old`, none for a new one) and as they shall be (`lists`).

    With `messages` the form cannot be published; `differences` are what would need to be confirmed.
    """

    old: dict[str, ListInfo] = field(default_factory=dict)
    lists: dict[str, ListInfo] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)


def declared_by_form(
    connection: Connection,
    project_id: int,
    definition: FormDefinition,
    sheets: Sheets,
    lists: Mapping[str, ListInfo],
    *,
    confirmed: bool,
) -> DeclaredLists:
    """The lists that a form writes to, with its new properties at the end, in its order.

    A form that says nothing of a property leaves what the list says. What it says otherwise
    is a message, unless `confirmed`.
    """
    found = DeclaredLists()
    names = dict.fromkeys((*(b.list_name for b in definition.entities), *definition.lists))
    for name in names:
        old = lists.get(name)
        if old is None:
            other = same_but_for_case(name, tuple(lists))
            if other is not None:
                text = f"The lists '{name}' and '{other}' differ only by case; phones mix them up."
                place = ("entities", name, "list_name")
                found.messages.append(sheets.at("error", text, place))
                continue
        else:
            found.old[name] = old
        one = _OneList(connection, project_id, definition, sheets, old or new_list(name), found)
        found.lists[name] = one.declared(definition.lists.get(name, {}), confirmed=confirmed)
    return found


@dataclass(frozen=True, slots=True)
class _OneList:
    connection: Connection
    project_id: int
    definition: FormDefinition
    sheets: Sheets
    before: ListInfo
    found: DeclaredLists

    def declared(self, specs: Mapping[str, PropertySpec], *, confirmed: bool) -> ListInfo:
        declared = declared_by(self.before)
        for name, spec in specs.items():
            if name not in declared:
                other = same_but_for_case(name, self.before.properties)
                if other is not None:
                    text = (
                        f"'{name}' and '{other}', a property of the list '{self.before.name}', "
                        "differ only by case; phones would mix them up."
                    )
                    self._refuse(name, "save_to", text)
                phone = True if spec.phone is None else spec.phone
                self._refuse_union(name, spec.policy or REVIEW)
                declared[name] = (spec.policy or REVIEW, phone)
                continue
            policy, phone = declared[name]
            if spec.policy is not None and spec.policy != policy:
                self._differ(name, "merge", str(policy), str(spec.policy), confirmed=confirmed)
                self._refuse_union(name, spec.policy)
                policy = spec.policy
            if spec.phone is not None and spec.phone != phone:
                old, new = (f"phone = {_yes(flag)}" for flag in (phone, spec.phone))
                self._differ(name, "phone", old, new, confirmed=confirmed)
                phone = spec.phone
            declared[name] = (policy, phone)
        after = declare(self.before, declared)
        for name, text in new_date_faults(self.before, after).items():
            says_so = name in specs and specs[name].policy is not None
            date = after.policies.of(name).date_property
            # Where the list says it, this form has altered the policy of the date.
            self._refuse(name if says_so else date or name, "merge", f"{text}.")
        return after

    def _refuse_union(self, name: str, policy: Policy) -> None:
        try:
            refuse_union(self.connection, self.project_id, self.before, name, policy)
        except BadValue as exc:
            self._refuse(name, "merge", f"{exc.message}.")

    def _differ(self, name: str, column: str, old: str, new: str, *, confirmed: bool) -> None:
        if confirmed:
            return
        difference = {"list": self.before.name, "property": name, "old": old, "new": new}
        self.found.differences.append(difference)
        text = (
            f"The list '{self.before.name}' has '{old}' for '{name}', and this form says '{new}': "
            "confirm that it shall change for every form, or leave the cell blank."
        )
        self._refuse(name, column, text)

    def _refuse(self, name: str, column: str, text: str) -> None:
        paths = (
            binding.saves[name]
            for binding in self.definition.entities
            if binding.list_name == self.before.name and name in binding.saves
        )
        place = ("survey", next(paths, ""), column)
        self.found.messages.append(self.sheets.at("error", text, place))


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
