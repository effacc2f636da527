"""From a submission to the changes it asks for: one for each entity it names.

Source: openrosa.md section 6; contract-sync.md, "A submission's change ids". The
spec's `baseVersion` is 0 when it is no number; like Central we call that an error,
because an author who was shown nothing would seem to have been shown a record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

from conflict.instants import as_instant
from conflict.types import Change, Op
from odk_forms.definition import EntityBinding, FormDefinition, Step
from odk_forms.instance import Instance
from odk_forms.xml import attribute, child, content, local

_TRUE = ("1", "true")
_MAX_VERSION = 2**31 - 1  # what every store can hold; phones count from 1
_NOTHING = Step()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entity of a submission from which no change can be made; `code` is the contract's word."""

    ordinal: int
    change_id: str
    list_name: str
    entity: str
    code: str
    detail: str


class _Bad(ValueError):
    def __init__(self, detail: str, code: str = "bad_data") -> None:
        super().__init__(detail)
        self.code = code


@dataclass(slots=True)
class _Block:
    """One `meta/entity` and the values saved to it; both may come in either order."""

    binding: EntityBinding | None
    element: Any = None
    data: dict[str, str] = field(default_factory=dict)


def derive(
    instance: Instance, definition: FormDefinition, *, project: str, author: str
) -> tuple[Change | Unreadable, ...]:
    """The changes of `instance`, in document order of its entities.

    `definition` is that of the instance's own version where it is known. `project` is
    the project's uuid; `author` the actor id as text. An entity that asks for neither
    create nor update is left out, but keeps its ordinal, so that the ids of the others
    do not hang on it. A property whose node is absent is absent from `data`.
    """
    if instance.encrypted:
        return ()
    blocks = _blocks(instance.root, definition)
    if not blocks:
        return ()
    finished = _client_time(instance.root, definition)
    namespace = UUID(project)
    submission = submission_key(instance.xml_form_id, instance.instance_id)
    deprecates = ""
    if instance.deprecated_id and instance.deprecated_id != instance.instance_id:
        deprecates = submission_key(instance.xml_form_id, instance.deprecated_id)
    found: list[Change | Unreadable] = []
    for ordinal, block in enumerate(blocks):
        change_id = str(uuid5(namespace, f"{submission}\n{ordinal}"))
        try:
            change = _change(block, change_id, finished, author)
        except _Bad as exc:
            list_name = attribute(block.element, "dataset") or ""
            entity = attribute(block.element, "id") or ""
            found.append(Unreadable(ordinal, change_id, list_name, entity, exc.code, str(exc)))
        else:
            if change is not None:
                found.append(replace(change, submission=submission, deprecates=deprecates))
    return tuple(found)


def named_entities(instance: Instance) -> frozenset[str]:
    """The entities that a form asks to create or update, whether or not that can be done."""
    if instance.encrypted:
        return frozenset()
    return frozenset(
        (attribute(one, "id") or "").strip().lower().removeprefix("uuid:")
        for one in instance.root.iter("*")
        if local(one.tag) == "entity"
        and (attribute(one, "create") in _TRUE or attribute(one, "update") in _TRUE)
    )


def has_more_entities(instance: Instance, most: int) -> bool:
    """Whether a form says something of more than `most` entities, declared by it or not."""
    named = (one for one in instance.root.iter("*") if local(one.tag) == "entity")
    return next(islice(named, most, None), None) is not None


def submission_key(xml_form_id: str, instance_id: str) -> str:
    """How a change names the submission it is in: an instanceID is one form's own."""
    return f"{xml_form_id}\n{instance_id}"


def _blocks(root: Any, definition: FormDefinition) -> list[_Block]:
    """Every entity of the instance in document order, declared by the form or not."""
    found: list[_Block] = []

    def walk(element: Any, step: Step, block: _Block, *, own_meta: bool = False) -> None:
        in_meta = local(element.tag) == "meta"
        for one in element:
            name = local(one.tag)
            below = step.children.get(name, _NOTHING)
            if below.saves_to is not None:
                block.data[below.saves_to] = content(one)
            if below.binding is not None:
                walk(one, below, _Block(below.binding))
            elif len(one):
                walk(one, below, block, own_meta=name == "meta" and step.binding is not None)
            if in_meta and name == "entity":
                declared = own_meta and block.element is None
                named = block if declared else _Block(None)
                named.element = one
                found.append(named)

    walk(root, definition.steps, _Block(definition.steps.binding))
    return found


def _change(block: _Block, change_id: str, finished: str | None, author: str) -> Change | None:
    element = block.element
    create = attribute(element, "create") in _TRUE
    update = attribute(element, "update") in _TRUE
    if not (create or update):
        return None
    base_text = (attribute(element, "baseVersion") or "").strip()
    # Both is an upsert: what the phone had in its list has a base, what it had not is new.
    op = Op.UPDATE if update and (base_text or not create) else Op.CREATE
    list_name = _list_name(block, op)
    entity = _uuid(attribute(element, "id"), "id")
    label_node = child(element, "label")
    label = content(label_node) if label_node is not None else None
    base, trunk, branch = None, None, None
    if op is Op.UPDATE:
        label = label if label and label.strip() else None
        base, trunk, branch = _base(element, base_text)
    return Change(
        change_id=change_id,
        list_name=list_name,
        entity=entity,
        op=op,
        label=label,
        data=block.data,
        base_version=base,
        trunk_version=trunk,
        branch_id=branch,
        client_time=finished,
        author=author,
        from_form=True,
    )


def _list_name(block: _Block, op: Op) -> str:
    list_name = attribute(block.element, "dataset") or ""
    if not list_name:
        raise _Bad("The entity names no list (dataset).")
    binding = block.binding
    if binding is None or binding.list_name != list_name:
        raise _Bad(f"The form declares no entity of '{list_name}' here.", "not_allowed")
    if not (binding.may_create if op is Op.CREATE else binding.may_update):
        raise _Bad(f"The form does not {op} entities of '{list_name}'.", "not_allowed")
    return list_name


def _base(element: Any, base_text: str) -> tuple[int, int | None, str | None]:
    """Base, trunk and branch; a branch without a trunk began with an offline create."""
    base = _version(base_text, "baseVersion")
    branch_text = (attribute(element, "branchId") or "").strip()
    trunk_text = (attribute(element, "trunkVersion") or "").strip()
    if not branch_text:
        if trunk_text:
            raise _Bad("The entity has a trunkVersion but no branchId.")
        return base, None, None
    branch = _uuid(branch_text, "branchId")
    return base, _version(trunk_text, "trunkVersion") if trunk_text else None, branch


def _version(text: str, name: str) -> int:
    number = text.lstrip("0")[:11] or "0"  # of no more digits than any version has, and one
    if not (text.isascii() and text.isdecimal()) or int(number) > _MAX_VERSION:
        raise _Bad(f"The {name} of the entity is '{text[:40]}', not a version number.")
    return int(number)


def _uuid(text: str | None, name: str) -> str:
    """A bare lower-case uuid; phones write it with or without "uuid:", in any case."""
    bare = (text or "").strip().lower().removeprefix("uuid:")
    if len(bare) == 36:
        try:
            if str(UUID(bare)) == bare:
                return bare
        except ValueError:
            pass
    raise _Bad(f"The {name} of the entity is '{(text or '')[:60]}', not a UUID.")


def _client_time(root: Any, definition: FormDefinition) -> str | None:
    """When the phone's clock says the form was finished, as an instant."""
    for path in (definition.end_path, "/meta/timeEnd"):
        element = root
        for name in path.split("/")[1:] if path else ():
            element = child(element, name) if element is not None else None
        if path and element is not None:
            finished = as_instant(content(element))
            if finished is not None:
                return finished
    return None


def attachment_names(instance: Instance, definition: FormDefinition) -> tuple[str, ...]:
    """Names of the files the XML refers to, as written, each once, in document order.

    Those are the values of binary questions and the audit log; of an encrypted
    instance, its encrypted parts.
    """
    if instance.encrypted:
        names = _encrypted_parts(instance.root)
    else:
        names = _binary_values(instance.root, definition.steps)
    return tuple(dict.fromkeys(name for name in names if name))


def _encrypted_parts(root: Any) -> Iterator[str]:
    for one in root.iter():
        if len(one) == 0 and local(one.tag) in ("file", "encryptedXmlFile"):
            yield content(one).strip()


def _binary_values(element: Any, step: Step, depth: int = 0) -> Iterator[str]:
    for one in element:
        name = local(one.tag)
        below = step.children.get(name, _NOTHING)
        is_audit = name == "audit" and depth == 1 and local(element.tag) == "meta"
        if below.binary or is_audit:
            yield content(one).strip()
        if len(one):
            yield from _binary_values(one, below, depth + 1)
