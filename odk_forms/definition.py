"""What a form says, as values that can be kept beside its version.

Paths are ODK Central's: from the root of the instance, which is left out, by local
names ("/anak/nama", "/meta/instanceID"). The owner of an entity is the path of the
survey (""), group or repeat whose `meta/entity` declares it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

from conflict.policy import Policy

STRUCTURE = "structure"
REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Field:
    """One node of the instance: a question, or a group (`structure`) or `repeat` of them.

    `type` is the bind's ("string" when it says none). `labels` maps a language as the
    form writes it ("Bahasa (id)", "default") to plain text, where `{name}` stands for
    an answer shown inside a label.
    """

    path: str
    name: str
    type: str
    binary: bool = False
    select_multiple: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_question(self) -> bool:
        return self.type not in (STRUCTURE, REPEAT)

    @property
    def is_asked(self) -> bool:
        """Whether it is a question with a label: what a phone fills in by itself has none."""
        return self.is_question and bool(self.labels)


@dataclass(frozen=True, slots=True)
class EntityBinding:
    """One entity a form declares: `saves` maps a property to the path of its question."""

    list_name: str
    owner: str
    may_create: bool
    may_update: bool
    saves: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PropertySpec:
    """What a form says about a property; None where it says nothing."""

    policy: Policy | None = None
    phone: bool | None = None


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file the form expects beside it; `type` is file, image, audio or video."""

    name: str
    type: str


@dataclass(slots=True)
class Step:
    """What the form says of one node, found by walking it as the instance is walked."""

    children: dict[str, Step] = field(default_factory=dict)
    binding: EntityBinding | None = None
    saves_to: str | None = None
    binary: bool = False


@dataclass(frozen=True)
class FormDefinition:
    """All that the server needs to know of one version of a form.

    `version` is "" when the form has none. `end_path` is the node in which the phone
    notes when the form was finished. `lists` holds every property that any entity of
    the form saves. `entities_version` is the spec version the form was written for.
    """

    xml_form_id: str
    version: str
    title: str
    fields: tuple[Field, ...] = ()
    entities: tuple[EntityBinding, ...] = ()
    lists: Mapping[str, Mapping[str, PropertySpec]] = field(default_factory=dict)
    media: tuple[MediaRef, ...] = ()
    end_path: str | None = None
    entities_version: str | None = None
    encrypted: bool = False

    @cached_property
    def field_at(self) -> Mapping[str, Field]:
        """Every field by its path."""
        return {one.path: one for one in self.fields}

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Languages of the labels, in the order in which they appear."""
        return tuple(dict.fromkeys(name for one in self.fields for name in one.labels))

    @cached_property
    def steps(self) -> Step:
        """The form as a tree, pruned to what a submission is read for."""
        root = Step()
        for binding in self.entities:
            step_to(root, binding.owner).binding = binding
            for name, path in binding.saves.items():
                step_to(root, path).saves_to = name
        for one in self.fields:
            if one.binary:
                step_to(root, one.path).binary = True
        return root

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`; `from_json` reads them back to an equal definition."""
        plain = asdict(self)
        plain["lists"] = {
            name: {
                prop: {"policy": str(spec.policy) if spec.policy else None, "phone": spec.phone}
                for prop, spec in properties.items()
            }
            for name, properties in self.lists.items()
        }
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """The definition that `to_json` wrote."""
        lists = {
            name: {prop: _spec(spec) for prop, spec in properties.items()}
            for name, properties in plain["lists"].items()
        }
        return cls(
            xml_form_id=plain["xml_form_id"],
            version=plain["version"],
            title=plain["title"],
            fields=tuple(Field(**one) for one in plain["fields"]),
            entities=tuple(EntityBinding(**one) for one in plain["entities"]),
            lists=lists,
            media=tuple(MediaRef(**one) for one in plain["media"]),
            end_path=plain["end_path"],
            entities_version=plain["entities_version"],
            encrypted=plain["encrypted"],
        )


def step_to(root: Step, path: str) -> Step:
    """The step at `path`, made on the way when it is not there."""
    step = root
    for name in path.split("/")[1:]:
        step = step.children.setdefault(name, Step())
    return step


def _spec(plain: Mapping[str, Any]) -> PropertySpec:
    policy = plain["policy"]
    return PropertySpec(Policy.parse(policy) if policy else None, plain["phone"])
