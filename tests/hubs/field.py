"""People in the field over links that are cut: what they filled, and what was acknowledged.

Nobody gives up: what got no good answer stays in the bag and is sent again later. What got one
leaves the bag for good and is noted in the book, so that whatever a server lost after it had said
that it has it is missed in the end.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import requests

from sync_server.client import Outbox, SyncClient, SyncUnreachable
from tests.scenarios.posyandu import Phone
from tests.sync.test_push import create, new, update

AREA = "melati"
Item = dict[str, Any]
Files = dict[str, bytes]


@dataclass
class Book:
    """What a server has said that it has. `strange` are answers that nobody should be given."""

    forms: dict[str, bytes] = field(default_factory=dict)
    files: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: dict[str, Item] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    failures: int = 0

    def note_form(self, xml: bytes, files: Files) -> None:
        instance = instance_of(xml)
        self.forms[instance] = xml
        for name, content in files.items():
            self.files[instance, name] = sha_of(content)
            self.blobs[sha_of(content)] = content


def sha_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def instance_of(xml: bytes) -> str:
    return str(ElementTree.fromstring(xml).findtext("meta/instanceID"))  # noqa: S314 - our own


@dataclass
class Cadre:
    """A phone with a bag of filled forms. `addresses` are those it may have a signal for."""

    phone: Phone
    addresses: list[str]
    book: Book
    chance: Random
    bag: list[tuple[bytes, list[Files]]] = field(default_factory=list)

    def work(self) -> None:
        """Fill a form or two; some have photos, in one request or in several."""
        for _ in range(self.chance.randint(1, 2)):
            files = [self._photo(n) for n in range(self.chance.choice((0, 0, 0, 1, 2)))]
            if len(files) > 1 and self.chance.random() < 0.5:
                files = [files[0] | files[1]]
            self.bag.append((self._filled(), files or [{}]))

    def send(self) -> None:
        """Send what is in the bag, as far as it goes; fetch the list now and then."""
        chance = Random(self.chance.random())
        if chance.random() < 0.4:
            self._fetch(chance.choice(self.addresses))
        for one in list(self.bag):
            xml, parts = one
            address = chance.choice(self.addresses)
            while parts and self._post(address, xml, parts):
                self.book.note_form(xml, parts.pop(0))
            if not parts:
                self.bag.remove(one)

    def is_done(self) -> bool:
        return not self.bag

    def _filled(self) -> bytes:
        known = list(self.phone.anak.entities)
        if not known or self.chance.random() < 0.4:
            return self.phone.register(new(), posyandu=AREA, rt="05")
        day, child = self.chance.randint(1, 28), self.chance.choice(known)
        values = {"bb": f"{self.chance.randint(50, 190) / 10}", "tgl": f"2026-10-{day:02d}"}
        if self.chance.random() < 0.3:
            values["rt"] = f"{self.chance.randint(1, 12):02d}"
        return self.phone.measure(child, **values)

    def _photo(self, number: int) -> Files:
        return {f"foto{number}.jpg": self.chance.randbytes(self.chance.randint(1, 60_000))}

    def _post(self, address: str, xml: bytes, parts: list[Files]) -> bool:
        """Whether the next part of a form is there."""
        sent: dict[str, Any] = {"xml_submission_file": ("form.xml", xml, "text/xml")}
        sent |= {name: (name, content, "image/jpeg") for name, content in parts[0].items()}
        more = {"*isIncomplete*": "yes"} if len(parts) > 1 else {}
        url = f"{address}{self.phone.base}/submission"
        about = {"deviceID": f"collect:{self.phone.name}"}
        try:
            answer = requests.post(url, params=about, data=more, files=sent, timeout=60)
        except requests.RequestException:
            self.book.failures += 1
            return False
        if answer.status_code not in (201, 503):
            self.book.strange.append(f"{answer.status_code} {answer.text[:200]}")
        return answer.status_code == 201

    def _fetch(self, address: str) -> None:
        url = f"{address}{self.phone.base}/forms/ukur/attachments/anak.csv"
        try:
            answer = requests.get(url, timeout=60)
        except requests.RequestException:
            self.book.failures += 1
            return
        if answer.status_code == 200:
            self.phone.anak.import_csv(answer.content)
        elif answer.status_code != 503:
            self.book.strange.append(f"{answer.status_code} {answer.text[:200]}")


@dataclass
class Program:
    """A program with an outbox on its disk, which it opens anew each time."""

    phone: Phone
    address: str
    book: Book
    chance: Random
    folder: Path
    children: list[str] = field(default_factory=list)
    waiting: dict[str, Item] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def work(self) -> None:
        """Queue a change or a few, and now and then a form with a photo that comes by itself."""
        with Outbox(self.folder / "out.db") as outbox:
            for _ in range(self.chance.randint(1, 3)):
                item = self._item()
                self.waiting[item["changeId"]] = item
                outbox.add(item)
            if self.chance.random() < 0.4:
                self._photographed(outbox)

    def send(self) -> None:
        """Drain the outbox, as far as it goes."""
        with (
            Outbox(self.folder / "out.db") as outbox,
            SyncClient(self.address, self.phone.village.project.id, self.phone.token) as client,
        ):
            drained = outbox.drain(client)
            refused = list(outbox.db.table("rejected").rows)
            queued = {self._key(row) for row in outbox.db.table("queue").rows}
            owed = {row["sha256"] for row in outbox.db.table("blobs").rows}
        if drained.stopped is not None:
            self.book.failures += 1
            if not isinstance(drained.stopped, SyncUnreachable):
                self.book.strange.append(str(drained.stopped))
        self.book.strange += map(str, refused)
        for key in self.waiting.keys() - queued:
            self._note(key, self.waiting.pop(key))
        for sha256 in self.files.keys() - owed:
            self.book.blobs[sha256] = self.files.pop(sha256)

    def is_done(self) -> bool:
        return not self.waiting and not self.files

    def _item(self) -> Item:
        if not self.children or self.chance.random() < 0.5:
            self.children.append(new())
            return create(self.children[-1], rt="01")
        value = f"{self.chance.randint(1, 12):02d}"
        return update(self.chance.choice(self.children), 1, rt=value)

    def _photographed(self, outbox: Outbox) -> None:
        xml = self.phone.register(new(), posyandu=AREA)
        path = self.folder / f"{uuid.uuid4()}.jpg"
        path.write_bytes(self.chance.randbytes(self.chance.randint(1, 300_000)))
        sha256 = sha_of(path.read_bytes())
        named = {"name": "foto.jpg", "sha256": sha256, "size": path.stat().st_size}
        item = {"kind": "submission", "xml": xml.decode(), "attachments": [named]}
        self.waiting[instance_of(xml)] = item
        self.files[sha256] = path.read_bytes()
        outbox.add(item, blobs=[path])

    def _key(self, row: Item) -> str:
        item = json.loads(row["item"])
        return item["changeId"] if item["kind"] == "change" else instance_of(item["xml"].encode())

    def _note(self, key: str, item: Item) -> None:
        if item["kind"] == "change":
            self.book.changes[key] = item
        else:
            self.book.forms[key] = item["xml"].encode()
            for one in item["attachments"]:
                self.book.files[key, one["name"]] = one["sha256"]
