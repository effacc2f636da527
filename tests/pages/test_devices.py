"""Making a cadre's device, its card, and letting it in no more."""

import base64
import json
import re
import zlib

import pytest

from conflict.areas import Rule
from conflict.types import Change, Op
from odk_forms.collect import qr_svg, qr_text
from sync_server.accounts import devices
from sync_server.intake.arrival import Author, SentChange
from sync_server.intake.ingest import ingest
from sync_server.publishing import lists
from tests.pages.visitor import at, text_of


def add(village, admin, name: str = "Ibu Euis", **fields: str) -> str:
    """Add a device on the page; the path of its card."""
    admin.get(at(village, "devices"))
    answer = admin.post(at(village, "devices"), name=name, **fields)
    assert answer.status_code == 303, text_of(answer)
    return str(answer.location)


def settings_on(village, actor_id: int) -> dict:
    with village.app.app_context():
        return devices.phone_settings(
            village.project.id,
            actor_id,
            base_url="http://localhost",
            secret_key=village.app.extensions["simpul"].settings.secret_key,
        )


def test_a_new_device_gets_a_card_that_a_phone_can_use(village, admin):
    path = add(village, admin, **{"property.posyandu": "melati"})
    page = admin.get(path)
    assert page.status_code == 200
    for words in ("Ibu Euis", "melati", "Pasang ODK Collect", "arahkan kamera"):
        assert words in text_of(page)
    actor = int(re.search(r"devices/(\d+)/card", path)[1])
    wanted = settings_on(village, actor)
    text = qr_text(wanted)
    assert qr_svg(text) in page.text
    carried = json.loads(zlib.decompress(base64.b64decode(text)))
    base = carried["general"]["server_url"].removeprefix("http://localhost")
    assert village.client.get(f"{base}/formList").status_code == 200


def test_all_cards_stand_on_one_sheet(village, admin):
    for name in ("Ibu Euis", "Ibu Yayah"):
        village.phone(name)
    page = admin.get(at(village, "devices/cards"))
    assert page.text.count('class="qr"') == 2
    assert page.text.count("<svg") >= 3


def test_a_device_needs_a_name(village, admin):
    admin.get(at(village, "devices"))
    assert admin.post(at(village, "devices"), name="  ").status_code == 400


def test_what_a_device_may_belong_to_is_chosen_from_its_list(village, admin):
    with village.app.app_context():
        lists.add_list(village.project.id, "posyandu", by=village.admin, clock=village.clock)
        for name in ("kode", "nama"):
            lists.add_property(
                village.project.id, "posyandu", name, by=village.admin, clock=village.clock
            )
        rules = [Rule("kode", "posyandu")]
        lists.set_access_filter(
            village.project.id, "posyandu", rules, by=village.admin, clock=village.clock
        )
        melati = Change(
            change_id=village.clock.new_id(),
            list_name="posyandu",
            entity="7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7eff",
            op=Op.CREATE,
            label="Melati (Sukamaju)",
            data={"kode": "01"},
        )
        author = Author(village.admin, may_decide=True)
        ingest(village.project, [SentChange(melati)], author=author, clock=village.clock)
    page = admin.get(at(village, "devices")).text
    assert '<option value="01">Melati (Sukamaju) (01)</option>' in page
    card = admin.see(add(village, admin, **{"property.posyandu": "01"}))
    assert "Melati (Sukamaju)" in card
    assert "Melati (Sukamaju)" in admin.see(at(village, "board"))


def test_a_revoked_device_is_let_in_no_more(village, admin):
    phone = village.phone("Ibu Euis")
    assert phone.get("formList").status_code == 200
    admin.get(at(village, "devices"))
    answer = admin.post(at(village, f"devices/{phone.actor_id}/revoke"))
    assert answer.status_code == 303
    assert "Izin HP sudah dicabut" in admin.see(answer.location)
    assert "Ibu Euis" not in admin.see(at(village, "devices"))
    assert admin.get(at(village, f"devices/{phone.actor_id}/card")).status_code == 404
    assert phone.get("formList").status_code == 403


def test_a_new_card_is_for_the_same_account_and_the_old_one_stops(village, admin):
    phone = village.phone("Ibu Euis")
    before = settings_on(village, phone.actor_id)
    assert settings_on(village, phone.actor_id) == before
    admin.get(at(village, "devices"))
    answer = admin.post(at(village, f"devices/{phone.actor_id}/rotate"))
    assert answer.location == at(village, f"devices/{phone.actor_id}/card")
    after = settings_on(village, phone.actor_id)
    assert qr_svg(qr_text(after)) in admin.get(answer.location).text
    assert phone.get("formList").status_code == 403
    base = after["general"]["server_url"].removeprefix("http://localhost")
    assert village.client.get(f"{base}/formList").status_code == 200
    refused = phone.post(phone.register("7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7eaa", "Siti"))
    assert refused.status_code == 403
    assert [row.code for row in village.quarantine()] == ["revoked_device"]


def test_another_kind_of_place_is_added_when_there_is_none(village, admin):
    admin.get("/?all=1")
    made = admin.post("/projects", name="Proyek baru").location
    project = made.removesuffix("/board")
    page = admin.get(f"{project}/devices").text
    assert "actor-properties" in page
    assert admin.post(f"{project}/actor-properties", name="desa").status_code == 303
    assert "property.desa" in admin.get(f"{project}/devices").text
    assert admin.post(f"{project}/actor-properties", name="not a name").status_code == 400


@pytest.mark.parametrize("path", ["devices/999/card", "devices/999999999999/card"])
def test_a_card_of_nobody_is_not_there(village, admin, path):
    assert admin.get(at(village, path)).status_code == 404
