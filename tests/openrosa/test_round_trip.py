"""Every type of question through the engine that phones have: filled, sent, and read everywhere.

What that engine leaves to the app around it comes as Collect writes it: the name of the audit log;
the blank of a recording in the background.
"""

from __future__ import annotations

import csv
import io
import uuid
import zipfile
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from sync_server.fleet.local_list import LocalList
from sync_server.publishing import publish
from tests.javarosa import Filled, JavaRosa
from tests.openrosa.everything import PRICES, every_type, shown_again
from tests.openrosa.family import publish_visit
from tests.scenarios.posyandu import Village
from tests.support.api import Api
from tests.support.promises import promise
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.slow

NAME = '  Nur\u2019aini \U0001f476\U0001f3fd & <b>"O\'Neil"</b> ]]> e\u0301 \u0639\u0644\u064a '
TYPED = {
    "nama": NAME,
    "catatan": 'baris satu\nbaris dua\n\n\tbaris empat, dengan "kutip"; dan koma\n',
    "panjang": "p\u00e4njang " * 4000,
    "angka": "0012",
    "bulat": "-12",
    "ukuran.desimal": "9.1",
    "rentang": "7.5",
    "satu": "asam",
    "banyak": "asin pahit",
    "lain": "other",
    "urut": "pahit asin asam",
    "tanggal": "2026-02-28",
    "bulan": "2026-02-01",
    "jam": "23:59:58.000+07:00",
    "saat": "2026-02-28T23:59:58.000+07:00",
    "titik": "-6.9147444 107.6098111 768.5 4.2",
    "jalan": "-6.9147444 107.6098111 0.0 0.0; -6.9 107.61 0.0 0.0",
    "luas": "-6.9 107.6 0.0 0.0; -6.8 107.6 0.0 0.0; -6.8 107.7 0.0 0.0; -6.9 107.6 0.0 0.0",
    "kode": "\x1d0108991234567890\x1d10LOT7\x1d17261231",
    "setuju": "OK",
    "foto": "foto 1.jpg",
    "tanda": "tanda.png",
    "suara": "suara.m4a",
    "film": "film.mp4",
    "berkas": "berkas \u00e9.pdf",
    "terdalam": "dasar",
}
BESIDE = {
    "lain_other": "gurih",
    "/data/ulang[1]/isi": "satu",
    "/data/ulang[2]/isi": "dua",
    "/data/hitungan[1]/nomor": "3",
    "/data/hitungan[2]/nomor": "4",
}
COMPUTED = {
    "hp": "collect:javarosa00000001",
    "pengguna": "bu.tuti",
    "telepon": "+6281200000000",
    "surel": "tuti@example.org",
    "hitung": "-24",
    "rupiah": "12500",
    "diam": "rahasia",
    "semua_isi": "satu dua",
    "jumlah": "7",
}
BY_THE_CLOCK = {"mulai", "selesai", "hari"}
NEVER_ASKED = {"tak_ada", "tersembunyi"}
FILES = {
    "foto 1.jpg": b"\xff\xd8 foto",
    "tanda.png": b"\x89PNG",
    "suara.m4a": b"",
    "film.mp4": b"\x00" * 5000,
    "berkas \u00e9.pdf": b"%PDF",
    "audit.csv": b"event,node,start,end\nform start,,1,\n",
}


class Cadre:
    """Somebody with a phone: the forms, the list that the phone keeps, and what it sends."""

    def __init__(self, village: Village, engine: JavaRosa) -> None:
        self.phone, self.engine = village.phone("a"), engine
        self.own = LocalList("semua_hal")
        self.prices = self.phone.get("forms/semua/attachments/harga.csv").data
        self.sync()

    def sync(self) -> None:
        assert self.own.import_csv(self.phone.get("forms/ubah/attachments/semua_hal.csv").data)

    def fill(self, form: str, answers: dict[str, str], **options: Any) -> Filled:
        media = {"semua_hal.csv": self.own.to_csv(), "harga.csv": self.prices}
        xform = self.phone.get(f"forms/{form}.xml").data
        filled = self.engine.fill(xform, answers, media, **options)
        assert self.own.apply(filled.entities[0])
        return filled

    def send(self, xml: bytes, **files: bytes) -> None:
        answer = self.phone.post(xml, **files)
        assert answer.status_code == 201, answer.text
        self.sync()


@pytest.fixture
def cadre(village: Village, javarosa: JavaRosa) -> Cadre:
    with village.app.app_context():
        for form, files in ((every_type(), {"harga.csv": PRICES}), (shown_again(), {})):
            publish.publish_checked(
                village.project.id, form, by=village.admin, clock=village.clock, attachments=files
            )
    return Cadre(village, javarosa)


@pytest.fixture
def ask(village: Village) -> Callable[[str], Any]:
    """`ask("sync/entities/…")`: what the API says to the administrator."""
    api = Api(village.client).log_in(ADMIN_EMAIL, ADMIN_PASSWORD)
    return lambda path: api.done("GET", f"/projects/{village.project.id}/{path}")


@pytest.fixture
def exported(village: Village) -> Callable[[str, str], dict[str, bytes]]:
    """`exported("semua", "csv.zip")`: what the administrator exports, by the names of files."""
    api = Api(village.client).log_in(ADMIN_EMAIL, ADMIN_PASSWORD)

    def fetch(form: str, ending: str) -> dict[str, bytes]:
        path = f"/projects/{village.project.id}/forms/{form}/submissions.{ending}"
        answer = api.get(path, buffered=True)
        assert answer.status_code == 200, answer.text
        if ending == "csv":
            return {f"{form}.csv": answer.data}
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    return fetch


def table(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline=""), strict=True))


def answers_of(row: dict[str, str]) -> dict[str, str]:
    """What a row of the form's table says, by property; a point is put together again."""
    [binding] = every_type().definition.entities
    columns = {name: path[1:].replace("/", "-") for name, path in binding.saves.items()}
    parts = [f"titik-{one}" for one in ("Latitude", "Longitude", "Altitude", "Accuracy")]
    point = " ".join(filter(None, (row[one] for one in parts)))
    return {name: row.get(column, point) for name, column in columns.items()}


@promise("O32", "O45", "O58")
def test_what_was_answered_is_the_same_wherever_it_is_read(village, cadre, ask, exported):
    bare = cadre.fill("semua", {"nama": "Satu"})
    cadre.send(bare.xml)
    one = bare.entities[0].id
    answers = {**TYPED, **BESIDE, "desimal": "9.10", "dari": one, "dari_banyak": one}
    del answers["ukuran.desimal"]
    full = cadre.fill("semua", answers, choices_of=["dari"])
    assert full.choices["/data/dari"] == [(one, "Satu")]
    (block,) = full.entities
    given = block.properties
    chosen = {"dari": one, "dari_banyak": one}
    assert {n: v for n, v in given.items() if n not in BY_THE_CLOCK} == TYPED | COMPUTED | chosen
    xml = full.xml.replace(b"<audit />", b"<audit>audit.csv</audit>")
    assert xml != full.xml
    cadre.send(xml, **FILES)

    entity = ask(f"datasets/semua_hal/entities/{block.id}")["currentVersion"]
    assert (entity["label"], without_blanks(entity["data"])) == (NAME, without_blanks(given))
    record = ask(f"sync/entities/{block.id}")
    assert (record["label"], without_blanks(record["data"])) == (NAME, without_blanks(given))
    (change,) = ask(f"sync/entities/{block.id}/history")["changes"]
    told = {field["name"]: field["value"] for field in change["fields"]}
    assert without_blanks(told) == without_blanks(given) | {"label": NAME}
    pulled = ask("sync/pull?mode=changes&limit=5000")["changes"]
    (sent,) = [one for one in pulled if one["xml"].encode() == xml]
    assert {file["name"]: file["sha256"] for file in sent["attachments"]} == {
        name: sha256(body).hexdigest() for name, body in FILES.items()
    }

    whole = exported("semua", "csv.zip")
    assert exported("semua", "csv") == {"semua.csv": whole["semua.csv"]}
    rows = {one["meta-entity-label"]: one for one in table(whole["semua.csv"])}
    assert answers_of(rows[NAME]) == {**dict.fromkeys(NEVER_ASKED, ""), **given}
    assert without_blanks(answers_of(rows["Satu"])) == without_blanks(bare.entities[0].properties)
    compare_repeats_and_files(whole, rows[NAME])

    copy = cadre.own.entities[block.id]
    assert (copy.label, copy.version) == (NAME, 1)
    assert copy.properties == {**dict.fromkeys(NEVER_ASKED, ""), **given}
    again = cadre.fill("ubah", {"hal": block.id})
    (update,) = again.entities
    assert (update.update, update.create, update.base_version) == (True, False, "1")
    assert update.properties == copy.properties
    cadre.send(again.xml)
    row = village.record(block.id)
    assert (row.label, row.version, row.waiting, row.open_reviews) == (NAME, 2, 0, 0)
    assert without_blanks(row.data) == without_blanks(given)
    assert village.quarantine() == []


def compare_repeats_and_files(whole: dict[str, bytes], row: dict[str, str]) -> None:
    """The rest of an export: the rows below `row`, and its files."""
    key = row["KEY"]
    for repeat, column, wanted in (("ulang", "isi", "satu dua"), ("hitungan", "nomor", "3 4")):
        below = [one for one in table(whole[f"semua-{repeat}.csv"]) if one["PARENT_KEY"] == key]
        assert [one[column] for one in below] == wanted.split()
        assert [one["KEY"] for one in below] == [f"{key}/{repeat}[1]", f"{key}/{repeat}[2]"]
    here, named = row["AttachmentsPresent"], row["AttachmentsExpected"]
    assert (int(here), int(named)) == (len(FILES), len(FILES))
    (event,) = table(whole["semua - audit.csv"])
    assert (event["instance ID"], event["event"], event["start"]) == (key, "form start", "1")
    assert {name: body for name, body in whole.items() if name.startswith("media/")} == {
        f"media/{name}": body for name, body in FILES.items() if name != "audit.csv"
    }


def without_blanks(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


@promise("O61")
def test_one_form_makes_what_was_not_chosen_and_updates_what_was(village, cadre):
    made = cadre.fill("ubah", {})
    (block,) = made.entities
    assert (block.create, block.update, block.base_version) == (True, False, "")
    updated = cadre.fill("ubah", {"hal": block.id})  # before the other has been sent
    (second,) = updated.entities
    assert (second.create, second.update, second.base_version) == (False, True, "1")
    cadre.send(updated.xml)
    assert village.record(block.id).waiting == 1
    cadre.send(made.xml)
    row = village.record(block.id)
    assert (row.label, row.version, row.waiting) == (block.label, 2, 0)
    assert cadre.own.entities[block.id].label == block.label


@promise("O59", "O60")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_family_is_four_entities_of_three_lists(village, javarosa):
    publish_visit(village)
    phone = village.phone("a")
    phone.sync()
    known = str(uuid.uuid4())
    phone.send(phone.register(known, "Budi", nama="Budi", rt="05", posyandu="melati"))
    phone.sync()
    answers = {
        "alamat": "Melati 5 & 6",
        "nama_ibu": "Ani",
        "/data/anak[1]/nama": "Siti",
        "/data/anak[1]/ukur/di": "melati",
        "/data/anak[2]/nama": "Budi N",
        "/data/anak[2]/ukur/rt": "06",
        "/data/anak[2]/ukur/di": "melati",
        "/data/anak[2]/dipilih": known,
    }
    filled = javarosa.fill(
        phone.get("forms/keluarga.xml").data, answers, {"anak.csv": phone.anak.to_csv()}
    )
    phone.send(filled.xml)
    ids = {block.id: block for block in filled.entities}
    assert {(block.dataset, block.label) for block in ids.values()} == {
        ("rumah", "Melati 5 & 6"),
        ("ibu", "Ani"),
        ("anak", "Siti"),
        ("anak", "Budi N"),
    }
    for entity, block in ids.items():
        row = village.record(entity)
        assert (row.list_name, row.label) == (block.dataset, block.label)
        assert without_blanks(row.data) == without_blanks(block.properties)
        assert (row.version, row.waiting) == (2 if entity == known else 1, 0)
    assert village.quarantine() == []
