"""Entity lists as programs read them, with their properties and forms. Altering is in `lists`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from conflict.areas import Area
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.reports.board import visible_to
from sync_server.stores import datasets as store
from sync_server.stores.entities import count_entities
from sync_server.stores.forms import load_definitions
from sync_server.stores.lists import load_lists

_NOT_ODATA = re.compile(r"[^A-Za-z0-9_]")


def list_datasets(project_id: int, area: Area) -> list[dict[str, Any]]:
    """Every list of a project, by name, with how many of its entities an area sees."""
    with read_transaction() as connection:
        rows = store.list_datasets(connection, project_id)
        counts = _counts(connection, project_id, area)
    return [_dataset(project_id, row, counts) for row in rows]


def get_dataset(project_id: int, list_name: str, area: Area) -> dict[str, Any]:
    """One list with its properties and forms. Errors: `NotFound`."""
    with read_transaction() as connection:
        rows = store.list_datasets(connection, project_id)
        row = next((one for one in rows if one.name == list_name), None)
        if row is None:
            raise NotFound("there is no such dataset")
        counts = _counts(connection, project_id, area)
        properties = store.list_properties(connection, project_id, list_name)
        forms = store.list_newest_versions(connection, project_id)
        definitions = load_definitions(connection, project_id, (form.hash for form in forms))
        handed = set(store.list_forms_handed(connection, project_id, list_name))
    saves = {form.xml_form_id: _saved(definitions[form.hash].entities, list_name) for form in forms}
    return {
        **_dataset(project_id, row, counts),
        "properties": [
            {
                **one._mapping,
                "odata_name": _NOT_ODATA.sub("_", one.name),
                "forms": _refs(forms, (f for f, saved in saves.items() if one.name in saved)),
            }
            for one in properties
        ],
        "source_forms": _refs(forms, (form for form, saved in saves.items() if saved)),
        "linked_forms": _refs(forms, handed),
    }


def _counts(connection: Connection, project_id: int, area: Area) -> Mapping[str, Any]:
    return count_entities(
        connection, project_id, visible_to(load_lists(connection, project_id), area)
    )


def _saved(bindings: Iterable[Any], list_name: str) -> set[str]:
    """What a form saves of a list: its properties, and the label that every entity has."""
    mine = [one for one in bindings if one.list_name == list_name]
    return {name for one in mine for name in one.saves} | ({"label"} if mine else set())


def _refs(forms: Iterable[Any], wanted: Iterable[str]) -> list[dict[str, str]]:
    chosen = set(wanted)
    return [
        {"xml_form_id": form.xml_form_id, "name": form.name}
        for form in forms
        if form.xml_form_id in chosen
    ]


def _dataset(project_id: int, row: Any, counts: Mapping[str, Any]) -> dict[str, Any]:
    count = counts.get(row.name)
    return {
        **row._mapping,
        "project_id": project_id,
        "entities": count.entities if count else 0,
        "conflicts": count.conflicts if count else 0,
        "last_entity": count.last_entity if count else None,
    }
