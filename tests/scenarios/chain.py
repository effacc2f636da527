"""What a cadre does to one child in a week without a signal: six posts, in any order."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import Any

from conflict.areas import UNBOUND
from sync_server.db import read_transaction
from sync_server.intake.arrival import Attached, Author, SentSubmission
from sync_server.intake.ingest import ingest
from sync_server.reports.history import record_page
from sync_server.stores.submissions import find_submission, list_attachments
from tests.scenarios.posyandu import Phone, Village

FORMS = ("create", "first", "second", "third", "edit")
POSTS = (*FORMS, "photo")
SCALE, CARD = b"\xff\xd8 the scale", b"\xff\xd8 the card"

Order = Sequence[str]


def orders(size: int) -> list[Order]:
    """So many of the 720 orders, the plain one first; the same ones in every run."""
    plain, *others = permutations(POSTS)
    return [plain, *Random(size).sample(others, size - 1)]


def orders_of_forms() -> list[Order]:
    """Every order of the five forms, the photo coming at each place in turn."""
    found: list[Order] = []
    for number, order in enumerate(permutations(FORMS)):
        place = (number + 5) % 6  # last in the plain order
        found.append((*order[:place], "photo", *order[place:]))
    return found


@dataclass(frozen=True)
class Chain:
    """One child on one phone: the form of every post, and the files that go with it."""

    child: str
    forms: Mapping[str, bytes]
    files: Mapping[str, Mapping[str, bytes]]

    @classmethod
    def filled(cls, phone: Phone, child: str, edited: str = "second") -> Chain:
        """A registration, three visits, one of the four opened again; the first has two photos."""

        def at(hour: int) -> None:
            phone.client_time = f"2026-08-0{hour}T08:00:00.000Z"

        at(1)
        told = {"nama": "Siti", "posyandu": "melati", "rt": "05", "nik": "3201"}
        forms = {"create": phone.register(child, imunisasi="hb0", **told)}
        at(2)
        forms["first"] = with_photo(phone.measure(child, rt="06", bb="9.0", tgl="2026-06-05"))
        at(3)
        forms["second"] = phone.measure(
            child, rt="07", tb="80", tgl="2026-07-05", imunisasi="hb0 bcg"
        )
        at(4)
        forms["third"] = phone.measure(child, bb="9.4", tgl="2026-08-05", nama="Siti N")
        forms["edit"] = phone.edit(forms[edited], **MENDED[edited])
        photos = {"timbangan.jpg": SCALE, "kms.jpg": CARD}
        files = {"first": {"timbangan.jpg": SCALE}, "photo": {"kms.jpg": CARD}}
        if edited == "first":
            files["edit"] = photos  # the phone sends the files of an edit once more
        return cls(child, {**forms, "photo": forms["first"]}, files)


MENDED: dict[str, dict[str, str]] = {
    "create": {"nik": "3210"},
    "first": {"bb": "9.1"},
    "second": {"tb": "81", "imunisasi": "hb0 polio"},
    "third": {"bb": "9.5", "nama": "Siti Nur"},
}


def with_photo(xml: bytes) -> bytes:
    return xml.replace(b"<meta>", b"<foto>timbangan.jpg</foto><meta>")


def send_all(village: Village, phone: Phone, sent: Sequence[tuple[Chain, Order]]) -> Iterator[None]:
    """Every child's posts in its own order, the first ones of all children in one batch, ..."""
    blobs = village.app.extensions["simpul"].blobs
    held = {body: blobs.put(io.BytesIO(body))[0] for body in (SCALE, CARD)}
    author = Author(phone.actor_id, f"collect:{phone.name}")
    for place in range(len(POSTS)):
        village.pass_time()
        batch = [
            SentSubmission(
                one.forms[order[place]],
                tuple(
                    Attached(name, held[body], len(body), "image/jpeg")
                    for name, body in one.files.get(order[place], {}).items()
                ),
                complete=order[place] != "first",
            )
            for one, order in sent
        ]
        with village.app.app_context():
            ingest(village.project, batch, author=author, clock=village.clock)
        yield


def send(phone: Phone, one: Chain, order: Order) -> None:
    """One child's posts through the phones' door."""
    for name in order:
        phone.village.pass_time()
        more = {"*isIncomplete*": "yes"} if name == "first" else {}
        answer = phone.post(one.forms[name], more, **one.files.get(name, {}))
        assert answer.status_code == 201, (order, name, answer.text)


def end_of(village: Village, chain: Chain) -> dict[str, Any]:
    """All that is told of a child once everything has come, without when it came."""
    names = {one: instance_of(xml) for one, xml in chain.forms.items() if one != "photo"}
    known = {instance: name for name, instance in names.items()}
    with village.app.app_context():
        page = record_page(village.project.id, chain.child, UNBOUND, language="id")
        with read_transaction() as connection:
            of_form = {name: (form_of(name, chain), instance) for name, instance in names.items()}
            stored = {
                name: find_submission(connection, village.project.id, *key)
                for name, key in of_form.items()
            }
            files = {
                name: list_attachments(connection, village.project.id, *key)
                for name, key in of_form.items()
            }
    return {
        "shown": {one.name: (one.value, known[one.source.instance_id]) for one in page.values},
        "label": page.label,
        "version": page.version,
        "status": page.status,
        "waiting": page.waiting,
        "asked": page.open_reviews,
        "history": {
            known[one.source.instance_id]: (
                one.source.op,
                one.source.client_time,
                one.waiting,
                sorted((f.name, f.value, f.outcome, f.observed_on, f.replaced) for f in one.fields),
            )
            for one in page.entries
        },
        "kept": {
            name: (row.xml == chain.forms[name], row.complete, row.client_time)
            for name, row in stored.items()
        },
        "files": {name: [(one.name, one.sha256) for one in rows] for name, rows in files.items()},
    }


def instance_of(xml: bytes) -> str:
    return xml.split(b"<instanceID>")[1].split(b"<")[0].decode()


def form_of(name: str, chain: Chain) -> str:
    return "daftar" if b"daftar" in chain.forms[name][:40] else "ukur"
