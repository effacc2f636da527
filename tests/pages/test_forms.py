"""Uploading a form: its messages with sheet and cell, publishing it, and who has it."""

import io
import re

from tests.pages.visitor import at, text_of

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
