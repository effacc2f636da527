"""The OpenRosa documents as Collect reads them: one thing missing and all of it is refused.

Source: openrosa.md sections 1.2, 2.1, 4.5, 5 and 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from odk_forms.xml import XmlError, attribute, child, content, local, parse_strict
from sync_server.fleet.wire import Answer

XFORMS_LIST = "{http://openrosa.org/xforms/xformsList}"
_HASH = re.compile(r"md5:[0-9a-f]{32}")


class SyncFailed(Exception):
    """The phone could not take a server's answer; nothing on it was altered by that answer."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A form of the list; `hash` is "md5:" and 32 hex digits."""

    form_id: str
    version: str
    hash: str
    download_url: str
    manifest_url: str | None


@dataclass(frozen=True, slots=True)
class Medium:
    """A file of a manifest."""

    name: str
    hash: str
    download_url: str
    entity_list: bool
    integrity_url: str | None


def read_form_list(answer: Answer) -> list[Offered]:
    """The forms a server offers, in its order."""
    root = _document(answer, "the form list")
    if root.tag != f"{XFORMS_LIST}xforms":
        raise SyncFailed(f"the form list is a {root.tag}")
    return [
        Offered(
            form_id=_text(one, "formID"),
            version=_optional(one, "version") or "",
            hash=_hash(one),
            download_url=_text(one, "downloadUrl"),
            manifest_url=_optional(one, "manifestUrl"),
        )
        for one in root
        if one.tag == f"{XFORMS_LIST}xform" and _text(one, "name")
    ]


def read_manifest(answer: Answer) -> list[Medium]:
    """The files beside a form; of a file name only what follows its last slash counts."""
    root = _document(answer, "a manifest")
    return [
        Medium(
            name=_text(one, "filename").rpartition("/")[2],
            hash=_hash(one),
            download_url=_text(one, "downloadUrl"),
            entity_list=one.get("type") == "entityList",
            integrity_url=_optional(one, "integrityUrl"),
        )
        for one in root
        if local(one.tag) == "mediaFile"
    ]


def read_integrity(answer: Answer) -> Iterator[str]:
    """The ids the server says are deleted."""
    root = _document(answer, "the integrity answer")
    for one in child(root, "entities"):
        if _text(one, "deleted") == "true":
            yield attribute(one, "id") or ""


def read_message(body: bytes) -> str | None:
    """What the cadre reads after sending; None when the body says nothing Collect can show."""
    if b"OpenRosaResponse" not in body:
        return None
    try:
        root = parse_strict(body)
    except XmlError:
        return None
    return next((content(one) for one in root if local(one.tag) == "message"), None)


def _document(answer: Answer, what: str) -> Any:
    if answer.status != 200:
        raise SyncFailed(f"{what}: the server answered {answer.status}")
    if "x-openrosa-version" not in answer.headers:
        raise SyncFailed(f"{what}: this is no OpenRosa server")
    if "text/xml" not in answer.headers.get("content-type", "text/xml"):
        raise SyncFailed(f"{what}: its type is {answer.headers['content-type']}")
    try:
        return parse_strict(answer.body)
    except XmlError as exc:
        raise SyncFailed(f"{what}: {exc}") from exc


def _optional(element: Any, name: str) -> str | None:
    found = child(element, name)
    return (content(found).strip() or None) if found is not None else None


def _text(element: Any, name: str) -> str:
    found = _optional(element, name)
    if found is None:
        raise SyncFailed(f"a {local(element.tag)} without {name}")
    return found


def _hash(element: Any) -> str:
    found = _text(element, "hash")
    if not _HASH.fullmatch(found):
        raise SyncFailed(f"{found!r} is no md5")
    return found
