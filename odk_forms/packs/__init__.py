"""Form packs: a programme's forms, entity lists and sample rows, kept as text in a folder.

A pack is `<folder>/pack.toml` and one markdown XLSForm beside it for each form; `build`
makes the XLSX of one. What a pack says about a property (its policy, whether phones get it)
repeats what its forms say, so that a list can be made before the first form is published.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from conflict.policy import REVIEW, Policy

Labels = Mapping[str, str]  # by language: "id", "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackProperty:
    """One property of a list; `phone` is False for what is kept off every phone."""

    name: str
    labels: Labels
    policy: Policy
    phone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """An actor sees the entities whose `property_name` equals a value of its `actor_property`.

    Of several rules of a list all must hold.
    """

    property_name: str
    actor_property: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleEntity:
    """A row to try the pack with: its id is a UUID v4, its data text by property."""

    entity: str
    label: str
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackList:
    """An entity list, as its forms declare it, who sees what of it, and rows to try it with."""

    name: str
    labels: Labels
    properties: tuple[PackProperty, ...]
    access: tuple[AccessRule, ...]
    sample: tuple[SampleEntity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """`forms`: file name ("registrasi_anak.md") to markdown XLSForm, in publishing order."""

    name: str
    titles: Labels
    forms: Mapping[str, str]
    lists: Mapping[str, PackList]
    actor_properties: Mapping[str, Labels]


def names() -> tuple[str, ...]:
    """Every pack that is installed."""
    folders = resources.files(__name__).iterdir()
    return tuple(sorted(folder.name for folder in folders if (folder / "pack.toml").is_file()))


def load(name: str) -> Pack:
    """Read a pack; LookupError when there is none of that name.

    >>> [*load("posyandu").forms]
    ['registrasi_anak.md', 'pengukuran_balita.md']
    """
    if name not in names():
        raise LookupError(f"no form pack is called {name!r}; there are {', '.join(names())}")
    folder = resources.files(__name__) / name
    facts = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))
    return Pack(
        name=name,
        titles=facts["title"],
        forms=_forms(folder, facts["forms"]),
        lists={
            list_name: _list(list_name, described)
            for list_name, described in facts["lists"].items()
        },
        actor_properties=facts["actor_properties"],
    )


def _forms(folder: Traversable, file_names: list[str]) -> dict[str, str]:
    return {file: (folder / file).read_text(encoding="utf-8") for file in file_names}


def _list(name: str, described: Mapping[str, Any]) -> PackList:
    return PackList(
        name=name,
        labels=described["label"],
        properties=tuple(_property(row) for row in described["properties"]),
        access=tuple(
            AccessRule(property_name=row["property"], actor_property=row["actor_property"])
            for row in described.get("access", ())
        ),
        sample=tuple(
            SampleEntity(entity=row["entity"], label=row["label"], data=row["data"])
            for row in described.get("sample", ())
        ),
    )


def _property(row: Mapping[str, Any]) -> PackProperty:
    return PackProperty(
        name=row["name"],
        labels={language: row[language] for language in ("id", "en")},
        policy=Policy.parse(row["policy"]) if "policy" in row else REVIEW,
        phone=row.get("phone", True),
    )
