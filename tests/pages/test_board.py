"""The sync board: what is known of each device, worst first, and what is not known."""

import re

import pytest

from sync_server.publishing import publish
from tests.pages.conftest import CHILD
from tests.pages.visitor import administrator, at, text_of
from tests.scenarios.posyandu import form
from tests.support.statements import counted


def flush(village) -> None:
    with village.app.app_context():
        village.app.extensions["simpul"].contacts.flush()


def rows(page: str) -> dict[str, str]:
    """The text of each device's row, by its name, in the order of the board."""
    body = page.split("<tbody", 1)[1].split("</tbody>")[0]
    found = {}
    for row in body.split("<tr ")[1:]:
        text = " ".join(re.sub(r"<[^>]*>", " ", row.partition(">")[2]).split())
        found[text.split()[0]] = text
    return found


def test_a_board_tells_each_device_worst_first(village, euis):
    village.phone("Nunung")
    euis.get("forms/ukur.xml", **{"User-Agent": "org.odk.collect.android/v2026.2.4 Dalvik/2.1.0"})
    flush(village)
    village.clock.pass_days(20)
    yayah = village.phone("Yayah")
    yayah.send(yayah.register("7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e03", "Ani", posyandu="melati"))
    flush(village)
    page = administrator(village.app).get(at(village, "board")).text
    found = rows(page)
    assert list(found) == ["Euis", "Nunung", "Yayah"]
    assert "Terlambat" in found["Euis"]
    assert "20 hari lalu" in found["Euis"]
    assert "2026.2.4" in found["Euis"]
    assert "Belum pernah" in found["Nunung"]
    assert "belum diketahui" in found["Nunung"]
    assert "Sehat" in found["Yayah"]
    assert "baru saja" in found["Yayah"]


def test_a_device_with_an_old_form_needs_a_look(village, euis, admin):
    euis.get("forms/daftar.xml")
    euis.get("forms/ukur.xml")
    flush(village)
    assert "terbaru" in rows(admin.get(at(village, "board")).text)["Euis"]
    newer = form("ukur", "update").replace("| ukur | ukur | 1 |", "| ukur | ukur | 2 |")
    with village.app.app_context():
        publish.publish(
            village.project.id, newer.encode(), "ukur.md", by=village.admin, clock=village.clock
        )
    row = rows(admin.get(at(village, "board")).text)["Euis"]
    assert "Perlu dicek" in row
    assert "1 → 2" in row
    assert "tertinggal 1 versi" in row
    assert "sudah dikirim ke HP" in row
    forms = admin.see(at(village, "forms"))
    assert "0 dari 1 HP memegang versi terbaru" in forms
    assert "1 dari 1 HP memegang versi terbaru" in forms


def test_the_version_of_the_last_submission_is_said_to_be_used(village, euis, admin):
    assert "terbaru, sejauh diketahui" in rows(admin.get(at(village, "board")).text)["Euis"]


def test_what_needs_a_person_is_counted_for_its_device(village, disputed, admin):
    euis = village.phone("Cucu")
    euis.post(b"<data id='none'><meta><instanceID>uuid:x</instanceID></meta></data>")
    flush(village)
    page = admin.get(at(village, "board")).text
    for name, label in (("Euis", "Perlu dicek"), ("Neneng", "Perlu dicek"), ("Cucu", "Karantina")):
        row = page.split(f">{name}<")[1].split("</tr>")[0]
        assert f'some" data-label="{label}">1<' in row, name


def test_a_board_is_searched_and_filtered(village, euis, admin):
    village.phone("Nunung", "mawar")
    flush(village)
    assert list(rows(admin.get(at(village, "board?q=MAWAR")).text)) == ["Nunung"]
    assert list(rows(admin.get(at(village, "board?health=never")).text)) == ["Nunung"]
    assert "Tidak ada HP yang cocok" in admin.see(at(village, "board?q=zzz"))
    assert admin.get(at(village, "board?page=nonsense&health=nonsense")).status_code == 200


def test_names_are_shown_and_never_obeyed(village, admin):
    euis = village.phone("<script>alert(1)</script>", "<b>melati")
    euis.send(euis.register(CHILD, "<i>Siti</i>", nama='"><img src=x>', posyandu="<b>melati"))
    for tab in ("board", "devices", "lists/anak", f"records/{CHILD}", "forms"):
        page = admin.get(at(village, tab)).text
        for forbidden in ("<script", "<b>melati", "<i>Siti", "<img"):
            assert forbidden not in page, (tab, forbidden)
    assert "<script>alert(1)</script>" in text_of(admin.get(at(village, "board")))


@pytest.mark.parametrize("tab", ["board", "forms", "lists/anak", "reviews", "quarantine"])
def test_the_number_of_statements_does_not_grow(village, euis, admin, tab):
    def more(numbers: range) -> None:
        for n in numbers:
            phone = village.phone(f"Kader {n}")
            phone.send(phone.register(f"7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7f{n:02}", posyandu="m"))
            phone.post(b"<data id='none'><meta><instanceID>uuid:%d</instanceID></meta></data>" % n)
        flush(village)

    more(range(1))
    few = counted(village.app, lambda: admin.get(at(village, tab)))
    more(range(1, 12))
    assert counted(village.app, lambda: admin.get(at(village, tab))) <= few
