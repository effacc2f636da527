"""The entity blocks of a finished form, read back as Collect reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

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
    saves = {
        bind.get("nodeset"): bind.get(SAVETO)
        for bind in etree.fromstring(xform).iter(BIND)
        if bind.get(SAVETO)
    }
    return tuple(_blocks(etree.fromstring(instance), saves))


def _blocks(root: etree._Element, saves: dict[str, str]) -> Iterator[EntityBlock]:
    entities = [
        node
        for node in root.iter()
        if isinstance(node.tag, str) and _local(node) == "entity" and node.get("dataset")
    ]
    owners = [_owner(entity) for entity in entities]
    for entity, owner in zip(entities, owners, strict=True):
        properties = {
            saves[path]: node.text or ""
            for node in owner.iter()
            if isinstance(node.tag, str)
            and (path := _path(node)) in saves
            and _nearest(node, owners) is owner
        }
        label = next((child.text or "" for child in entity if _local(child) == "label"), None)
        yield EntityBlock(
            dataset=entity.get("dataset", ""),
            id=entity.get("id", ""),
            create=entity.get("create") in ("1", "true"),
            update=entity.get("update") in ("1", "true"),
            base_version=entity.get("baseVersion", ""),
            trunk_version=entity.get("trunkVersion", ""),
            branch_id=entity.get("branchId", ""),
            label=label,
            properties=properties,
        )


def _owner(entity: etree._Element) -> etree._Element:
    """The group, repeat or form whose `meta` holds the block."""
    meta = entity.getparent()
    assert meta is not None
    owner = meta.getparent()
    assert owner is not None
    return owner


def _nearest(node: etree._Element, owners: list[etree._Element]) -> etree._Element | None:
    while node is not None and not any(node is owner for owner in owners):
        node = node.getparent()
    return node


def _path(node: etree._Element) -> str:
    steps = [_local(node), *(_local(above) for above in node.iterancestors())]
    return "/" + "/".join(reversed(steps))


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname
