"""The entity blocks of a finished form, read back as Collect reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from odk_forms.xml import child, content, local, parse_strict, parse_tolerant

SAVETO = "{http://www.opendatakit.org/xforms/entities}saveto"
BIND = "{http://www.w3.org/2002/xforms}bind"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityBlock:
    """One `meta/entity` and the properties its form saves; numbers and ids as the text sent.

    A property whose node is absent from the XML is absent here; an empty node is "".
    """

    dataset: str
    id: str
    create: bool
    update: bool
    base_version: str
    trunk_version: str
    branch_id: str
    label: str | None
    properties: dict[str, str]


def entity_blocks(xform: bytes, instance: bytes) -> tuple[EntityBlock, ...]:
    """Every block in document order, those that neither create nor update included."""
    return blocks_in(parse_tolerant(instance), saved_paths(parse_strict(xform)))


def saved_paths(xform: Any) -> dict[str, str]:
    """What a form saves: the path of a question ("/data/berat") to the property."""
    return {bind.get("nodeset"): bind.get(SAVETO) for bind in xform.iter(BIND) if bind.get(SAVETO)}


def blocks_in(root: Any, saves: Mapping[str, str]) -> tuple[EntityBlock, ...]:
    """The blocks of an instance whose form saves `saves`."""
    return tuple(_blocks(root, saves))


def _blocks(root: Any, saves: Mapping[str, str]) -> Iterator[EntityBlock]:
    entities = [
        node
        for node in root.iter(etree.Element)
        if local(node.tag) == "entity" and node.get("dataset")
    ]
    # The group, repeat or form whose `meta` holds the block.
    owners = [entity.getparent().getparent() for entity in entities]
    for entity, owner in zip(entities, owners, strict=True):
        label = child(entity, "label")
        yield EntityBlock(
            dataset=entity.get("dataset", ""),
            id=entity.get("id", ""),
            create=entity.get("create") in ("1", "true"),
            update=entity.get("update") in ("1", "true"),
            base_version=entity.get("baseVersion", ""),
            trunk_version=entity.get("trunkVersion", ""),
            branch_id=entity.get("branchId", ""),
            label=None if label is None else content(label),
            properties={
                saves[path]: content(node)
                for node in owner.iter(etree.Element)
                if (path := _path(node)) in saves and _nearest(node, owners) is owner
            },
        )


def _nearest(node: Any, owners: list[Any]) -> Any:
    while node is not None and not any(node is owner for owner in owners):
        node = node.getparent()
    return node


def _path(node: Any) -> str:
    steps = [local(node.tag), *(local(above.tag) for above in node.iterancestors())]
    return "/" + "/".join(reversed(steps))
