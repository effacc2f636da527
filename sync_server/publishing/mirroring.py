"""A project as its centre declares it: lists and forms as they are there, at a hub.

They go the way of everything that is published. Only what a form says of policies does not
count here: the centre has said what stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from conflict.areas import Rule
from conflict.policy import Policies, Policy
from odk_forms.errors import FormError
from odk_forms.sheets import Sheets
from odk_forms.xform import read
from sync_server.clock import Clock, instant
from sync_server.db import write_transaction
from sync_server.intake.requeue import retry_kept
from sync_server.publishing.lists import alter_lists, declared_by, lists_to_alter, new_list
from sync_server.publishing.publish import Checked, Published, publish_checked, refuse
from sync_server.stores.audits import add_audit
from sync_server.stores.lists import ListInfo


@dataclass(frozen=True, slots=True)
class DeclaredList:
    """A list as another server declares it."""

    name: str
    approval_required: bool
    properties: Mapping[str, tuple[Policy, bool]]
    rules: tuple[Rule, ...]


def mirror_lists(
    project_id: int, wanted: Sequence[DeclaredList], *, by: int | None, clock: Clock
) -> tuple[str, ...]:
    """Declare lists as they are named here; the lists that altered. Others are left alone.

    A property that is not named any more stays, behind the others: it may have values here.
    """
    at = instant(clock.now())
    with write_transaction() as connection:
        lists = lists_to_alter(connection, project_id)
        new = {one.name: _mirrored(lists.get(one.name), one) for one in wanted}
        altered = {name: info for name, info in new.items() if info != lists.get(name)}
        old = {name: lists[name] for name in altered if name in lists}
        for name in altered:
            act = "dataset.update" if name in old else "dataset.create"
            details = {"list": name, "from": "centre"}
            add_audit(connection, act, at=at, by=by, project_id=project_id, details=details)
        alter_lists(connection, project_id, old, altered, at=at)
    if altered.keys() - old.keys():
        retry_kept(project_id, lists=True, by=by, clock=clock)
    return tuple(altered)


def _mirrored(here: ListInfo | None, there: DeclaredList) -> ListInfo:
    before = here or new_list(there.name)
    declared = {
        **there.properties,
        **{name: one for name, one in declared_by(before).items() if name not in there.properties},
    }
    policies = Policies(
        by_property={name: policy for name, (policy, _) in declared.items()},
        kept_off_phones=frozenset(name for name, (_, phone) in declared.items() if not phone),
        filters=frozenset(rule.dataset_property for rule in there.rules),
    )
    return replace(
        before,
        approval_required=there.approval_required,
        rules=there.rules,
        properties=tuple(declared),
        policies=policies,
    )


def mirror_version(
    project_id: int,
    xml: bytes,
    *,
    files: Mapping[str, bytes],
    by: int | None,
    clock: Clock,
) -> Published:
    """Publish a version that its centre has checked and published. Errors: as `publish_checked`."""
    try:
        definition = read(xml)
    except FormError as exc:
        refuse(exc.messages)
    form = Checked(
        xml=xml,
        definition=definition,
        messages=(),
        sheets=Sheets(),
        filename=f"{definition.xml_form_id}.xml",
        source=xml,
    )
    return publish_checked(
        project_id, form, by=by, clock=clock, attachments=files, lists_are_declared=True
    )
