"""A project to ask the phones' door about, what is asked of it, and what is to be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree
from werkzeug.test import TestResponse

from sync_server.accounts import devices
from sync_server.app import create_app
from sync_server.db import db
from sync_server.intake import entities
from sync_server.intake.arrival import Author
from sync_server.publishing.closing import set_state
from sync_server.settings import load
from tests.openrosa.nasty import LAST_SAVED, form_of, publish_form
from tests.scenarios.posyandu import Phone, Village
from tests.support.clock import FrozenClock

OURS, MOVED, GONE, THEIRS = (f"7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e0{n}" for n in range(1, 5))
NIK = "3211010101200001"
NAME = '=Siti "Nur", \u2018 '
XML = "text/xml; charset=utf-8"


@dataclass(frozen=True)
class Posyandu:
    """A project to ask about: forms in every state, children in every place, a phone let in."""

    village: Village
    phone: Phone
    revoked: str  # the server address of a phone that is let in no more

    def ask(self, asked: Ask) -> TestResponse:
        project = self.village.project.id
        path = asked.path.format(base=self.phone.base, project=project, revoked=self.revoked)
        where = path if path.startswith("/") else f"{self.phone.base}/{path}"
        return self.village.client.open(
            where, method=asked.method, headers=asked.headers, **asked.sent
        )


@dataclass(frozen=True)
class Ask:
    """A request; a path without a slash before it is behind the phone's own server address."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What is answered: header -> value, or None for a header that must not be there."""

    status: int = 200
    headers: dict[str, str | None] = field(default_factory=dict)
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def set_up(home: Path, url: str) -> Iterator[Posyandu]:
    environ = {"SIMPUL_HOME": str(home), "SIMPUL_DATABASE_URL": url, "SIMPUL_SECRET_KEY": "k" * 40}
    clock = FrozenClock()
    app = create_app(load(environ), clock=clock)
    app.testing = True
    village = Village.begin(app, clock)
    for name in ("closing", "closed"):
        publish_form(village, form_of(name, "1"))
        with app.app_context():
            set_state(village.project.id, name, name, by=village.admin, clock=clock)
    for version in ("1", "", "2"):
        publish_form(village, form_of("Tanpa Berkas", version, more=LAST_SAVED))
    publish_form(village, form_of("gambar", "1", "ada.png", "belum.png"), **{"ada.png": b"\x89P"})
    phone, other, gone = (village.phone(*who) for who in (("a",), ("b", "mawar"), ("c",)))
    with app.app_context():
        devices.revoke_app_user(
            village.project.id, gone.actor_id, by=village.admin, clock=village.clock
        )
    _raise_children(phone, other)
    yield Posyandu(village, phone, gone.base)
    with app.app_context():
        db.engine.dispose()


def _raise_children(phone: Phone, other: Phone) -> None:
    for one in (phone, other):
        one.sync()
    for child in (OURS, MOVED, GONE):
        phone.send(phone.register(child, label="Siti", nama=NAME, posyandu="melati", nik=NIK))
    other.send(other.register(THEIRS, label="Dewi", nama="Dewi", posyandu="mawar"))
    phone.sync()
    phone.send(phone.measure(MOVED, posyandu="mawar"))
    village, project = phone.village, phone.village.project
    admin = Author(village.admin, may_decide=True)
    with village.app.app_context():
        entities.delete_entity(project, "anak", GONE, author=admin, clock=village.clock)


REFUSED = {"Content-Type": XML, "X-OpenRosa-Version": "1.0", "Set-Cookie": None, "Location": None}
NOT_HERE = Told(404, REFUSED, has=('nature="submit_error">Tidak ditemukan',))
LET_IN_NO_MORE = Told(403, REFUSED | {"WWW-Authenticate": None}, has=("HP ini tidak terdaftar",))
ENTITY = '<entity id="{}"><deleted>{}</deleted></entity>'.format
FORM_LIST = Told(200, {"Content-Type": XML, "X-OpenRosa-Version": "1.0"}, has=("<formID>ukur<",))
LIST = "forms/ukur/versions/1/attachments/anak.csv"
TOKENLESS = "/v1/key/{}/projects/{{project}}/formList".format
A_FORM = {
    "content_type": "multipart/form-data; boundary=x",
    "data": b'--x\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="a"'
    b"\r\n\r\n"
    b"<data id='gambar' version='1'><start>1970-01-01T00:00:00.000+07:00</start>"
    b"<end>2199-12-31T23:59:59.999+07:00</end><meta><instanceID>uuid:tua</instanceID></meta></data>"
    b"\r\n--x--\r\n",
}


def check(answer: TestResponse, told: Told) -> None:
    assert answer.status_code == told.status, answer.text
    for name, value in told.headers.items():
        assert answer.headers.get(name) == value, name
    for text in told.has:
        assert text in answer.text
    for text in told.lacks:
        assert text not in answer.text
    if answer.status_code >= 400:
        assert [one.tag for one in etree.fromstring(answer.data)] == [_MESSAGE]


_MESSAGE = "{http://openrosa.org/http/response}message"
