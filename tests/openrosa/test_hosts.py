"""The addresses that are given out, by the host that a request names and no setting does."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from sync_server.app import create_app
from sync_server.db import db
from tests.openrosa.asking import A_FORM, REFUSED, Told, check
from tests.support.api import administrator
from tests.support.promises import promise

pytestmark = pytest.mark.parametrize("posyandu", ["sqlite"], indirect=True)

NO_HOSTS = (
    "",
    " ",
    "a b",
    'a"b',
    "a<b>",
    "a&b",
    "a'b",
    "a/b",
    "a?b",
    "a#b",
    "a@b",
    "a\\b",
    "simpul.example:",
    "simpul.example:0",
    "simpul.example:99999",
    "simpul.example:8000:1",
    "posyandu.désa",
    "[::1",
    "{a}",
)
HOSTS = (
    "simpul.example.go.id",
    "SIMPUL.example",
    "192.168.1.5:8000",
    "[fe80::1]:8000",
    "xn--psyandu-90a.example:8443",
)


def ask(posyandu, host, path="formList", method="GET", **more):
    where = path if path.startswith("/") else f"{posyandu.phone.base}/{path}"
    raw = {"HTTP_HOST": host.encode().decode("latin-1")}
    return posyandu.village.client.open(where, method=method, environ_overrides=raw, **more)


@promise("O8", "O12")
@pytest.mark.parametrize("host", NO_HOSTS)
def test_no_address_is_made_of_a_host_that_is_none(posyandu, host):
    for path in ("formList", "forms/ukur/versions/1/manifest"):
        refused = ask(posyandu, host, path)
        check(refused, Told(400, REFUSED, has=("Permintaan tidak dapat dilayani.",)))
    assert "Location" not in ask(posyandu, host, "submission", "HEAD").headers
    sent = ask(posyandu, host, "submission", "POST", **A_FORM)
    assert sent.status_code == 201  # nothing is lost for it
    assert ask(posyandu, host, "forms/ukur/versions/1.xml").status_code == 200


@promise("O12")
@pytest.mark.parametrize("host", HOSTS)
def test_a_host_stands_in_addresses_as_the_phone_wrote_it(posyandu, host):
    told = ask(posyandu, host).text
    addresses = re.findall("<(?:download|manifest)Url>(.*?)<", told)
    assert addresses
    for address in addresses:
        assert address.startswith(f"http://{host}{posyandu.phone.base}/")
    location = ask(posyandu, host, "submission", "HEAD").headers["Location"]
    assert location == f"http://{host.lower()}{posyandu.phone.base}/submission"


@promise("O12")
def test_a_public_address_makes_any_host_do(posyandu):
    village = posyandu.village
    here = village.app.extensions["simpul"]
    app = create_app(replace(here.settings, public_url="https://simpul.example"))
    asked = replace(posyandu, village=replace(village, app=app, client=app.test_client()))
    told = ask(asked, "a<b>")
    assert (told.status_code, "<downloadUrl>https://simpul.example/v1/" in told.text) == (200, True)
    with app.app_context():
        db.engine.dispose()


def test_no_card_is_printed_for_a_host_that_is_none(posyandu):
    admin = administrator(posyandu.village.client)
    made = posyandu.phone.actor_id
    path = f"/projects/{posyandu.village.project.id}/app-users/{made}/settings"
    assert "http://localhost/v1/key/" in admin.get(path).text
    for host in NO_HOSTS:
        answer = admin.get(path, environ_overrides={"HTTP_HOST": host.encode().decode("latin-1")})
        assert answer.status_code == 400


@promise("O12", "O13")
@pytest.mark.parametrize(
    "said",
    [
        {"X-Forwarded-Host": "a<b>"},
        {"X-Forwarded-Host": "simpul.example, "},
        {"X-Forwarded-Proto": "javascript"},
        {"X-Forwarded-Proto": 'https"'},
    ],
)
def test_no_address_is_made_of_what_a_proxy_says_that_is_none(posyandu, said):
    village = posyandu.village
    app = create_app(replace(village.app.extensions["simpul"].settings, proxies=1))
    asked = replace(posyandu, village=replace(village, app=app, client=app.test_client()))
    told = ask(asked, "simpul.example", headers=said)
    assert told.status_code == 400 or "<downloadUrl>http://simpul.example/v1/" in told.text
    with app.app_context():
        db.engine.dispose()
