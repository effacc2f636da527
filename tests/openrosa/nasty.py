"""A project whose forms, versions and files have names that break servers; a walk through it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from odk_forms.sheets import Sheets
from odk_forms.xform import read
from sync_server.publishing import publish
from tests.scenarios.posyandu import Village

LIST = "{http://openrosa.org/xforms/xformsList}"
MANIFEST = "{http://openrosa.org/xforms/xformsManifest}"
# What java.net.URI reads without a word: each name must have been escaped.
READABLE = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9_.~%-]+)+")

FORM = """<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml">
<h:head><h:title>{title}</h:title><model>
<instance><data id={form_id}{version}><nama/><meta><instanceID/></meta></data></instance>
{instances}<bind nodeset="/data/nama" type="string"/>
</model></h:head><h:body><input ref="/data/nama"><label>Nama</label></input></h:body></h:html>"""
LAST_SAVED = "jr://instance/last-saved"

NAMES = (
    ("a/b c", "1/2 #3"),
    ("../x//y/", "../../z"),
    ("..", ""),
    (".", "."),
    ("___..", "___."),
    ("___", "______"),
    ("%2F%252f", "100%"),
    ("tanya?a=b&c=<d>", "'\"`{|}\\^[]"),
    ("a/versions/b", "1.xml/manifest"),
    ("ukur.xml", "manifest"),
    ("attachments", "v/attachments/logo.png"),
    ("r\u00e9gional \U0001f476", "\u0635\u0627\u062f\u0642"),
    ("re\u0301gional \U0001f476", "-001"),
)
FILES = ("logo #1 %2F?.png", "a\u0301+b&c='d'.png", "\U0001f476.png", "..png")


def form_of(form_id: str, version: str, *files: str, title: str = "Nama", more: str = "") -> bytes:
    """An XForm as somebody may write it; files are named in it, and those that no file is."""
    named = [*(f"jr://images/{name}" for name in files), *([more] if more else [])]
    instances = "".join(
        f"<instance id='i{i}' src={quoteattr(src)}/>\n" for i, src in enumerate(named)
    )
    text = FORM.format(
        title=escape(title),
        form_id=quoteattr(form_id),
        version=f" version={quoteattr(version)}" if version else "",
        instances=instances,
    )
    return text.encode()


def publish_form(village: Village, xml: bytes, **files: bytes) -> None:
    """Publish an XForm as it is; the form engine is not asked, and starts for too long."""
    checked = publish.Checked(
        xml=xml,
        definition=read(xml),
        messages=(),
        sheets=Sheets(),
        filename="form.xml",
        source=xml,
    )
    with village.app.app_context():
        publish.publish_checked(
            village.project.id, checked, by=village.admin, clock=village.clock, attachments=files
        )


def publish_nasty(village: Village) -> None:
    for form_id, version in NAMES:
        xml = form_of(form_id, version, *FILES, title=f"<{form_id}> & {version}")
        publish_form(village, xml, **{name: name.encode() for name in FILES})


@dataclass(frozen=True)
class Listed:
    """What a phone finds in a form list: the text of its elements."""

    form_id: str
    version: str
    hash: str
    download: str
    manifest: str | None


def listed(xml: bytes) -> Iterator[Listed]:
    for one in etree.fromstring(xml).findall(f"{LIST}xform"):
        told = {child.tag.removeprefix(LIST): child.text or "" for child in one}
        yield Listed(
            told["formID"],
            told["version"],
            told["hash"],
            told["downloadUrl"],
            told.get("manifestUrl"),
        )


def md5(body: bytes) -> str:
    return f"md5:{hashlib.md5(body, usedforsecurity=False).hexdigest()}"


def walk(fetch: Callable[[str], Any], form_list: str) -> dict[tuple[str, str], dict[str, bytes]]:
    """Go from the list to every form and every file, as Collect does: {(id, version): files}.

    `fetch(url)` gives the body of what must be a 200; the form's own XML is the file "".
    """
    found = {}
    for one in listed(fetch(form_list)):
        files = {"": fetch(one.download)}
        assert READABLE.fullmatch(one.download), one.download
        assert one.hash == md5(files[""])
        for file in etree.fromstring(fetch(one.manifest)) if one.manifest else ():
            name, digest, url = (file.findtext(f"{MANIFEST}{tag}") for tag in _FILE)
            assert READABLE.fullmatch(url), url
            files[name] = fetch(url)
            assert file.get("type") == "entityList" or digest == md5(files[name])
        found[one.form_id, one.version] = files
    return found


_FILE = ("filename", "hash", "downloadUrl")
