"""What a program learns first."""

import pytest

from tests.support.api import Api
from tests.support.promises import promise


@promise("P12")
def test_info_says_who_this_is_and_how_lists_are_merged(admin, village, sync):
    info = admin.done("GET", f"{sync}/info")
    assert info["protocol"] == 1
    assert info["project"] == village.project.uuid
    assert info["node"] == village.project.node
    assert info["epoch"] != info["node"]
    assert info["serverTime"] == "2026-11-21T03:00:00.000Z"
    assert info["limits"] == {"maxItems": 500, "maxBytes": 1048576, "maxRawBytes": 8388608}
    (anak,) = info["lists"]
    found = {one["name"]: one for one in anak["properties"]}
    assert anak["name"] == "anak"
    assert found["bb"] == {"name": "bb", "policy": "latest(tgl)", "phone": True}
    assert found["nik"] == {"name": "nik", "policy": "first", "phone": False}


@promise("P1", "P2")
def test_a_device_reads_it_with_its_token_either_way(village, sync, phones):
    phone = phones[0]
    assert Api(village.client, phone.token).get(f"{sync}/info").status_code == 200
    assert Api(village.client).get(f"/key/{phone.token}{sync}/info").status_code == 200
    assert Api(village.client).get(f"/key/{'x' * 64}{sync}/info").status_code == 403
    other = sync.replace("/1/", "/2/") if "/1/" in sync else "/projects/77/sync"
    assert Api(village.client).get(f"/key/{phone.token}{other}/info").status_code == 403


@pytest.mark.parametrize("path", ["info", "devices", "reviews", "quarantine", "entities/x/history"])
@promise("P9")
def test_strangers_and_data_collectors_read_nothing(admin, village, sync, phones, path):
    fill = admin.person("f@example.org", "formfill", village.project.id)
    assert fill.get(f"{sync}/{path}").status_code == 403
    assert Api(village.client).get(f"{sync}/{path}").status_code == 401
    if path != "info":
        assert Api(village.client, phones[0].token).get(f"{sync}/{path}").status_code == 401
