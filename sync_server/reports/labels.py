"""The words people read for lists, properties and places: from packs and from forms.

A property is called what the form pack of its forms calls it; else what the newest form that
saves it asks; else its own name with spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import Connection

from conflict.areas import Area, Rule, scopes_of_actor
from odk_forms import packs
from odk_forms.definition import FormDefinition
from sync_server.db import read_transaction
from sync_server.stores.devices import list_newest_hashes
from sync_server.stores.forms import load_definitions
from sync_server.stores.lists import ListInfo
from sync_server.stores.report import find_place_labels

_MARKS = re.compile(r"[*_#`]|\{[^}]*\}|<[^>]*>")


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels in one language; what has none is called by its name."""

    properties: Mapping[tuple[str, str], str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    actor_properties: Mapping[str, str] = field(default_factory=dict)

    def property(self, list_name: str, name: str) -> str:
        """What a property of a list is called; "imunisasi/bcg" is "Imunisasi: bcg"."""
        if "/" in name:
            union, option = name.split("/", 1)
            return f"{self.property(list_name, union)}: {option}"
        return self.properties.get((list_name, name)) or _spaced(name)

    def list(self, name: str) -> str:
        return self.lists.get(name) or _spaced(name)

    def actor_property(self, name: str) -> str:
        return self.actor_properties.get(name) or _spaced(name)


def load_labels(connection: Connection, project_id: int, language: str) -> Labels:
    """The labels of a project's lists in a language, in at most two statements."""
    hashes = list_newest_hashes(connection, project_id)
    definitions = load_definitions(connection, project_id, hashes).values()
    asked = dict(pair for one in definitions for pair in _of_form(one, language))
    published = {one.xml_form_id for one in definitions}
    lists: dict[str, str] = {}
    actor_properties: dict[str, str] = {}
    for forms, known in _of_packs(language):
        lists |= known.lists
        actor_properties |= known.actor_properties
        if forms & published:  # another project's list of the same name has words of its own
            asked |= known.properties
    return Labels(asked, lists, actor_properties)


def labels_of(project_id: int, language: str) -> Labels:
    """The labels of a project's lists in a language."""
    with read_transaction() as connection:
        return load_labels(connection, project_id, language)


@cache
def _of_packs(language: str) -> tuple[tuple[frozenset[str], Labels], ...]:
    """What each installed pack calls things, with the ids of its forms."""
    return tuple(_of_pack(packs.load(name), language) for name in packs.names())


def _of_pack(pack: packs.Pack, language: str) -> tuple[frozenset[str], Labels]:
    properties = {
        (one.name, prop.name): prop.labels[language]
        for one in pack.lists.values()
        for prop in one.properties
    }
    lists = {one.name: one.labels[language] for one in pack.lists.values()}
    actor_properties = {name: labels[language] for name, labels in pack.actor_properties.items()}
    forms = frozenset(file.rsplit(".", 1)[0] for file in pack.forms)
    return forms, Labels(properties, lists, actor_properties)


def _of_form(definition: FormDefinition, language: str) -> Iterable[tuple[tuple[str, str], str]]:
    for entity in definition.entities:
        for name, path in entity.saves.items():
            question = definition.field_at.get(path)
            text = _text_of(question.labels, language) if question else ""
            if text:
                yield (entity.list_name, name), text


def _text_of(labels: Mapping[str, str], language: str) -> str:
    """One line of plain text in the language, in the form's default, or in any there is."""
    mine = [text for name, text in labels.items() if name.rstrip(") ").endswith(f"({language}")]
    for text in (*mine, labels.get("default", ""), *labels.values()):
        plain = " ".join(_MARKS.sub(" ", text).split())
        if plain:
            return plain
    return ""


def _spaced(name: str) -> str:
    return name.replace("_", " ")


Place = tuple[str, str]
"""An actor property and one of its values: what a device or a person belongs to."""


def name_places(
    connection: Connection, project_id: int, lists: Mapping[str, ListInfo], places: Iterable[Place]
) -> dict[Place, str]:
    """What the codes of places stand for, where a list of that name keeps one record for each.

    A device that bears `posyandu: 9999012001-01` belongs to the record of the list
    `posyandu` that devices of that code see.
    """
    scopes: dict[Place, tuple[str, str]] = {}
    for name, value in places:
        info = lists.get(name)
        if info is not None and len(info.rules) == 1 and info.rules[0].actor_property == name:
            scopes[name, value] = (name, _scope(info.rules[0], value))
    labels = find_place_labels(connection, project_id, scopes.values())
    return {place: labels[scope] for place, scope in scopes.items() if scope in labels}


def _scope(rule: Rule, value: str) -> str:
    scopes = scopes_of_actor((rule,), Area(None, {rule.actor_property: (value,)}))
    return next(scope for scope in scopes if not scope.startswith("@"))
