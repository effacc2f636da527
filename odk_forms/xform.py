"""Reading an XForm: what the server needs to know of a form before anyone fills it in.

Source: ODK XForms spec; pyxform's output for entities-version 2024.1 and 2025.1;
openrosa.md sections 2.4, 5 and 6.1. Names are matched by their local part, as phones
accept any prefix; only attributes whose meaning hangs on their namespace are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conflict.policy import Policy
from odk_forms.definition import (
    REPEAT,
    STRUCTURE,
    EntityBinding,
    Field,
    FormDefinition,
    MediaRef,
    PropertySpec,
)
from odk_forms.errors import FormError, Message, Severity
from odk_forms.media import media_refs
from odk_forms.xml import XmlError, attribute, child, content, local, parse_strict, written

__all__ = [
    "EntityBinding",
    "Field",
    "FormDefinition",
    "MediaRef",
    "Problem",
    "PropertySpec",
    "examine",
    "read",
]

ENTITIES = "{http://www.opendatakit.org/xforms/entities}"
JAVAROSA = "{http://openrosa.org/javarosa}"
SIMPUL = "{urn:simpul:xforms}"

_ITEXT = re.compile(r"jr:itext\(\s*['\"](.+?)['\"]\s*\)")
_PREDICATE = re.compile(r"\[[^\]]*\]")
_PHONE = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a form, and where its author wrote it.

    `at` is (sheet, key, column): the path of a question, the name of an entity list,
    or "" for the one row of settings.
    """

    severity: Severity
    text: str
    at: tuple[str, str, str] | None = None


@dataclass(slots=True)
class _Parts:
    """An XForm taken apart; `binds` by path, attributes of an entity as "/meta/entity/@id"."""

    head: Any
    model: Any
    body: Any
    primary: Any
    binds: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read(xml: bytes) -> FormDefinition:
    """What the form says; FormError when a phone or this server could not work with it."""
    definition, problems = examine(xml)
    errors = [Message(p.severity, p.text) for p in problems if p.severity == "error"]
    if errors:
        raise FormError(errors)
    return definition


def examine(xml: bytes) -> tuple[FormDefinition, tuple[Problem, ...]]:
    """What the form says, and the problems of reading it, each with its place.

    Raises FormError only where there is nothing left to look at: no XML, no model,
    no instance, no id.
    """
    parts = _take_apart(xml)
    fields = tuple(_fields(parts))
    entities, lists = _entities(parts)
    definition = FormDefinition(
        xml_form_id=attribute(parts.primary, "id") or "",
        version=attribute(parts.primary, "version") or "",
        title=_title(parts.head),
        fields=fields,
        entities=entities,
        lists=lists,
        media=media_refs(parts.model, parts.body, parts.primary),
        end_path=_end_path(parts.binds, fields),
        entities_version=parts.model.get(f"{ENTITIES}entities-version"),
        encrypted=_is_encrypted(parts.model),
    )
    return definition, tuple(parts.problems)


def with_version(xml: bytes, version: str) -> bytes:
    """The same form under another version. Errors: `FormError` for one that XML cannot say."""
    primary = _take_apart(xml).primary
    name = next((one for one in primary.attrib if local(one) == "version"), "version")
    try:
        primary.set(name, version)
    except ValueError as exc:
        raise FormError.of("The version has characters that XML cannot have.") from exc
    return written(primary)


def _take_apart(xml: bytes) -> _Parts:
    try:
        root = parse_strict(xml)
    except XmlError as exc:
        raise FormError.of(str(exc)) from exc
    head, body = child(root, "head"), child(root, "body")
    model = child(head, "model") if head is not None else None
    if model is None or body is None:
        raise FormError.of("This XML is not an XForm: it needs head, model and body.")
    instance = child(model, "instance")
    if instance is None or len(instance) == 0:
        raise FormError.of("The form has no primary instance.")
    primary = instance[0]
    if not attribute(primary, "id"):
        raise FormError.of("The form has no id.")
    parts = _Parts(head, model, body, primary)
    for bind in model:
        if local(bind.tag) == "bind" and (path := _path_of(bind.get("nodeset"), primary)):
            parts.binds[path] = bind
    return parts


def _path_of(reference: str | None, primary: Any) -> str | None:
    """An absolute reference into the primary instance as a path; None for any other.

    >>> class Data: tag = "data"
    >>> _path_of("/data/anak[1]/orx:meta/@id", Data)
    '/anak/meta/@id'
    """
    if not reference or not reference.strip().startswith("/"):
        return None
    names = [local(one) for one in _PREDICATE.sub("", reference.strip()).split("/")[1:]]
    if names[0] != local(primary.tag):
        return None
    return "".join(f"/{one}" for one in names[1:])


def _title(head: Any) -> str:
    title = child(head, "title")
    return content(title).strip() if title is not None else ""


def _is_encrypted(model: Any) -> bool:
    submission = child(model, "submission")
    return submission is not None and bool(attribute(submission, "base64RsaPublicKey"))


def _end_path(binds: Mapping[str, Any], fields: tuple[Field, ...]) -> str | None:
    for path, bind in binds.items():
        preload = bind.get(f"{JAVAROSA}preload"), bind.get(f"{JAVAROSA}preloadParams")
        if preload == ("timestamp", "end"):
            return path
    return "/meta/timeEnd" if any(one.path == "/meta/timeEnd" for one in fields) else None


def _nodes(element: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each node below `element` once, in document order; a repeat's template comes twice."""
    seen: set[str] = set()
    for one in element:
        below = f"{path}/{local(one.tag)}"
        if below in seen:
            continue
        seen.add(below)
        yield below, one
        yield from _nodes(one, below)


def _fields(parts: _Parts) -> Iterator[Field]:
    repeats: set[str] = set()
    selects: set[str] = set()
    controls: dict[str, Any] = {}
    for control in parts.body.iter():
        path = _path_of(control.get("ref") or control.get("nodeset"), parts.primary)
        if path is None:
            continue
        kind = local(control.tag)
        if kind == "repeat":
            repeats.add(path)
        if kind == "select":
            selects.add(path)
        label = child(control, "label")
        if label is not None:
            controls[path] = label
    texts = _itext(parts.model)
    for path, node in _nodes(parts.primary, ""):
        bind = parts.binds.get(path)
        kind = local(bind.get("type") or "string") if bind is not None else "string"
        if path in repeats:
            kind = REPEAT
        elif len(node) or path.endswith("/meta/entity"):
            kind = STRUCTURE
        label = controls.get(path)
        yield Field(
            path=path,
            name=local(node.tag),
            type=kind,
            binary=kind == "binary",
            select_multiple=path in selects,
            labels=_labels(label, texts) if label is not None else {},
        )


def _itext(model: Any) -> dict[str, dict[str, str]]:
    """Text id -> language -> plain text."""
    texts: dict[str, dict[str, str]] = {}
    itext = child(model, "itext")
    for translation in itext if itext is not None else ():
        language = attribute(translation, "lang") or "default"
        for text in translation:
            for value in text:
                if not attribute(value, "form"):
                    texts.setdefault(text.get("id") or "", {})[language] = _plain(value)
                    break
    return texts


def _labels(label: Any, texts: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    match = _ITEXT.fullmatch((label.get("ref") or "").strip())
    found = texts.get(match[1], {}) if match else {"default": _plain(label)}
    # pyxform writes "-" for a language in which nothing was said.
    return {language: text for language, text in found.items() if text not in ("", "-")}


def _plain(element: Any) -> str:
    text = element.text or ""
    for one in element:
        if local(one.tag) == "output":
            shown = (one.get("value") or one.get("ref") or "").strip()
            text += "{" + shown.rpartition("/")[2] + "}"
        else:
            text += content(one)
        text += one.tail or ""
    return text.strip()


_Lists = dict[str, dict[str, PropertySpec]]


def _entities(parts: _Parts) -> tuple[tuple[EntityBinding, ...], _Lists]:
    declared: dict[str, Any] = {}
    for path, node in _nodes(parts.primary, ""):
        if path.endswith("/meta/entity"):
            declared[path.removesuffix("/meta/entity")] = node
    saves: dict[str, dict[str, str]] = {owner: {} for owner in declared}
    lists: _Lists = {attribute(node, "dataset") or "": {} for node in declared.values()}
    for path, bind in parts.binds.items():
        saved = bind.get(f"{ENTITIES}saveto")
        owner = _owner_of(path, declared)
        if not saved or owner is None:
            _refuse_unsaved(parts, path, bind)
            continue
        if saved in saves[owner]:
            text = f"Two questions save to the property '{saved}' of one entity."
            parts.problems.append(Problem("error", text, ("survey", path, "save_to")))
            continue
        saves[owner][saved] = path
        specs = lists[attribute(declared[owner], "dataset") or ""]
        specs[saved] = _merged(parts, path, specs.get(saved), _spec(parts, path, bind))
    return tuple(_binding(o, n, saves[o], parts.binds) for o, n in declared.items()), lists


def _owner_of(path: str, declared: Mapping[str, Any]) -> str | None:
    """The nearest survey, group or repeat around `path` that declares an entity."""
    owner = path
    while owner:
        owner = owner.rpartition("/")[0]
        if owner in declared:
            return owner
    return None


def _binding(
    owner: str, node: Any, saves: Mapping[str, str], binds: Mapping[str, Any]
) -> EntityBinding:
    def may(action: str) -> bool:
        return attribute(node, action) is not None or f"{owner}/meta/entity/@{action}" in binds

    dataset = attribute(node, "dataset") or ""
    return EntityBinding(dataset, owner, may("create"), may("update"), saves)


def _refuse_unsaved(parts: _Parts, path: str, bind: Any) -> None:
    for column in ("merge", "phone"):
        if bind.get(SIMPUL + column):
            text = f"simpul:{column} is set on a question that saves to no entity property."
            parts.problems.append(Problem("warning", text, ("survey", path, column)))


def _spec(parts: _Parts, path: str, bind: Any) -> PropertySpec:
    policy, phone = None, None
    wanted = (bind.get(f"{SIMPUL}merge") or "").strip()
    if wanted:
        try:
            policy = Policy.parse(wanted)
        except ValueError as exc:
            text = f"The merge policy '{wanted}' is unknown: {exc}."
            parts.problems.append(Problem("error", text, ("survey", path, "merge")))
    shown = (bind.get(f"{SIMPUL}phone") or "").strip().lower()
    if shown:
        phone = _PHONE.get(shown)
        if phone is None:
            text = f"simpul:phone is 'yes' or 'no', not '{shown}'."
            parts.problems.append(Problem("error", text, ("survey", path, "phone")))
    return PropertySpec(policy, phone)


def _merged(
    parts: _Parts, path: str, known: PropertySpec | None, new: PropertySpec
) -> PropertySpec:
    """What two questions of one form say together about one property of one list."""
    if known is None:
        return new
    for column, before, after in (
        ("merge", known.policy, new.policy),
        ("phone", known.phone, new.phone),
    ):
        if before is not None and after is not None and before != after:
            text = f"Two questions of this form disagree about simpul:{column} of one property."
            parts.problems.append(Problem("error", text, ("survey", path, column)))
    return PropertySpec(
        known.policy if new.policy is None else new.policy,
        known.phone if new.phone is None else new.phone,
    )
