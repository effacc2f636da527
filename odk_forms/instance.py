"""Reading the XML of one submission, as phones really write it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from odk_forms.errors import InstanceError
from odk_forms.xml import XmlError, attribute, child, content, parse_tolerant


@dataclass(frozen=True, slots=True)
class Instance:
    """One filled form. `root` is only for reading; the bytes stay the truth.

    `version` is "" when the XML names none. `encrypted` instances hold nothing but
    the names of their encrypted parts.
    """

    xml_form_id: str
    version: str
    instance_id: str
    deprecated_id: str | None
    instance_name: str | None
    encrypted: bool
    root: Any


def read(raw: bytes) -> Instance:
    """The submission in `raw`; InstanceError for DOCTYPE, broken XML or a root without an id.

    Without an instanceID the id is made from the bytes, so that a phone that sends
    them again is known again.
    """
    try:
        root = parse_tolerant(raw)
    except XmlError as exc:
        raise InstanceError(str(exc)) from exc
    form_id = attribute(root, "id")
    if not form_id:
        raise InstanceError("The XML does not say which form it is of: its root has no id.")
    meta = child(root, "meta")
    return Instance(
        xml_form_id=form_id,
        version=attribute(root, "version") or "",
        instance_id=_text(meta, "instanceID") or derived_id(raw),
        deprecated_id=_text(meta, "deprecatedID"),
        instance_name=_text(meta, "instanceName"),
        encrypted=attribute(root, "encrypted") == "yes",
        root=root,
    )


def derived_id(raw: bytes) -> str:
    """The instance id of bytes that bear none: the same for the same bytes.

    >>> derived_id(b"<data id='a'/>") == derived_id(b"<data id='a'/>")
    True
    """
    return f"uuid:{UUID(bytes=hashlib.sha256(raw).digest()[:16], version=4)}"


def _text(meta: Any, name: str) -> str | None:
    if meta is None:
        return None
    found = child(meta, name)
    return (content(found).strip() or None) if found is not None else None
