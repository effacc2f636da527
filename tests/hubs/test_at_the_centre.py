"""What nobody alters at a hub: its forms, lists and devices are those of its centre."""

import pytest

from odk_forms import packs
from sync_server.accounts import devices
from sync_server.db import read_transaction
from sync_server.errors import AtTheCentre
from sync_server.publishing.packs import install_pack
from sync_server.stores.people import list_app_users
from tests.hubs.test_setup import WITH_PICTURE
from tests.pages.visitor import Visitor, at
from tests.support.api import administrator
from tests.support.promises import promise
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

# Nothing of this is for the database to decide.
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture
def paired(hub, centre):
    centre.phone("A")
    hub.pair("Tanjung", posyandu="melati")
    return hub


@promise("P115")
@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "app-users", {"displayName": "Bu Ani"}),
        ("PATCH", "app-users/{phone}", {"displayName": "Bu Ani"}),
        ("PATCH", "app-users/{phone}", {"properties": {"posyandu": "mawar"}}),
        ("POST", "actor-properties", {"name": "desa"}),
        ("POST", "datasets", {"name": "ibu"}),
        ("POST", "datasets/anak/properties", {"name": "alamat"}),
        ("PATCH", "datasets/anak/properties/rt", {"policy": "last"}),
        ("PATCH", "datasets/anak/properties/rt", {"phone": False}),
        ("PATCH", "datasets/anak", {"accessFilter": None}),
        ("PATCH", "forms/ukur", {"state": "closed"}),
        ("POST", "forms?publish=true&ignoreWarnings=true", WITH_PICTURE.format(version="1")),
    ],
)
def test_what_the_centre_says_is_not_altered_at_a_hub(paired, method, path, sent):
    manager = administrator(paired.village.client)
    (phone,) = phones(paired)
    where = f"/projects/{paired.project}/{path.format(phone=phone.actor_id)}"
    if isinstance(sent, str):
        markdown = {"Content-Type": "text/markdown", "X-XlsForm-FormId-Fallback": "gambar"}
        answer = manager.call(method, where, data=sent, headers=markdown)
    else:
        answer = manager.call(method, where, sent)
    assert (answer.status_code, answer.json["code"]) == (409, 409.55), answer.json
    assert answer.json["details"] == {"url": "http://centre.test"}
    assert "do this at http://centre.test" in answer.json["message"]
    assert phones(paired) == [phone]
    paired.relay()


def phones(hub):
    with hub.app.app_context(), read_transaction() as connection:
        return list(list_app_users(connection, hub.project))


def test_no_pack_is_put_into_a_hub(paired, clock):
    with paired.app.app_context(), pytest.raises(AtTheCentre):
        install_pack(paired.project, packs.load("posyandu"), by=None, clock=clock)


def test_pages_of_a_hub_offer_nothing_that_is_refused(centre, paired):
    hub = Visitor(paired.app).log_in(ADMIN_EMAIL, ADMIN_PASSWORD)
    there = Visitor(centre.app).log_in(ADMIN_EMAIL, ADMIN_PASSWORD)
    told = "Server ini adalah hub. Formulir, daftar, dan HP kader diatur di pusatnya"
    for page, offered in (
        ("forms", "Terbitkan formulir"),
        ("devices", "Tambah HP kader"),
        ("form?form=ukur", "Ditutup perlahan"),
    ):
        here = hub.see(at(paired.village, page))
        if "?" not in page:
            assert f"{told}, http://centre.test, lalu datang ke sini dengan sendirinya." in here
        assert offered not in here
        assert offered in there.see(at(centre, page))
        assert told not in there.see(at(centre, page))
    for answer in (
        hub.get(at(paired.village, "forms/new")),
        hub.get(at(paired.village, "draft?form=ukur")),
        hub.post(at(paired.village, "devices"), name="Bu Ani"),
        hub.post(at(paired.village, "form/state"), form="ukur", state="closed"),
    ):
        assert answer.status_code == 409
        assert "Ini dilakukan di pusat" in answer.text
        assert "http://centre.test" in answer.text


def test_a_phone_lost_in_the_village_is_kept_out_of_the_hub_whatever_the_centre_says(
    centre, paired, clock
):
    (phone,) = phones(paired)
    with paired.app.app_context():
        devices.revoke_app_user(paired.project, phone.actor_id, by=None, clock=clock)
    centre.phone("B")  # alters what the hub is set up with
    assert paired.relay().devices == 1
    assert [row.revoked_at is None for row in phones(paired)] == [False, True]
