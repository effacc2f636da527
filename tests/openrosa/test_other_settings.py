"""The rules of `docs/openrosa.md` that depend on settings: address, proxies, sizes, language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from sync_server.app import create_app
from sync_server.db import db
from tests.openrosa.asking import A_FORM, REFUSED, Ask, Told, check
from tests.scenarios.posyandu import Village
from tests.support.promises import promise


def with_settings(village: Village, **chosen: Any):
    """The same store, served under other settings."""
    here = village.app.extensions["simpul"]
    app = create_app(replace(here.settings, **chosen), clock=village.clock)
    app.testing = True
    return app


@pytest.fixture
def served_as(posyandu):
    """`served_as(language="en")`: ask the project of `posyandu` under other settings."""
    made = []

    def ask(asked: Ask, **chosen: Any) -> TestResponse:
        app = with_settings(posyandu.village, **chosen)
        made.append(app)
        return replace(
            posyandu, village=replace(posyandu.village, app=app, client=app.test_client())
        ).ask(asked)

    yield ask
    for app in made:
        with app.app_context():
            db.engine.dispose()


FROM_PROXY = {
    "X-Forwarded-For": "10.1.1.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "simpul.example.go.id",
}
PHOTO = (
    b'\r\n--x\r\nContent-Disposition: form-data; name="foto.jpg"; filename="foto.jpg"\r\n\r\n'
    + b"\xff" * 3000
)
LARGE = {**A_FORM, "data": A_FORM["data"].replace(b"\r\n--x--", PHOTO + b"\r\n--x--")}
PUBLIC = "https://simpul.example.go.id/dinas"

OTHER_SETTINGS = [
    pytest.param(
        {"language": "en"},
        Ask("nowhere"),
        Told(404, REFUSED, has=("Not found on this server.",)),
        id="another language",
        marks=promise("O8"),
    ),
    pytest.param(
        {"max_body_bytes": 2000},
        Ask("submission", "POST", sent=LARGE),
        Told(413, REFUSED, has=("Kiriman terlalu besar.",)),
        id="a body too large",
        marks=promise("O1", "O2", "O8"),
    ),
    pytest.param(
        {"part_bytes": 500},
        Ask("submission", "POST", sent=LARGE),
        Told(201),
        id="a photo larger than a part",
        marks=promise("O39"),
    ),
    pytest.param(
        {"part_bytes": 700000},
        Ask("submission", "HEAD"),
        Told(204, {"X-OpenRosa-Accept-Content-Length": "700000"}),
        id="smaller parts",
        marks=promise("O37"),
    ),
    pytest.param(
        {"public_url": PUBLIC},
        Ask("formList"),
        Told(has=(f"{PUBLIC}/v1/key/",), lacks=("localhost",)),
        id="a public address",
        marks=promise("O12"),
    ),
    pytest.param(
        {"public_url": PUBLIC},
        Ask("submission", "HEAD"),
        Told(204, {"Location": None}),
        id="a phone that came by another host",
        marks=promise("O38"),
    ),
    pytest.param(
        {"public_url": "https://localhost/{a}"},
        Ask("submission", "HEAD"),
        Told(204, {"Location": None}),
        id="an address that no phone could read",
        marks=promise("O38"),
    ),
    pytest.param(
        {"proxies": 1},
        Ask("formList", headers=FROM_PROXY),
        Told(has=("https://simpul.example.go.id/v1/key/",), lacks=("localhost",)),
        id="a proxy of ours",
        marks=promise("O12", "O13"),
    ),
    pytest.param(
        {"proxies": 1},
        Ask("formList", headers={**FROM_PROXY, "X-Forwarded-Host": "evil.example, simpul.example"}),
        Told(has=("https://simpul.example/v1/key/",), lacks=("evil",)),
        id="a proxy of ours behind one that is not",
        marks=promise("O13"),
    ),
]


@pytest.mark.parametrize(("chosen", "asked", "told"), OTHER_SETTINGS)
def test_under_other_settings_the_rules_hold(served_as, chosen, asked, told):
    check(served_as(asked, **chosen), told)


@promise("O38")
@pytest.mark.parametrize(
    ("chosen", "headers", "root"),
    [
        ({}, {}, "http://localhost"),
        ({"public_url": "https://localhost"}, {"X-Forwarded-Proto": "https"}, "https://localhost"),
        ({"proxies": 1}, FROM_PROXY, "https://simpul.example.go.id"),
    ],
    ids=["plain", "public", "proxy"],
)
def test_location_is_the_address_by_which_the_phone_came(
    posyandu, served_as, chosen, headers, root
):
    answer = served_as(Ask("submission?deviceID=collect%3Aa", "HEAD", headers), **chosen)
    assert answer.headers["Location"] == f"{root}{posyandu.phone.base}/submission"


@promise("O38")
@pytest.mark.parametrize("path", ["//submission", "/submission/", "//submission//"])
def test_location_has_the_slashes_that_the_phone_wrote(posyandu, path):
    where = f"{posyandu.phone.base}{path}"
    answer = posyandu.ask(Ask(f"{where}?deviceID=x", "HEAD"))
    assert answer.headers["Location"] == f"http://localhost{where}"
