"""Which door answers a refusal: by whose address it is, and by how it was asked."""

from __future__ import annotations

from io import BytesIO

import pytest

from sync_server.accounts import people
from tests.openrosa.asking import REFUSED, Told, check
from tests.support.promises import promise
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.parametrize("posyandu", ["sqlite"], indirect=True)

SAYS_OPENROSA = {"X-OpenRosa-Version": "1.0"}
METHODS = ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "POST")
OF_PHONES = (
    "formList",
    "submission",
    "forms/ukur.xml",
    "forms/ukur/manifest",
    "forms/ukur/versions/1.xml",
    "forms/ukur/versions/1/manifest",
    "forms/ukur/versions/1/attachments/anak.csv",
    "forms/sync/manifest",
    "datasets/anak/integrity",
    "nowhere",
)
OF_PHONES_ALONE = (
    "formlist",
    "submission",
    "forms/ukur/manifest",
    "forms/a%2Fb/manifest",
    "forms/ukur/versions/1/manifest",
    "forms/ukur/versions/1/attachments/a/b.csv",
    "datasets/anak/integrity",
)
WITHOUT_A_PROJECT = (
    "/v1/key",
    "/v1/key/",
    "/v1/key/x/projects/y/formList",
    "/v1/test",
    "/v1/test/x",
    "/v1/projects/abc/formList",
    "/v1/projects/abc/submission",
    "/v1/projects/99999999999/forms/x/manifest",
)
SHARED = (
    "forms/ukur.xml",
    "forms/ukur/attachments/anak.csv",
    "forms/ukur/versions/1.xml",
    "forms/ukur/versions/1/nope",
    "forms/attachments/manifest/x",
    "forms/ukur/attachments/manifest",
    "forms",
    "nowhere",
)


def ask(village, path, method="GET", **headers):
    where = path if path.startswith("/") else f"/v1/projects/{village.project.id}/{path}"
    return village.client.open(where, method=method, headers=headers)


def check_refused(answer, *statuses):
    assert answer.status_code in statuses, answer.text
    check(answer, Told(answer.status_code, REFUSED, has=('nature="submit_error"',)))
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Digest ")
    if answer.status_code == 405:
        assert answer.headers["Allow"]


@promise("O1", "O8")
def test_a_wrong_method_at_an_address_of_phones_is_refused_as_they_read_it(posyandu):
    draft = "/v1/test/x/projects/1/forms/ukur/draft"
    for path in (*OF_PHONES, f"{draft}/formList", f"{draft}/submission", f"{draft}.xml"):
        for method in METHODS:
            if (path.endswith("submission"), method) == (True, "POST"):
                continue
            where = path if path.startswith("/") else f"{posyandu.phone.base}/{path}"
            for headers in ({}, SAYS_OPENROSA):
                check_refused(ask(posyandu.village, where, method, **headers), 404, 405)


@promise("O1", "O8")
def test_an_address_of_phones_alone_refuses_as_they_read_it_whoever_asks(posyandu):
    for path in (*OF_PHONES_ALONE, *WITHOUT_A_PROJECT):
        for method in ("GET", *METHODS):
            for headers in ({}, SAYS_OPENROSA):
                check_refused(ask(posyandu.village, path, method, **headers), 401, 404, 405)


@promise("O1", "O8")
@pytest.mark.parametrize("said", ["1.0", "", "x"])
def test_at_a_shared_address_who_says_openrosa_is_refused_as_a_phone(posyandu, said):
    for path in SHARED:
        for method in ("GET", "DELETE", "PROPFIND"):
            told = ask(posyandu.village, path, method, **{"X-OpenRosa-Version": said})
            check_refused(told, 401, 404, 405)
            plain = ask(posyandu.village, path, method)
            assert plain.is_json
            assert "X-OpenRosa-Version" not in plain.headers


@promise("O1", "O8")
def test_a_session_that_is_none_is_refused_as_a_phone_where_a_phone_asks(posyandu):
    spoilt = {"Authorization": "Bearer " + "x" * 64}
    for path in ("forms/ukur.xml", "forms"):
        check_refused(ask(posyandu.village, path, **spoilt, **SAYS_OPENROSA), 401)
        assert ask(posyandu.village, path, **spoilt).is_json


@promise("O1", "O8")
def test_what_a_session_may_have_it_has_also_when_it_says_openrosa(posyandu):
    village = posyandu.village
    with village.app.app_context():
        login = people.log_in(ADMIN_EMAIL, ADMIN_PASSWORD, clock=village.clock)
    told = ask(village, "forms", Authorization=f"Bearer {login.token}", **SAYS_OPENROSA)
    assert (told.status_code, told.is_json) == (200, True)
    assert told.headers["X-OpenRosa-Version"] == "1.0"
    check_refused(
        ask(village, "forms/no", Authorization=f"Bearer {login.token}", **SAYS_OPENROSA), 404
    )


@promise("O8")
def test_a_server_address_that_lacks_all_but_the_host_is_refused_as_a_phone_reads_it(posyandu):
    for path in ("/formList", "/submission", "/v1/formList", "/v1"):
        for method in ("GET", "HEAD", "POST"):
            told = ask(posyandu.village, path, method, **SAYS_OPENROSA)
            assert (told.status_code, told.mimetype) == (404, "text/xml")
    assert ask(posyandu.village, "/formList").mimetype == "text/html"


@promise("O80")
def test_a_phone_that_is_refused_is_heard_to_its_end(posyandu):
    """Else it is hung up on while it writes, and hears nothing of why."""
    paths = (
        "/v1/key/x/projects/1/submission",
        "/v1/projects/1/submission",
        "/v1/key/x",
        "/submission",
    )
    for path in paths:
        body = BytesIO(b"x" * 300_000)
        told = posyandu.village.client.post(
            path, input_stream=body, headers=SAYS_OPENROSA, content_type="x/y"
        )
        assert (told.status_code in (401, 403, 404), body.tell()) == (True, 300_000)


def test_what_is_too_large_is_not_heard_out(posyandu):
    most = posyandu.village.app.extensions["simpul"].settings.max_body_bytes
    body = BytesIO(b"x" * 300_000)
    told = posyandu.village.client.post(
        "/v1/key/x/projects/1/submission",
        input_stream=body,
        environ_overrides={"CONTENT_LENGTH": str(most + 1)},
    )
    assert (told.status_code, body.tell()) == (403, 0)


def test_below_sync_programs_are_answered_in_json_however_they_ask(posyandu):
    for base in (posyandu.phone.base, f"/v1/projects/{posyandu.village.project.id}"):
        for path in ("sync/nowhere", "sync/info"):
            told = ask(posyandu.village, f"{base}/{path}", "DELETE", **SAYS_OPENROSA)
            assert (told.status_code in (404, 405), told.is_json) == (True, True)
