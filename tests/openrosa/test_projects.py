"""The phones' door at `/v1/projects/{id}`: devices by Digest, people by Basic over https."""

import hashlib
import re
from types import SimpleNamespace

import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from sync_server.accounts import devices, people
from sync_server.accounts.credentials import password_of_token
from sync_server.db import db
from sync_server.models.records import ChangeRow, Submission
from tests.openrosa.test_other_settings import with_settings
from tests.support.listening import Listening
from tests.support.promises import promise
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

CHILD = "7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e01"
PASSWORD = "kader-rajin-2026"
HTTPS = "https://localhost"
ASKED = [
    ("GET", "formList"),
    ("GET", "formList/"),
    ("GET", "/formlist?deviceID=collect%3Ax"),
    ("HEAD", "submission"),
    ("POST", "submission"),
    ("GET", "forms/ukur/manifest"),
    ("GET", "forms/ukur/versions/1/manifest"),
    ("GET", "forms/ukur/versions/1/attachments/anak.csv"),
    ("GET", "forms/ukur.xml"),
    ("GET", "forms/ukur/attachments/anak.csv"),
    ("GET", "forms/ukur/versions/1.xml"),
    ("GET", "datasets/anak/integrity"),
]
SPOILT = [
    ('realm="Simpul"', 'realm="Other"'),
    ("algorithm=MD5", "algorithm=SHA-256"),
    ("qop=auth", "qop=auth-int"),
    ("nc=00000001", "nc=1"),
    ('nonce="', 'nonce="0'),
    ('nonce="', 'nonce="\xff'),
    ('response="', 'response="\xe9'),
    ("/formList", "/submission"),
    ('cnonce="c0"', 'cnonce=""'),
    ('username="', "username*=UTF-8''%00a, x=\""),
    ("Digest ", "Digest"),
    ("Digest ", "Negotiate "),
    ("Digest ", "Basic "),
]


@pytest.fixture
def wire(village, clock):
    """The server over real HTTP, as the device "a" reaches it by Digest."""
    phone = village.phone("Kader Melati é")
    listening = Listening(village.app)
    listening.start()
    base = f"{listening.url}/v1/projects/{village.project.id}"
    password = password_of_token(phone.token)
    yield SimpleNamespace(
        base=base,
        phone=phone,
        password=password,
        auth=HTTPDigestAuth(str(phone.actor_id), password),
    )
    listening.stop()


def base(village) -> str:
    return f"/v1/projects/{village.project.id}"


def person(village, role):
    """Somebody with a role in the village's project; what they log in with."""
    email = f"{role or 'nobody'}@example.org"
    with village.app.app_context():
        actor = people.create_user(email, PASSWORD, clock=village.clock)
        if role:
            people.assign(actor, role, village.project.id, clock=village.clock)
    return email, PASSWORD


def challenges(answer) -> list[str]:
    return answer.headers.getlist("WWW-Authenticate")


def digest(nonce, village, *, user, password, count=1, path="formList", method="GET", before=""):
    """An Authorization header made by hand."""

    def md5(text):
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    uri = f"{before}{base(village)}/{path}"
    known = md5(f"{user}:Simpul:{password}")
    asked = md5(f"{method}:{uri}")
    proof = md5(f"{known}:{nonce}:{count:08x}:c0:auth:{asked}")
    return (
        f'Digest username="{user}", realm="Simpul", nonce="{nonce}", uri="{uri}", algorithm=MD5, '
        f'qop=auth, nc={count:08x}, cnonce="c0", response="{proof}"'
    )


def nonce_of(answer) -> str:
    return challenges(answer)[0].split('nonce="')[1].split('"')[0]


@promise("O17")
def test_who_has_no_credentials_is_challenged(village):
    for method, path in ASKED:
        headers = {"X-OpenRosa-Version": "1.0"}
        url = f"{base(village)}/{path}"
        plain = village.client.open(url, method=method, headers=headers)
        assert plain.status_code == 401
        assert plain.mimetype == "text/xml"
        assert plain.headers["X-OpenRosa-Version"] == "1.0"
        (only,) = challenges(plain)
        assert only.startswith('Digest realm="Simpul", nonce="')
        assert 'qop="auth", algorithm=MD5' in only

        secure = village.client.open(url, method=method, headers=headers, base_url=HTTPS)
        assert [one.split()[0] for one in challenges(secure)] == ["Digest", "Basic"]


def test_a_program_without_a_session_is_refused_in_json_with_a_challenge(village):
    refused = village.client.get(f"{base(village)}/forms/ukur.xml")
    assert refused.status_code == 401
    assert refused.get_json()["code"] == 401.2
    assert challenges(refused)[0].startswith("Digest ")
    assert not challenges(village.client.get(f"{base(village)}/forms"))


@promise("O18")
def test_a_device_fetches_and_fills_by_digest(village, wire):
    listed = requests.get(f"{wire.base}/formList?deviceID=collect%3Aa", auth=wire.auth, timeout=9)
    assert listed.status_code == 200
    addresses = re.findall(r"http://[^<]+/forms/[^<]+", listed.text)
    assert len(addresses) == 3
    for address in addresses:
        assert address.startswith(f"{wire.base}/forms/")
        assert requests.get(address, auth=wire.auth, timeout=9).status_code == 200

    xml = wire.phone.register(CHILD, posyandu="melati", nama="Siti")
    files = {"xml_submission_file": ("form.xml", xml, "text/xml")}
    sent = requests.post(f"{wire.base}/submission", files=files, auth=wire.auth, timeout=9)
    assert sent.status_code == 201, sent.text
    head = requests.head(f"{wire.base}/submission", auth=wire.auth, timeout=9)
    assert (head.status_code, head.headers["Location"]) == (204, f"{wire.base}/submission")

    csv = requests.get(f"{wire.base}/forms/ukur/attachments/anak.csv", auth=wire.auth, timeout=9)
    assert CHILD in csv.text
    integrity = f"{wire.base}/datasets/anak/integrity?id={CHILD}"
    assert CHILD in requests.get(integrity, auth=wire.auth, timeout=9).text


@promise("O18")
def test_who_comes_by_digest_is_the_same_author_as_by_token(village, wire):
    xml = wire.phone.register(CHILD, posyandu="melati")
    files = {"xml_submission_file": ("form.xml", xml, "text/xml")}
    url = f"{wire.base}/submission?deviceID=collect:x"
    assert requests.post(url, files=files, auth=wire.auth, timeout=9).status_code == 201
    wire.phone.send(xml)  # the same form by its token

    (change,) = village.changes(CHILD)
    assert change.actor_id == wire.phone.actor_id
    (submission,) = village._rows(Submission)
    assert (submission.actor_id, submission.device_id) == (wire.phone.actor_id, "collect:x")
    assert len(village._rows(ChangeRow)) == 1


@promise("O18")
def test_a_device_may_be_called_by_its_name(wire, village):
    auth = HTTPDigestAuth("Kader Melati", wire.password)
    with village.app.app_context():
        devices.rename_app_user(
            village.project.id, wire.phone.actor_id, "Kader Melati", by=None, clock=village.clock
        )
    village.phone("Kader Melati", posyandu="mawar")
    assert requests.get(f"{wire.base}/formList", auth=auth, timeout=9).status_code == 200
    auth = HTTPDigestAuth("Kader Mawar", wire.password)
    assert requests.get(f"{wire.base}/formList", auth=auth, timeout=9).status_code == 401
    auth = HTTPDigestAuth("Kader Melati", wire.phone.token)
    assert requests.get(f"{wire.base}/formList", auth=auth, timeout=9).status_code == 401


def test_a_name_of_other_letters_is_found_in_both_spellings(village):
    phone = village.phone("Melati é")
    nonce = nonce_of(village.client.get(f"{base(village)}/formList"))
    password = password_of_token(phone.token)
    said = digest(nonce, village, user="Melati é", password=password)
    as_bytes = {"Authorization": said.encode().decode("latin-1")}
    assert village.client.get(f"{base(village)}/formList", headers=as_bytes).status_code == 200


@promise("O12", "O18")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_proxy_may_have_taken_the_path_of_the_public_address_off(village, phone):
    app = with_settings(village, public_url="https://localhost/anak")
    url = f"{base(village)}/formList"
    client, password = app.test_client(), password_of_token(phone.token)
    for before, status in (("/anak", 200), ("/lain", 401)):
        nonce = nonce_of(client.get(url))
        said = digest(nonce, village, user=phone.actor_id, password=password, before=before)
        assert client.get(url, headers={"Authorization": said}).status_code == status
    with app.app_context():
        db.engine.dispose()


@promise("O18")
def test_a_nonce_grows_old_and_a_count_is_good_once(village, phone):
    url = f"{base(village)}/formList"
    who = {"user": phone.actor_id, "password": password_of_token(phone.token)}
    nonce = nonce_of(village.client.get(url))

    def ask(count):
        said = {"Authorization": digest(nonce, village, count=count, **who)}
        return village.client.get(url, headers=said)

    assert [ask(n).status_code for n in (1, 3, 2)] == [200, 200, 200]
    again = ask(2)
    assert again.status_code == 401
    assert "stale=true" in challenges(again)[0]
    village.clock.pass_seconds(3599)
    assert ask(4).status_code == 200
    village.clock.pass_seconds(2)
    old = ask(5)
    assert old.status_code == 401
    assert "stale=true" in challenges(old)[0]
    nonce = nonce_of(old)
    assert ask(1).status_code == 200


@promise("O18")
def test_a_header_that_proves_nothing_is_refused_and_never_stale(village, phone):
    url = f"{base(village)}/formList"
    nonce = nonce_of(village.client.get(url))
    who = {"user": phone.actor_id, "password": password_of_token(phone.token)}
    said = digest(nonce, village, **who)
    nowhere = re.sub('uri="[^"]*"', 'uri="http://[::1/a"', said)
    for wrong in (
        "Digest",
        "Digest x",
        "Basic !",
        nowhere,
        *(said.replace(*pair) for pair in SPOILT),
    ):
        refused = village.client.get(url, headers={"Authorization": wrong})
        assert refused.status_code == 401, wrong
        assert "stale" not in challenges(refused)[0]
    assert village.client.get(url, headers={"Authorization": said}).status_code == 200


def test_a_device_is_of_one_project_and_a_revoked_one_is_refused(village, phone):
    with village.app.app_context():
        other = people.create_project("Garut", clock=village.clock)
        revoke = (village.project.id, phone.actor_id)
        devices.revoke_app_user(*revoke, by=village.admin, clock=village.clock)
    nonce = nonce_of(village.client.get(f"/v1/projects/{other}/formList"))
    who = {"user": phone.actor_id, "password": password_of_token(phone.token)}
    said = {
        "Authorization": digest(nonce, village, **who).replace(
            base(village), f"/v1/projects/{other}"
        )
    }
    assert village.client.get(f"/v1/projects/{other}/formList", headers=said).status_code == 401
    said = {"Authorization": digest(nonce, village, **who)}
    refused = village.client.get(f"{base(village)}/formList", headers=said)
    assert (refused.status_code, "terdaftar" in refused.text) == (403, True)


@promise("O19")
def test_a_user_comes_by_basic_over_https(village):
    auth = (ADMIN_EMAIL, ADMIN_PASSWORD)
    phone = village.phone("a")
    phone.send(phone.register(CHILD, posyandu="melati"))
    listed = village.client.get(f"{base(village)}/formList", auth=auth, base_url=HTTPS)
    assert listed.status_code == 200
    assert f"{HTTPS}{base(village)}/forms/ukur/versions/1.xml" in listed.text
    for path in ("forms/ukur/versions/1.xml", "forms/ukur/versions/1/attachments/anak.csv"):
        answer = village.client.get(f"{base(village)}/{path}", auth=auth, base_url=HTTPS)
        assert answer.status_code == 200

    xml = phone.register(CHILD.replace("1", "2"), posyandu="melati")
    sent = village.client.post(
        f"{base(village)}/submission",
        data={"xml_submission_file": xml.decode()},
        content_type="multipart/form-data",
        auth=auth,
        base_url=HTTPS,
    )
    assert sent.status_code == 201, sent.text
    assert {row.actor_id for row in village._rows(Submission)} == {phone.actor_id, village.admin}
    with village.app.app_context():
        village.app.extensions["simpul"].contacts.flush()  # a person is no phone


@promise("O17")
def test_a_name_that_no_database_keeps_is_nobodys(village):
    for auth in (("\x00", "\x00"), ("a\x00@b.co", PASSWORD), ("\x1b", "")):
        refused = village.client.get(f"{base(village)}/formList", auth=auth, base_url=HTTPS)
        assert refused.status_code == 401


@promise("O19")
def test_basic_over_plain_http_is_never_answered(village, wire):
    auth = HTTPBasicAuth(ADMIN_EMAIL, ADMIN_PASSWORD)
    refused = requests.get(f"{wire.base}/formList", auth=auth, timeout=9)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Digest ")
    assert "Basic" not in refused.headers["WWW-Authenticate"]


@promise("O19")
def test_what_a_person_may_do_is_said_by_their_roles(village):
    xml = village.phone("a").register(CHILD, posyandu="melati").decode()
    for role, reads, fills in (("formfill", 200, 201), ("viewer", 200, 403), ("", 403, 403)):
        asked = {"auth": person(village, role), "base_url": HTTPS}
        assert village.client.get(f"{base(village)}/formList", **asked).status_code == reads
        form = {"data": {"xml_submission_file": xml}, "content_type": "multipart/form-data"}
        sent = village.client.post(f"{base(village)}/submission", **form, **asked)
        assert sent.status_code == fills
        assert ("tidak punya peran" in sent.text) == (fills == 403)


def test_somebody_who_only_fills_forms_sees_no_area(village):
    auth = person(village, "formfill")
    phone = village.phone("a")
    phone.send(phone.register(CHILD, posyandu="melati"))
    csv = village.client.get(
        f"{base(village)}/forms/ukur/versions/1/attachments/anak.csv", auth=auth, base_url=HTTPS
    )
    assert csv.text.splitlines() == [csv.text.splitlines()[0]]


@promise("O19")
def test_wrong_passwords_are_slowed_and_a_changed_one_counts_at_once(village):
    email, _ = person(village, "formfill")
    url = f"{base(village)}/formList"

    def ask(password):
        return village.client.get(url, auth=(email, password), base_url=HTTPS).status_code

    assert [ask(PASSWORD), ask(PASSWORD)] == [200, 200]
    with village.app.app_context():
        actor = people.log_in(email, PASSWORD, clock=village.clock).person.actor_id
        people.set_password(actor, "another-password", by=None, clock=village.clock)
    assert ask(PASSWORD) == 401
    assert ask("another-password") == 200
    assert [ask("wrong") for _ in range(6)] == [401] * 5 + [429]


def test_a_session_counts_here_and_programs_have_their_answers_still(village):
    with village.app.app_context():
        login = people.log_in(ADMIN_EMAIL, ADMIN_PASSWORD, clock=village.clock)
    bearer = {"Authorization": f"Bearer {login.token}", "X-OpenRosa-Version": "1.0"}
    assert village.client.get(f"{base(village)}/formList", headers=bearer).status_code == 200
    assert village.client.get(f"{base(village)}/forms", headers=bearer).is_json
    xml = village.client.get(f"{base(village)}/forms/ukur.xml", headers=bearer)
    assert (xml.status_code, xml.mimetype) == (200, "application/xml")


def test_what_is_not_there_is_refused_as_phones_read_it(village):
    auth = (ADMIN_EMAIL, ADMIN_PASSWORD)
    for path in ("forms/tidak.xml", "forms/ukur/attachments/x.jpg", "datasets/x/integrity"):
        refused = village.client.get(f"{base(village)}/{path}", auth=auth, base_url=HTTPS)
        assert (refused.status_code, refused.mimetype) == (404, "text/xml")
    assert (
        village.client.get("/v1/projects/77/formList", auth=auth, base_url=HTTPS).status_code == 404
    )
    wrong = village.client.post(f"{base(village)}/formList")
    assert (wrong.status_code, wrong.mimetype) == (405, "text/xml")
