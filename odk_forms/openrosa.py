"""The XML documents of the OpenRosa protocol, to the letter of what Collect parses.

Source: openrosa.md sections 2.1, 4.5, 5 and 5.4. One field missing anywhere makes
Collect throw away the whole document, so these functions refuse to write one. The
same values give the same bytes: Collect compares hashes of manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from odk_forms.xml import quoted

CONTENT_TYPE = "text/xml; charset=utf-8"
HEADERS = {"X-OpenRosa-Version": "1.0"}
SUCCESS = "full submission upload was successful!"
"""Collect shows this one sentence in the phone's own language; it must stay English."""

_PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class ListedForm:
    """One published form as a phone may fetch it.

    `hash` is the md5 (32 hex digits) of the very bytes at `download_url`; URLs are
    absolute and percent-escaped. No `manifest_url` when the form needs no files.
    """

    form_id: str
    name: str
    version: str
    hash: str
    download_url: str
    manifest_url: str | None = None


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file beside a form. For an entity list `hash` is its state, not of its bytes."""

    filename: str
    hash: str
    download_url: str
    entity_list: bool = False
    integrity_url: str | None = None


def form_list(forms: Iterable[ListedForm]) -> bytes:
    """The formList document; ValueError when a form lacks what Collect requires."""
    lines = ['<xforms xmlns="http://openrosa.org/xforms/xformsList">']
    for form in forms:
        _require(form.form_id, "form id")
        _require(form.name, "name")
        lines += [
            "  <xform>",
            _element("formID", form.form_id),
            _element("name", form.name),
            _element("version", form.version),
            _element("hash", _md5(form.hash)),
            _element("downloadUrl", _require(form.download_url, "download URL")),
        ]
        if form.manifest_url:
            lines.append(_element("manifestUrl", form.manifest_url))
        lines.append("  </xform>")
    lines.append("</xforms>")
    return _document(lines)


def manifest(files: Iterable[ManifestFile]) -> bytes:
    """The manifest of one form; ValueError when a file lacks what Collect requires."""
    lines = ['<manifest xmlns="http://openrosa.org/xforms/xformsManifest">']
    for file in files:
        _require(file.filename, "file name")
        lines += [
            '  <mediaFile type="entityList">' if file.entity_list else "  <mediaFile>",
            _element("filename", file.filename),
            _element("hash", _md5(file.hash)),
            _element("downloadUrl", _require(file.download_url, "download URL")),
        ]
        if file.integrity_url:
            lines.append(_element("integrityUrl", file.integrity_url))
        lines.append("  </mediaFile>")
    lines.append("</manifest>")
    return _document(lines)


def integrity(entities: Iterable[tuple[str, bool]]) -> bytes:
    """Which of the entities a phone holds are deleted: (id as asked for, deleted).

    Leave out every id this server does not know: a phone deletes what it hears is
    deleted, and an unknown one is a creation that has not been sent yet.
    """
    lines = ["<data><entities>"]
    for entity, deleted in entities:
        word = "true" if deleted else "false"
        lines.append(f'  <entity id="{quoted(entity)}"><deleted>{word}</deleted></entity>')
    lines.append("</entities></data>")
    return _document(lines)


Nature = Literal["submit_success", "submit_error"]


def response(message: str, nature: Nature = "submit_success") -> bytes:
    """What the cadre reads after sending. Errors in the project's language."""
    return _document(
        [
            '<OpenRosaResponse xmlns="http://openrosa.org/http/response" items="0">',
            f'  <message nature="{nature}">{quoted(message)}</message>',
            "</OpenRosaResponse>",
        ]
    )


def _document(lines: list[str]) -> bytes:
    return (_PROLOG + "\n".join(lines) + "\n").encode()


def _element(name: str, text: str) -> str:
    return f"    <{name}>{quoted(text)}</{name}>"


def _require(text: str, what: str) -> str:
    if not text.strip():
        raise ValueError(f"Collect refuses a whole list when one {what} is missing")
    return text


def _md5(text: str) -> str:
    digits = text.removeprefix("md5:")
    if not _MD5.fullmatch(digits):
        raise ValueError(f"{text!r} is no md5 in 32 lower-case hex digits")
    return f"md5:{digits}"
