"""A POST as Collect writes it on the wire, and the form that the tests of submissions fill."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any
from urllib.parse import quote

from werkzeug.test import TestResponse

from odk_forms.convert import to_xform
from odk_forms.xform import read
from sync_server.publishing import publish
from sync_server.publishing.publish import Checked
from tests.scenarios.posyandu import Phone, Village
from tests.support.api import Api, administrator

BOUNDARY = "3b0c9a7e-1c2d"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
INCOMPLETE = "*isIncomplete*"
VISIT = """
| settings |
|          | form_title | form_id | version |
|          | Kunjungan  | visit   | 1       |
| survey   |
|          | type  | name  | label |
|          | text  | nama  | Nama  |
|          | image | foto  | Foto  |
|          | image | kedua | Lagi  |
|          | audit | audit |       |
"""


@cache
def checked(form: str = VISIT) -> Checked:
    """A form, converted without the JVM."""
    done = to_xform(form.encode(), "visit.md", validate=False)
    return Checked(
        xml=done.xml,
        definition=read(done.xml),
        messages=done.messages,
        sheets=done.sheets,
        filename="visit.md",
        source=form.encode(),
        itemsets=done.itemsets,
    )


def publish_visit(village: Village, form: str = VISIT) -> None:
    with village.app.app_context():
        publish.publish_checked(
            village.project.id, checked(form), by=village.admin, clock=village.clock
        )


def filled(
    instance: str | None = None,
    *,
    form: str = "visit",
    version: str = "1",
    nama: str = "Siti",
    **files: str,
) -> bytes:
    """A filled visit; `files` are the answers that name files. No instance: it has no id."""
    answers = "".join(f"<{name}>{value}</{name}>" for name, value in files.items())
    meta = f"<instanceID>{instance}</instanceID>" if instance else ""
    if "audit" not in files:
        meta += "<audit>audit.csv</audit>"
    return (
        f"<data id='{form}' version='{version}'><nama>{nama}</nama>{answers}"
        f"<meta>{meta}</meta></data>"
    ).encode()


def new_id() -> str:
    return f"uuid:{uuid.uuid4()}"


def part(name: str, body: bytes, content_type: str | None = "image/jpeg") -> bytes:
    """One part: OkHttp escapes a quote and the ends of lines, and nothing else."""
    written = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{written}"'
    if content_type:
        head += f'; filename="{written}"\r\nContent-Type: {content_type}'
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n"


def body_of(xml: bytes | None, files: Any = (), *, complete: bool = True) -> bytes:
    """The XML first, then the files as (name, bytes), then the mark that more will come."""
    parts = [part("xml_submission_file", xml, "text/xml")] if xml is not None else []
    parts += [part(name, data) for name, data in files]
    if not complete:
        parts.append(part(INCOMPLETE, b"yes", None))
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def send(
    phone: Phone, xml: bytes | None, *files: tuple[str, bytes], complete: bool = True
) -> TestResponse:
    return phone.village.client.post(
        f"{phone.base}/submission?deviceID=collect:{phone.name}",
        data=body_of(xml, files, complete=complete),
        content_type=MULTIPART,
    )


class Reader:
    """A manager who reads over the API what came."""

    def __init__(self, village: Village) -> None:
        self.api: Api = administrator(village.client)
        self.base = f"/projects/{village.project.id}/forms"

    def path(self, instance: str, form: str = "visit") -> str:
        return f"{self.base}/{form}/submissions/{instance}"

    def facts(self, instance: str, form: str = "visit") -> dict[str, Any]:
        found: dict[str, Any] = self.api.done("GET", self.path(instance, form))
        return found

    def xml(self, instance: str, form: str = "visit") -> bytes:
        return self.api.get(f"{self.path(instance, form)}.xml").data

    def files(self, instance: str, form: str = "visit") -> dict[str, dict[str, Any]]:
        rows = self.api.done("GET", f"{self.path(instance, form)}/attachments")
        return {row["name"]: row for row in rows}

    def file(self, instance: str, name: str, sha256: str | None = None) -> TestResponse:
        query = {} if sha256 is None else {"sha256": sha256}
        path = f"{self.path(instance)}/attachments/{quote(name, safe='')}"
        return self.api.get(path, query_string=query, buffered=True)

    def count(self, form: str = "visit") -> int:
        return len(self.api.done("GET", f"{self.base}/{form}/submissions"))
