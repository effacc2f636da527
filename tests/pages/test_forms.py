"""Uploading a form: its messages with sheet and cell, publishing it, and who has it."""

import io
import re

import pytest

from tests.odk_forms.locker import public_key
from tests.pages.conftest import OTHER
from tests.pages.visitor import at, supervisor, text_of

ON_ONE_ENGINE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

GOOD = (
    "| settings |\n| | form_title | form_id | version |\n| | Kunjungan rumah | kunjungan | 1 |\n"
    "| survey |\n| | type | name | label |\n| | text | a | Apa? |\n"
)
BAD = GOOD.replace("| text | a |", "| text | a b |")
POLICY = (
    "| settings |\n| | form_title | form_id | version | namespaces |\n| | Lain | lain | 1 "
    '| simpul="urn:simpul:xforms" |\n| entities |\n| | list_name | label | entity_id |\n'
    "| | anak | | ${anak} |\n| survey |\n| | type | name | label | save_to | bind::simpul:merge |\n"
    "| | select_one_from_file anak.csv | anak | anak | | |\n| | text | rt | RT | rt | last |\n"
)


def upload(village, admin, text: str | bytes, name: str = "form.md", **fields):
    admin.get(at(village, "forms/new"))
    content = text.encode() if isinstance(text, str) else text
    answer = admin.post(at(village, "forms/new"), form=(io.BytesIO(content), name), **fields)
    found = re.search(r'name="upload" value="([^"]*)"', answer.text)
    return answer, found[1] if found else None


def test_a_checked_form_is_published_by_one_more_click(village, admin):
    answer, token = upload(village, admin, GOOD)
    assert answer.status_code == 200
    assert "Formulir ini bisa diterbitkan" in text_of(answer)
    assert "kunjungan" not in admin.see(at(village, "forms"))
    done = admin.post(at(village, "forms/publish"), upload=token)
    assert done.status_code == 303
    page = admin.see(done.location)
    assert "Sudah terbit: kunjungan" in page
    assert "Kunjungan rumah" in page


def test_a_broken_form_is_named_by_sheet_and_cell(village, admin):
    answer, token = upload(village, admin, BAD)
    assert answer.status_code == 400
    assert token is None
    page = text_of(answer)
    assert "form.md belum bisa diterbitkan" in page
    assert "lembar survey" in page
    assert "survey!B2" in page
    assert "Harus diperbaiki" in page


def test_what_is_no_form_at_all_is_refused_kindly(village, admin):
    for name in ("form.xlsx", "form.xls", "form.xml", "form.txt"):
        answer, token = upload(village, admin, b"\x00\x01nonsense<", name)
        assert answer.status_code == 400, name
        assert token is None
        assert "Harus diperbaiki" in text_of(answer)
    admin.get(at(village, "forms/new"))
    assert admin.post(at(village, "forms/new")).status_code == 400


def test_a_version_with_another_content_is_not_published(village, admin):
    _, token = upload(village, admin, GOOD)
    admin.post(at(village, "forms/publish"), upload=token)
    _, token = upload(village, admin, GOOD.replace("Apa?", "Apa lagi?"))
    answer = admin.post(at(village, "forms/publish"), upload=token)
    assert answer.status_code == 409
    assert "settings!" in text_of(answer)


def test_another_policy_is_published_only_when_meant(village, admin):
    _, token = upload(village, admin, POLICY)
    asked = admin.post(at(village, "forms/publish"), upload=token)
    assert asked.status_code == 400
    assert "Ya, ubah aturan" in text_of(asked)
    assert "Lain" not in admin.see(at(village, "forms"))
    done = admin.post(at(village, "forms/publish"), upload=token, confirm="on")
    assert done.status_code == 303
    assert "Lain" in admin.see(at(village, "forms"))


def test_files_of_a_form_come_with_it(village, admin):
    form = GOOD.replace("| label |", "| label | media::image |").replace(
        "Apa? |", "Apa? | gambar.png |"
    )
    _, token = upload(village, admin, form)
    missing = admin.post(at(village, "forms/publish"), upload=token)
    assert "masih memerlukan berkas: gambar.png" in admin.see(missing.location)
    picture = (io.BytesIO(b"\x89PNG"), "gambar.png")
    _, token = upload(village, admin, form, attachments=picture)
    done = admin.post(at(village, "forms/publish"), upload=token)
    assert "masih memerlukan" not in admin.see(done.location)


def test_only_what_was_uploaded_here_can_be_published(village, admin):
    answer = admin.post(at(village, "forms/publish"), upload="made up")
    assert answer.status_code == 400
    _, token = upload(village, admin, GOOD)
    elsewhere = admin.post("/projects", name="Lain").location.removesuffix("/board")
    assert admin.post(f"{elsewhere}/forms/publish", upload=token).status_code == 400


def test_a_form_is_closed_and_opened_on_its_own_page(village, admin, euis):
    page = at(village, "form?form=daftar")
    assert "Ditutup perlahan" in admin.see(page)
    assert checked_state(admin, page) == "open"
    done = admin.post(at(village, "form/state"), form="daftar", state="closed")
    assert done.status_code == 303
    assert "Formulir ditutup." in admin.see(done.location)
    assert checked_state(admin, page) == "closed"
    assert "Ditutup" in admin.see(at(village, "forms"))
    assert (
        euis.post(euis.register(OTHER, "Dewi", nama="Dewi", posyandu="melati")).status_code == 202
    )

    done = admin.post(at(village, "form/state"), form="daftar", state="open")
    assert "sudah diterima" in admin.see(done.location)
    assert village.shown(OTHER)["nama"] == "Dewi"


def checked_state(visitor, page: str) -> str:
    return re.search(r'value="(\w+)"[^>]* checked', visitor.get(page).text)[1]


@ON_ONE_ENGINE
def test_only_a_manager_closes_a_form_and_only_one_that_is_there(village, admin):
    admin.get(at(village, "form?form=daftar"))
    for fields, status in (
        ({"form": "daftar", "state": "shut"}, 400),
        ({"form": "daftar"}, 400),
        ({"form": "tidak", "state": "closed"}, 404),
        ({"form": "daftar", "state": "closed", "token": "made up"}, 403),
    ):
        assert admin.post(at(village, "form/state"), **fields).status_code == status, fields
    bidan = supervisor(village)
    assert "Ditutup perlahan" not in bidan.see(at(village, "form?form=daftar"))
    answer = bidan.post(at(village, "form/state"), form="daftar", state="closed")
    assert answer.status_code == 403
    assert admin.get(at(village, "form?form=tidak")).status_code == 404
    assert admin.get(at(village, "form")).status_code == 404
    assert checked_state(admin, at(village, "form?form=daftar")) == "open"


@ON_ONE_ENGINE
def test_a_form_that_phones_encrypt_says_so(village, admin):
    secret = GOOD.replace("| version |", "| version | public_key |")
    secret = secret.replace("| 1 |", f"| 1 | {public_key('bidan')} |")
    _, token = upload(village, admin, secret)
    admin.post(at(village, "forms/publish"), upload=token)
    assert "Terenkripsi" in admin.see(at(village, "form?form=kunjungan"))
    assert "Terenkripsi" not in admin.see(at(village, "form?form=daftar"))
