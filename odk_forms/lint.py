"""What phones choke on although pyxform and ODK Validate let it pass.

Each rule names what happens on the phone; source: openrosa.md sections 2, 5.2, 6.1
and 9 (Central refuses the same for the same reasons).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from conflict.policy import Policy
from odk_forms.definition import EntityBinding, FormDefinition, PropertySpec
from odk_forms.xform import Problem

_FILE_ENDINGS = (".xml", ".xls", ".xlsx")
_FULL_SPECS = ("2024.1", "2025.1")
_OLD_SPECS = ("2022.1", "2023.1")
_BLANK_VERSION = "___"
_PARTS_OF_ADDRESSES = ("/versions/", "/attachments/")
_NEVER_DATES = frozenset({"latest", "union", "derived"})


def lint(definition: FormDefinition) -> tuple[Problem, ...]:
    """Problems of a form that could be read, in the order of its sheets."""
    return (*_names(definition), *_entities(definition), *_properties(definition))


def _names(definition: FormDefinition) -> Iterator[Problem]:
    form_id, title = definition.xml_form_id, definition.title
    if form_id.lower().endswith(_FILE_ENDINGS):
        yield _setting("form_id", f"The form id '{form_id}' must not end like a file name.")
    if form_id != form_id.strip() or "\n" in form_id:
        # Lists trim the id and the form does not: phones would delete and fetch it at every sync.
        yield _setting("form_id", "The form id must not begin or end with a space.")
    if form_id.endswith("/manifest") or any(part in form_id for part in _PARTS_OF_ADDRESSES):
        text = (
            f"The form id '{form_id}' reads like the address of a part of another form: it must "
            "not contain '/versions/' or '/attachments/', nor end in '/manifest'."
        )
        yield _setting("form_id", text)
    if not any(c.isalpha() or c.isdecimal() for c in title):
        # Collect names the file after the title's letters and digits; none makes a hidden file.
        yield _setting("form_title", "The form title needs at least one letter or digit.")
    if not definition.version:
        text = "The form has no version: phones cannot tell one edition of it from the next."
        yield _setting("version", text, severity="warning")
    if definition.version == _BLANK_VERSION:
        text = f"The version must not be '{_BLANK_VERSION}': addresses mean no version by it."
        yield _setting("version", text)


def _entities(definition: FormDefinition) -> Iterator[Problem]:
    bindings = definition.entities
    for binding in bindings:
        at = ("entities", binding.list_name, "list_name")
        if not is_list_name(binding.list_name):
            text = f"'{binding.list_name}' cannot be the name of an entity list."
            yield Problem("error", text, at)
        if not (binding.may_create or binding.may_update):
            text = f"The entity of '{binding.list_name}' is neither created nor updated."
            yield Problem("warning", text, at)
    if bindings:
        yield from _spec_version(definition.entities_version or "", bindings)


def _spec_version(version: str, bindings: tuple[EntityBinding, ...]) -> Iterator[Problem]:
    many = len({b.list_name for b in bindings}) > 1 or any(b.owner for b in bindings)
    if many and not version.startswith("2025.1"):
        text = "Entities in groups, repeats or several lists need entities-version 2025.1."
        yield Problem("error", text, ("settings", "", "entities_version"))
    elif version.startswith(_OLD_SPECS):
        text = (
            f"The form was made for entities-version {version}: "
            "phones will not show its entities before they have been sent and fetched again."
        )
        yield Problem("warning", text, ("settings", "", "entities_version"))
    elif not version.startswith(_FULL_SPECS):
        text = f"Phones refuse forms with entities-version '{version}'."
        yield Problem("error", text, ("settings", "", "entities_version"))


def _properties(definition: FormDefinition) -> Iterator[Problem]:
    for list_name, specs in definition.lists.items():
        by_lower: dict[str, str] = {}
        for name, spec in specs.items():
            at = ("survey", _path_of(definition, list_name, name), "save_to")
            other = by_lower.setdefault(name.lower(), name)
            if other != name:
                # Collect keeps properties as columns of SQLite, which ignores case.
                text = f"'{name}' and '{other}' differ only by case; phones would mix them up."
                yield Problem("error", text, at)
            if ";" in name:
                # One ';' in the header makes it the delimiter of the whole list on the phone.
                yield Problem("error", f"The property '{name}' must not contain ';'.", at)
            elif not is_property_name(name):
                yield Problem("error", f"'{name}' cannot be the name of a property.", at)
            if spec.policy is not None:
                yield from _date(name, spec.policy, specs, (*at[:2], "merge"))


def _date(
    name: str, policy: Policy, specs: Mapping[str, PropertySpec], at: tuple[str, str, str]
) -> Iterator[Problem]:
    date = policy.date_property
    if date is None:
        return
    fault = date_fault(name, policy, specs[date].policy if date in specs else None)
    if fault is not None:
        yield Problem("error", f"{fault}.", at)
    elif date not in specs:
        text = f"'{name}' follows the date '{date}', which this form does not save."
        yield Problem("warning", text, at)


def date_fault(name: str, policy: Policy, of_date: Policy | None) -> str | None:
    """Why a property cannot follow the date that its policy names; None when it can.

    `of_date` is the date's own policy, as far as it is known. A date has no writes of its
    own (`docs/merge.md`), so that values of what were a date and more would be lost.

    >>> date_fault("rt", Policy.parse("latest(rt)"), None)
    "'rt' cannot be its own date"
    """
    date = policy.date_property
    if date is None:
        return None
    if date == name:
        return f"'{name}' cannot be its own date"
    if of_date is not None and of_date.kind in _NEVER_DATES:
        return f"'{name}' cannot follow the date '{date}', whose own policy is {of_date}"
    return None


def is_list_name(name: str) -> bool:
    """Whether an entity list may bear this name: a file name and a column of Collect's database.

    >>> [is_list_name(n) for n in ("balita", "ibu_hamil-2", "__x", "a.b", "2a", "")]
    [True, True, False, False, False, False]
    """
    return _is_name(name, also=":_-")


def is_property_name(name: str) -> bool:
    """Whether a property may bear this name; `name` and `label` are columns of their own.

    >>> [is_property_name(n) for n in ("nik", "a.b", "Label", "__version", "a;b", "a/b")]
    [True, True, False, False, False, False]
    """
    return name.lower() not in ("name", "label") and _is_name(name, also=":_-.")


def _is_name(name: str, *, also: str) -> bool:
    if not name or name.startswith("__"):
        return False
    first = name[0].isalpha() or name[0] in ":_"
    return first and all(c.isalpha() or c.isdecimal() or c in also for c in name[1:])


def _path_of(definition: FormDefinition, list_name: str, name: str) -> str:
    for binding in definition.entities:
        if binding.list_name == list_name and name in binding.saves:
            return binding.saves[name]
    return ""


def _setting(column: str, text: str, *, severity: Literal["error", "warning"] = "error") -> Problem:
    return Problem(severity, text, ("settings", "", column))
