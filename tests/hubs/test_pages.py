"""What people see of hubs, at the centre and at the hub itself."""

import re
import uuid

import pytest

from tests.pages.visitor import Visitor, at
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


def logged_in(app) -> Visitor:
    return Visitor(app).log_in(ADMIN_EMAIL, ADMIN_PASSWORD)


def test_a_manager_invites_a_hub_and_sees_when_it_was_heard(centre, hub):
    admin, path = logged_in(centre.app), at(centre, "hubs")
    assert "Belum ada hub." in admin.see(path)
    fields = {"name": "Tanjung", "property.posyandu": "melati"}
    answer = admin.post(path, **fields)
    code = re.search(r"simpul hub pair \S+ ([A-Z0-9-]+)<", answer.text)[1]
    assert "diundang, belum dipasangkan" in admin.see(path)
    hub.pair_by(code)
    page = admin.see(path)
    assert "Tanjung" in page
    assert code not in page
    assert "baru saja" in page
    (actor_id,) = re.findall(r"hubs/(\d+)/revoke", admin.get(path).text)
    assert admin.post(f"{path}/{actor_id}/revoke").status_code == 303
    assert "Izin dicabut" in admin.see(path)


def test_a_hub_says_what_waits_and_when_it_last_sent(centre, hub, line):
    phone = centre.phone("A")
    hub.pair("Tanjung", posyandu="melati")
    here, child = hub.phone(phone), str(uuid.uuid4())
    admin, board = logged_in(hub.app), at(hub.village, "board")
    assert "0 kiriman menunggu , belum ada yang terkirim" in admin.see(board)
    here.send(here.register(child, posyandu="melati"))
    assert "1 kiriman menunggu" in admin.see(board)
    hub.relay()
    page = admin.see(board)
    assert "0 kiriman menunggu , terakhir terkirim hari ini 10.00" in page
    assert "Server ini adalah hub Tanjung dari http://centre.test." in page


def test_a_records_page_at_the_centre_names_the_hub(centre, hub):
    phone = centre.phone("A")
    hub.pair("Tanjung", posyandu="melati")
    here, child = hub.phone(phone), str(uuid.uuid4())
    here.send(here.register(child, posyandu="melati"))
    hub.relay()
    page = logged_in(centre.app).see(at(centre, f"records/{child}"))
    assert "di hub Tanjung 21 Nov 2026 10.00" in page
    assert "lewat hub Tanjung" in logged_in(centre.app).see(at(centre, "board"))


def test_what_came_from_the_centre_does_not_wait(centre, hub):
    phone = centre.phone("A")
    hub.pair("Tanjung", posyandu="melati")
    phone.send(phone.register(str(uuid.uuid4()), posyandu="melati"))
    hub.relay(sends=False)
    assert "0 kiriman menunggu" in logged_in(hub.app).see(at(hub.village, "board"))
