"""A form is kept as a draft from its checked page, tried on a phone, published or deleted."""

import base64
import html
import io
import json
import re
import zlib

import pytest

from odk_forms import collect
from sync_server.models.records import RecordRow
from tests.pages.test_forms import GOOD, ON_ONE_ENGINE, POLICY, upload
from tests.pages.visitor import at, supervisor, text_of

PICTURE = GOOD.replace("| label |", "| label | media::image |").replace(
    "Apa? |", "Apa? | gambar.png |"
)


@pytest.fixture
def keep(village, admin):
    """`keep(form, …)`: what keeping an uploaded form as a draft answers."""

    def keep(text=GOOD, **fields):
        _, token = upload(village, admin, text, **fields)
        return admin.post(at(village, "forms/draft"), upload=token)

    return keep


@pytest.fixture
def codes(monkeypatch):
    """The settings of every QR code that is drawn."""
    drawn, text = [], collect.qr_svg

    def draw(wanted):
        drawn.append(json.loads(zlib.decompress(base64.b64decode(wanted))))
        return text(wanted)

    monkeypatch.setattr("sync_server.publishing.trials.qr_svg", draw)
    return drawn


def test_a_draft_is_tried_on_a_phone_and_published(village, admin, keep, codes):
    answer, token = upload(village, admin, GOOD)
    assert "Simpan sebagai draf" in text_of(answer)
    kept = admin.post(at(village, "forms/draft"), upload=token)
    assert kept.status_code == 303
    page = admin.see(kept.location)
    assert "Tersimpan sebagai draf" in page
    assert "Dicoba belum" in page
    assert "Pertanyaan 1" in page
    assert "Kunjungan rumah" in admin.see(at(village, "forms"))
    assert "kunjungan" not in village.phone("Euis").get("formList").text

    url = html.unescape(re.search(r"<code>(http[^<]*)</code>", admin.get(kept.location).text)[1])
    assert codes[-1]["general"]["server_url"] == url
    assert codes[-1]["project"]["name"] == "Uji coba: Kunjungan rumah"
    path = url.removeprefix("http://localhost")
    assert village.client.get(f"{path}/formList").text.count("<formID>kunjungan<") == 1
    filled = b"<data id='kunjungan'><a>x</a><meta><instanceID>uuid:1</instanceID></meta></data>"
    parts = {"xml_submission_file": (io.BytesIO(filled), "form.xml", "text/xml")}
    assert village.client.post(f"{path}/submission", data=parts).status_code == 201
    assert "Dicoba 1 kali" in admin.see(kept.location)
    assert village._rows(RecordRow) == []

    done = admin.post(at(village, "draft/publish"), form="kunjungan", version="2026112101")
    assert done.status_code == 303
    listed = admin.see(done.location)
    assert "Sudah terbit: kunjungan" in listed
    assert "Draf" not in listed
    assert "<version>2026112101<" in village.phone("Neneng").get("formList").text
    assert village.client.get(f"{path}/formList").status_code == 404
    assert admin.get(kept.location).status_code == 404


@ON_ONE_ENGINE
def test_a_draft_is_deleted_and_what_is_published_stays(village, admin, keep):
    _, token = upload(village, admin, GOOD)
    admin.post(at(village, "forms/publish"), upload=token)
    kept = keep(GOOD.replace("| 1 |", "| 2 |"))
    assert "untuk dicoba atau diterbitkan" in admin.see(at(village, "form?form=kunjungan"))
    done = admin.post(at(village, "draft/delete"), form="kunjungan")
    assert "Draf sudah dihapus" in admin.see(done.location)
    assert admin.get(kept.location).status_code == 404
    assert "untuk dicoba" not in admin.see(at(village, "form?form=kunjungan"))
    assert admin.post(at(village, "draft/delete"), form="kunjungan").status_code == 404


@ON_ONE_ENGINE
def test_a_draft_that_cannot_be_published_stays_and_is_told_another_version(village, admin, keep):
    _, token = upload(village, admin, GOOD)
    admin.post(at(village, "forms/publish"), upload=token)
    keep(GOOD.replace("Apa?", "Apa lagi?"))
    refused = admin.post(at(village, "draft/publish"), form="kunjungan", version="1")
    assert refused.status_code == 409
    assert "belum bisa diterbitkan" in text_of(refused)
    version = re.search(r'name="version" value="([^"]*)"', refused.text)[1]
    assert version.startswith("2026")
    done = admin.post(at(village, "draft/publish"), form="kunjungan", version=version)
    assert done.status_code == 303


@ON_ONE_ENGINE
def test_a_draft_alters_the_rule_of_a_list_only_when_that_is_meant(village, admin, keep):
    keep(POLICY)
    asked = admin.post(at(village, "draft/publish"), form="lain")
    assert asked.status_code == 400
    assert "Ya, ubah aturan" in text_of(asked)
    assert "Draf" in admin.see(at(village, "forms"))
    done = admin.post(at(village, "draft/publish"), form="lain", confirm="on")
    assert done.status_code == 303


@ON_ONE_ENGINE
def test_a_draft_has_the_files_that_came_with_it(village, admin, keep):
    assert "gambar.png belum ada" in admin.see(keep(PICTURE).location)
    kept = keep(PICTURE, attachments=(io.BytesIO(b"\x89PNG"), "gambar.png"))
    assert "gambar.png belum ada" not in admin.see(kept.location)
    other = keep(GOOD, attachments=(io.BytesIO(b"x"), "lain.png"))
    assert (other.status_code, "lain.png" in text_of(other)) == (400, True)
    done = admin.post(at(village, "draft/publish"), form="kunjungan")
    assert "masih memerlukan" not in admin.see(done.location)


@ON_ONE_ENGINE
def test_drafts_are_for_managers(village, admin, keep):
    kept = keep()
    bidan = supervisor(village)
    assert "Draf" not in bidan.see(at(village, "forms"))
    assert bidan.get(kept.location).status_code == 403
    for path in ("forms/draft", "draft/publish", "draft/delete"):
        assert bidan.post(at(village, path), form="kunjungan").status_code == 403, path
        refused = admin.post(at(village, path), token="made up", form="kunjungan")
        assert refused.status_code == 403, path
    assert admin.post(at(village, "forms/draft"), upload="made up").status_code == 400
    assert admin.post(at(village, "draft/publish"), form="tidak").status_code == 404
    assert admin.get(at(village, "draft")).status_code == 404
    assert admin.see(kept.location)


@ON_ONE_ENGINE
def test_a_draft_that_nobody_saw_here_is_neither_published_nor_deleted(village, admin, keep):
    seen = admin.get(keep().location).text
    shown = {"form": "kunjungan", "hash": re.search(r'name="hash" value="(\w+)"', seen)[1]}
    another = keep(GOOD.replace("Apa?", "Apa lagi?")).location
    for act in ("publish", "delete"):
        answer = admin.post(at(village, f"draft/{act}"), **shown)
        assert answer.status_code == 409
        assert "ada draf lain yang disimpan" in text_of(answer)
    assert "kunjungan" not in village.phone("Euis").get("formList").text
    assert admin.get(another).status_code == 200
