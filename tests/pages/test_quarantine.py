"""Quarantine: what and why in plain words, its bytes as text, tried again or set aside."""

import pytest

from sync_server.publishing import publish
from tests.pages.visitor import at, supervisor, text_of

VISIT = "kunjungan_rumah"
XML = (
    b"<data id='kunjungan_rumah' version='1'><a>&lt;script&gt;</a><!--<b>-->"
    b"<meta><instanceID>uuid:1</instanceID></meta></data>"
)
FORM = (
    "| settings |\n| | form_title | form_id | version |\n| | Kunjungan | kunjungan_rumah | 1 |\n"
    "| survey |\n| | type | name | label |\n| | text | a | a |\n"
)


@pytest.fixture
def kept(village):
    euis = village.phone("Ibu Euis")
    assert euis.post(XML).status_code in (201, 202)
    return village.quarantine()[0]


@pytest.fixture
def path(village, kept) -> str:
    return at(village, f"quarantine/{kept.quarantine_id}")


def test_the_list_says_why_and_from_whom(village, admin, kept):
    page = admin.see(at(village, "quarantine"))
    assert "Formulir ini belum diterbitkan di sini" in page
    assert "Ibu Euis" in page
    assert "Karantina 1" in page


def test_the_bytes_are_text_and_never_a_page(village, admin, path):
    page = admin.get(path)
    assert "&lt;a&gt;&amp;lt;script&amp;gt;&lt;/a&gt;&lt;!--&lt;b&gt;--&gt;" in page.text
    raw = admin.get(f"{path}/raw")
    assert raw.data == XML
    assert raw.mimetype == "application/octet-stream"
    assert raw.headers["Content-Disposition"].startswith("attachment")
    assert raw.headers["X-Content-Type-Options"] == "nosniff"


def test_what_still_cannot_be_used_stays(village, admin, path):
    admin.get(path)
    answer = admin.post(f"{path}/retry")
    assert answer.status_code == 303
    assert "masih belum bisa dipakai" in admin.see(answer.location)
    assert village.quarantine()[0].state == "open"


def test_once_its_form_is_published_it_is_taken_in(village, admin, path):
    with village.app.app_context():
        publish.publish(
            village.project.id, FORM.encode(), "f.md", by=village.admin, clock=village.clock
        )
    assert village.quarantine()[0].state == "resolved"
    assert "Sudah diterima pada" in admin.see(path)
    assert admin.post(f"{path}/retry").status_code == 400


def test_what_is_set_aside_keeps_its_bytes(village, admin, path):
    admin.get(path)
    assert admin.post(f"{path}/discard").status_code == 303
    assert "Disisihkan pada" in admin.see(path)
    assert admin.get(f"{path}/raw").data == XML
    assert "Ibu Euis" not in admin.see(at(village, "quarantine"))
    assert "Ibu Euis" in admin.see(at(village, "quarantine?state=discarded"))
    assert admin.post(f"{path}/discard").status_code == 400


def test_a_supervisor_looks_and_does_not_act(village, path):
    bidan = supervisor(village, posyandu="melati")
    page = bidan.get(path)
    assert page.status_code == 200
    assert "Coba lagi" not in text_of(page)
    assert bidan.post(f"{path}/retry").status_code == 403
    assert bidan.post(f"{path}/discard").status_code == 403
    stranger = supervisor(village, "dua@example.org", posyandu="mawar")
    assert stranger.get(path).status_code == 404
    assert stranger.get(f"{path}/raw").status_code == 404
    assert "Ibu Euis" not in stranger.see(at(village, "quarantine"))


def test_broken_xml_is_said_in_plain_words(village, admin):
    village.phone("Ibu Euis").post(b"<data id='x'><")
    assert "XML-nya rusak" in admin.see(at(village, "quarantine"))
