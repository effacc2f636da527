"""Entity lists as they are declared: properties, policies, what phones hold, who sees what.

Each function here is one write transaction. What alters how standing writes are read is
journaled, and settles none of them again (`docs/merge.md`, Policies).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from conflict.areas import Rule
from conflict.policy import UNION, Policies, Policy
from odk_forms.lint import date_fault, is_list_name, is_property_name
from sync_server.accounts.centre import refuse_at_a_hub
from sync_server.clock import Clock, instant
from sync_server.db import write_transaction
from sync_server.errors import AlreadyThere, BadValue, NotFound
from sync_server.intake.requeue import retry_kept
from sync_server.publishing.rereading import reread_list
from sync_server.stores.audits import add_audit
from sync_server.stores.forms import link_form_attachments
from sync_server.stores.journal import Entry, append_journal
from sync_server.stores.list_records import has_values
from sync_server.stores.lists import ListInfo, hold_lists, load_lists, save_list, touch_heads
from sync_server.stores.projects import find_project, list_actor_properties

Declared = Mapping[str, tuple[Policy, bool]]
"""Property -> its policy, and whether phones hold it; in the order phones list them."""


def add_list(
    project_id: int,
    name: str,
    *,
    by: int | None,
    clock: Clock,
    approval_required: bool = False,
) -> None:
    """Make an empty list. Errors: `NotFound`, `BadValue` for its name, `AlreadyThere`."""
    if not is_list_name(name):
        raise BadValue(f"'{name}' cannot be the name of an entity list", field="name", value=name)
    at = instant(clock.now())
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        lists = lists_to_alter(connection, project_id)
        if name.lower() in {one.lower() for one in lists}:
            raise AlreadyThere(f"there is a list '{name}' already", field="name", value=name)
        new = replace(new_list(name), approval_required=approval_required)
        _note(connection, project_id, "dataset.create", name, {}, by=by, at=at)
        alter_lists(connection, project_id, {}, {name: new}, at=at)
    retry_kept(project_id, lists=True, by=by, clock=clock)


def add_missing(
    project_id: int, wanted: Mapping[str, Declared], *, by: int | None, clock: Clock
) -> tuple[str, ...]:
    """Make the lists and properties that are not there yet, in one go; the lists it altered.

    What is there is left as it is: its policy may have been chosen since.
    Errors    `NotFound`; `BadValue` for a policy whose date a list cannot have, and for a
              `union` of which values came before it.
    """
    at = instant(clock.now())
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        lists = lists_to_alter(connection, project_id)
        old = {name: lists[name] for name in wanted if name in lists}
        new = {}
        for name, declared in wanted.items():
            before = old.get(name) or new_list(name)
            missing = _missing(before, declared)
            for one, (policy, _) in missing.items():
                refuse_union(connection, project_id, before, one, policy)
            after = declare(before, {**declared_by(before), **missing})
            _refuse_dates(before, after)
            if name not in old or after != before:
                new[name] = after
                act = "dataset.update" if name in old else "dataset.create"
                _note(connection, project_id, act, name, {}, by=by, at=at)
        alter_lists(connection, project_id, old, new, at=at)
    if new.keys() - old.keys():
        retry_kept(project_id, lists=True, by=by, clock=clock)
    return tuple(new)


def _missing(info: ListInfo, declared: Declared) -> dict[str, tuple[Policy, bool]]:
    return {n: d for n, d in declared.items() if same_but_for_case(n, info.properties) is None}


def add_property(
    project_id: int,
    list_name: str,
    name: str,
    *,
    by: int | None,
    clock: Clock,
    policy: str = "review",
    phone: bool = True,
) -> None:
    """Add a property at the end of a list.

    Errors    `NotFound`; `BadValue` for its name or policy, and for a `union` of which values
              came before it; `AlreadyThere`, also for a name that differs only by case:
              phones keep properties as columns of SQLite.
    """
    if not is_property_name(name):
        raise BadValue(f"'{name}' cannot be the name of a property", field="name", value=name)
    parsed = read_policy(policy)

    def alter(connection: Connection, old: ListInfo) -> ListInfo:
        other = same_but_for_case(name, old.properties)
        if other is not None:
            raise AlreadyThere(
                f"the list '{list_name}' has the property '{other}' already",
                field="name",
                value=name,
            )
        refuse_union(connection, project_id, old, name, parsed)
        new = declare(old, {**declared_by(old), name: (parsed, phone)})
        _refuse_dates(old, new)
        return new

    _alter_one(project_id, list_name, alter, {"property": name}, by=by, clock=clock)


def set_policy(
    project_id: int,
    list_name: str,
    property_name: str,
    policy: str,
    *,
    by: int | None,
    clock: Clock,
) -> None:
    """Let a property be merged by another policy from now on; standing writes are read by it.

    Errors    `NotFound`; `BadValue` for what is no policy, or names a date that is none, or
              is none for a date; and to or from `union` where values stand: their options
              are writes of their own, which the other way cannot read.
    """
    parsed = read_policy(policy)

    def alter(connection: Connection, old: ListInfo) -> ListInfo:
        _, phone = _declared_property(old, property_name)
        refuse_union(connection, project_id, old, property_name, parsed)
        new = declare(old, {**declared_by(old), property_name: (parsed, phone)})
        _refuse_dates(old, new)
        return new

    details = {"property": property_name, "policy": str(parsed)}
    _alter_one(project_id, list_name, alter, details, by=by, clock=clock)


def set_phone(
    project_id: int,
    list_name: str,
    property_name: str,
    phone: bool,
    *,
    by: int | None,
    clock: Clock,
) -> None:
    """Let phones hold a property, or keep it off every phone. Errors: `NotFound`."""

    def alter(_: Connection, old: ListInfo) -> ListInfo:
        policy, _phone = _declared_property(old, property_name)
        return declare(old, {**declared_by(old), property_name: (policy, phone)})

    details = {"property": property_name, "phone": phone}
    _alter_one(project_id, list_name, alter, details, by=by, clock=clock)


def set_access_filter(
    project_id: int,
    list_name: str,
    rules: Sequence[Rule],
    *,
    by: int | None,
    clock: Clock,
) -> None:
    """Say which devices and people see which records of a list; no rules, and all see all.

    Errors    `NotFound`; `BadValue` for a property that the list, or the project's actors,
              do not have.
    """

    def alter(connection: Connection, old: ListInfo) -> ListInfo:
        borne = list_actor_properties(connection, project_id)
        for rule in rules:
            if rule.dataset_property not in old.properties:
                _refuse_rule("datasetProperty", rule.dataset_property, f"the list '{list_name}'")
            if rule.actor_property not in borne:
                _refuse_rule("actorProperty", rule.actor_property, "this project's actors")
        filters = frozenset(rule.dataset_property for rule in rules)
        return replace(old, rules=tuple(rules), policies=_refiltered(old, filters=filters))

    details = {"rules": [[r.dataset_property, r.actor_property] for r in rules]}
    _alter_one(project_id, list_name, alter, details, by=by, clock=clock)


def _refuse_rule(field: str, value: str, whose: str) -> None:
    raise BadValue(f"{whose} have no property '{value}'", field=field, value=value)


def lists_to_alter(connection: Connection, project_id: int) -> dict[str, ListInfo]:
    """The lists of a project, which nobody else alters or writes to until commit."""
    if find_project(connection, project_id) is None:
        raise NotFound("there is no such project")
    hold_lists(connection, project_id, alone=True)
    return load_lists(connection, project_id)


def alter_lists(
    connection: Connection,
    project_id: int,
    old: Mapping[str, ListInfo],
    new: Mapping[str, ListInfo],
    *,
    at: str,
) -> None:
    """Write lists as they are declared now, read their records anew, and journal it.

    The project's counter is taken here: call it last.
    """
    entries: list[Entry] = []
    for name, after in new.items():
        before = old.get(name)
        if before == after:
            continue
        if before is not None and _columns(before) != _columns(after):
            after = replace(after, schema_serial=before.schema_serial + 1)
        save_list(connection, project_id, before, after, at=at)
        entries += reread_list(connection, project_id, before or new_list(name), after, at=at)
    link_form_attachments(connection, project_id, new.keys() - old.keys(), at=at)
    touch_heads(connection, project_id, append_journal(connection, project_id, entries, at=at))


def new_list(name: str) -> ListInfo:
    """A list with nothing in it."""
    return ListInfo(name, schema_serial=1, approval_required=False, rules=())


def declare(info: ListInfo, declared: Declared) -> ListInfo:
    """`info` with these properties."""
    policies = Policies(
        by_property={name: policy for name, (policy, _) in declared.items()},
        kept_off_phones=frozenset(name for name, (_, phone) in declared.items() if not phone),
        filters=info.policies.filters,
    )
    return replace(info, properties=tuple(declared), policies=policies)


def declared_by(info: ListInfo) -> dict[str, tuple[Policy, bool]]:
    """What a list declares of each property, in its order."""
    policies = info.policies
    return {n: (policies.of(n), n not in policies.kept_off_phones) for n in info.properties}


def read_policy(text: str) -> Policy:
    """A policy from its text. Errors: `BadValue`."""
    try:
        return Policy.parse(text)
    except ValueError as exc:
        raise BadValue(str(exc), field="policy", value=text) from exc


def same_but_for_case(name: str, others: Sequence[str]) -> str | None:
    """The one of `others` that a phone would mix up with `name`."""
    return next((one for one in others if one.lower() == name.lower()), None)


def refuse_union(
    connection: Connection, project_id: int, info: ListInfo, name: str, policy: Policy
) -> None:
    """Refuse a change to or from `union` where values stand. Errors: `BadValue`."""
    before = info.policies.of(name)
    if before == policy or UNION not in (before, policy):
        return
    if has_values(connection, project_id, info.name, name):
        raise BadValue(
            f"'{name}' has values already: its policy cannot change from {before} to {policy}; "
            "save to a new property instead",
            field="policy",
            value=str(policy),
        )


def new_date_faults(old: ListInfo, new: ListInfo) -> dict[str, str]:
    """Property -> why it cannot follow the date it names: what `old` did not have wrong already.

    A date is another property of the list, and has a policy of a single value.
    """
    before = _date_faults(old)
    return {n: text for n, text in _date_faults(new).items() if before.get(n) != text}


def _date_faults(info: ListInfo) -> dict[str, str]:
    faults = {}
    for name in info.properties:
        policy = info.policies.of(name)
        date = policy.date_property
        if date is None:
            continue
        text = date_fault(name, policy, info.policies.of(date))
        if date not in info.properties:
            text = f"'{name}' follows the date '{date}': '{info.name}' has no such property"
        if text is not None:
            faults[name] = text
    return faults


def _refuse_dates(old: ListInfo, new: ListInfo) -> None:
    for name, text in new_date_faults(old, new).items():
        raise BadValue(text, field="policy", value=str(new.policies.of(name)))


def _refiltered(info: ListInfo, *, filters: frozenset[str]) -> Policies:
    """The policies of a list whose access filter uses other properties."""
    policies = info.policies
    return Policies(policies.by_property, policies.kept_off_phones, filters)


def _columns(info: ListInfo) -> tuple[object, ...]:
    """What phones see of a list besides its rows: their lists' hashes come of it."""
    return info.phone_properties, info.rules


def _declared_property(info: ListInfo, name: str) -> tuple[Policy, bool]:
    declared = declared_by(info).get(name)
    if declared is None:
        raise NotFound(f"the list '{info.name}' has no property '{name}'")
    return declared


def _alter_one(
    project_id: int,
    list_name: str,
    alter: Callable[[Connection, ListInfo], ListInfo],
    details: Mapping[str, object],
    *,
    by: int | None,
    clock: Clock,
) -> None:
    at = instant(clock.now())
    with write_transaction() as connection:
        refuse_at_a_hub(connection, project_id, by=by)
        lists = lists_to_alter(connection, project_id)
        old = lists.get(list_name)
        if old is None:
            raise NotFound(f"there is no list '{list_name}' in this project")
        new = alter(connection, old)
        if new != old:
            _note(connection, project_id, "dataset.update", list_name, details, by=by, at=at)
            alter_lists(connection, project_id, {list_name: old}, {list_name: new}, at=at)


def _note(
    connection: Connection,
    project_id: int,
    action: str,
    list_name: str,
    details: Mapping[str, object],
    *,
    by: int | None,
    at: str,
) -> None:
    told = {"list": list_name, **details}
    add_audit(connection, action, at=at, by=by, project_id=project_id, details=told)
