"""A blank form as a phone holds it, and the instance that filling it makes.

There is no XPath here: whoever fills gives the calculated values too. What a form engine does
around them is done: document order, preloads, what is not relevant left out, the entity block.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from lxml import etree

from odk_forms import xform
from odk_forms.xml import attribute, child, local, parse_strict
from sync_server.fleet.blocks import BIND, EntityBlock, blocks_in, saved_paths
from sync_server.fleet.local_list import LocalEntity

JAVAROSA = "{http://openrosa.org/javarosa}"
TEMPLATE = f"{JAVAROSA}template"
XFORMS = "{http://www.w3.org/2002/xforms}"

Answers = Mapping[str, str | None]
"""By path ("/ukur/bb_kg") or name ("bb_kg"), as the XML has them. None: was not relevant; "":
was shown and left empty. A group is named to say the same of all that is in it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The entity a form is about. `local` is the phone's copy; None for one that is new."""

    id: str
    local: LocalEntity | None
    label: str | None
    saves: bool


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the phone itself writes into a form; times by its own clock, with their zone."""

    instance_id: str
    device_id: str
    started: datetime
    finished: datetime

    def of(self, preload: tuple[str | None, str | None]) -> str | None:
        """The value of a node with this preload; None when the phone has none."""
        match preload:
            case ("timestamp", "start"):
                return self.started.isoformat(timespec="milliseconds")
            case ("timestamp", "end"):
                return self.finished.isoformat(timespec="milliseconds")
            case ("date", "today"):
                return self.started.date().isoformat()
            case ("property", "deviceid"):
                return self.device_id
            case ("uid", _):
                return self.instance_id
        return None


@lru_cache(maxsize=256)
def blank_form(xml: bytes) -> BlankForm:
    """The form in `xml`; read once, however many phones of a fleet hold it."""
    return BlankForm(xml)


class BlankForm:
    """One version of a form, ready to be filled. FormError when a phone could not open it."""

    def __init__(self, xml: bytes) -> None:
        self.xml = xml
        self.definition = xform.read(xml)
        root = parse_strict(xml)
        self._saves = saved_paths(root)
        model = child(child(root, "head"), "model")
        self._template = _without_default(child(model, "instance")[0])
        prefix = f"/{local(self._template.tag)}"
        binds = {bind.get("nodeset", "").removeprefix(prefix): bind for bind in model.iter(BIND)}
        self._conditional = {path for path, bind in binds.items() if bind.get("relevant")}
        self._preloads = {
            path: (bind.get(f"{JAVAROSA}preload"), bind.get(f"{JAVAROSA}preloadParams"))
            for path, bind in binds.items()
        }
        by_depth = sorted(self.definition.fields, key=lambda one: one.is_question)
        self._path_of = {one.name: one.path for one in by_depth}  # a question before a group

    def filled(
        self, answers: Answers, stamp: Stamp, subject: Subject | None
    ) -> tuple[bytes, tuple[EntityBlock, ...]]:
        """The instance and its entity blocks.

        A node nobody answers is blank, or absent when the form shows it only sometimes.
        Errors    ValueError for an answer to no question of this form, and for a form
                  whose entity is not the survey's own.
        """
        root = copy.deepcopy(self._template)
        self._answer(root, "", self._by_path(answers), stamp)
        if self.definition.entities:
            self._concern(root, subject)
        etree.cleanup_namespaces(root)
        xml = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
        return xml, blocks_in(root, self._saves)

    def _by_path(self, answers: Answers) -> dict[str, str | None]:
        paths = {self._path_of.get(name, name): value for name, value in answers.items()}
        unknown = sorted(paths.keys() - self.definition.field_at.keys())
        if unknown:
            raise ValueError(f"{self.definition.xml_form_id} asks nothing called {unknown}")
        return paths

    def _answer(self, element: Any, path: str, answers: Answers, stamp: Stamp) -> bool:
        """Write answers below `element`, prune what stays irrelevant; whether any was given."""
        any_given = False
        for one in list(element):
            below = f"{path}/{local(one.tag)}"
            if one.get(TEMPLATE) is not None or (below in answers and answers[below] is None):
                element.remove(one)
                continue
            if len(one):
                given = self._answer(one, below, answers, stamp) or below in answers
            else:
                value = answers.get(below)
                given = value is not None
                value = stamp.of(self._preloads.get(below, (None, None))) if not given else value
                one.text = value or one.text
            if below in self._conditional and not given:
                element.remove(one)
            any_given = any_given or given
        return any_given

    def _concern(self, root: Any, subject: Subject | None) -> None:
        """Write the entity block as Collect does, from its own list."""
        meta = child(root, "meta")
        entity = child(meta, "entity") if meta is not None else None
        if entity is None or len(self.definition.entities) != 1 or subject is None:
            raise ValueError(f"{self.definition.xml_form_id} is not about one entity")
        known = subject.local
        entity.set("id", subject.id)
        values = {
            "create": "1" if subject.saves and known is None else "0",
            "update": "1" if subject.saves and known is not None else "0",
            "baseVersion": str(known.version) if known else "",
            "trunkVersion": str(known.trunk_version or "") if known else "",
            "branchId": known.branch_id if known else "",
        }
        for name, value in values.items():
            if attribute(entity, name) is not None:
                entity.set(name, value)
        label = child(entity, "label")
        if label is not None:
            label.text = subject.label


def _without_default(primary: Any) -> Any:
    """The instance in no namespace, as phones write it; forms inherit that of the XForm."""
    for one in primary.iter(etree.Element):
        one.tag = one.tag.removeprefix(XFORMS)
    return primary
