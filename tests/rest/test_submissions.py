"""Submissions over REST: listed, read byte for byte, and seen only where one may look."""

import pytest

from tests.openrosa.okhttp import Reader, filled, new_id, publish_visit, send
from tests.scenarios.posyandu import Village

CHILD = "7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e01"
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture
def village(app, clock) -> Village:
    return Village.begin(app, clock)


@pytest.fixture
def reader(village) -> Reader:
    publish_visit(village)
    return Reader(village)


def test_a_submission_is_told_with_who_sent_it_and_the_newest_first(village, reader):
    phone, instances = village.phone("a"), [new_id() for _ in range(3)]
    for instance in instances:
        assert send(phone, filled(instance), ("audit.csv", b"event\n")).status_code == 201
        village.pass_time()
    path = f"{reader.base}/visit/submissions"
    listed = reader.api.done("GET", path)
    assert [one["instanceId"] for one in listed] == instances[::-1]
    assert listed == [reader.facts(one) for one in instances[::-1]]
    page = reader.api.done("GET", f"{path}?limit=1&offset=1")
    assert [one["instanceId"] for one in page] == [instances[1]]
    facts = listed[0]
    assert facts["submitterId"] == phone.actor_id
    assert (facts["deviceId"], facts["formVersion"]) == ("collect:a", "1")
    assert (facts["complete"], facts["encrypted"], facts["missing"]) == (True, False, [])
    answer = reader.api.get(f"{reader.path(instances[0])}.xml")
    assert answer.mimetype == "application/xml"
    assert answer.data == filled(instances[0])
    assert reader.files(instances[0])["audit.csv"]["exists"]


def test_bytes_are_handed_out_as_a_download_that_no_browser_runs(village, reader):
    instance = new_id()
    send(village.phone("a"), filled(instance), ("<b>.html", b"<script>"))
    answer = reader.file(instance, "<b>.html")
    assert answer.data == b"<script>"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%3Cb%3E.html"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_supervisor_of_one_village_sees_what_wrote_there_and_nothing_else(village, reader):
    ours, theirs = village.phone("a", "melati"), village.phone("b", "mawar")
    sent = {}
    for number, phone in enumerate((ours, theirs)):
        posyandu = ("melati", "mawar")[number]
        xml = phone.register(f"{CHILD[:-1]}{number}", nama="Siti", posyandu=posyandu)
        phone.send(xml)
        sent[posyandu] = xml.split(b"<instanceID>")[1].split(b"<")[0].decode()
    project = village.project.id
    made = reader.api.done(
        "POST", "/users", {"email": "bidan@example.org", "password": "kader-rajin-2026"}
    )
    reader.api.done(
        "POST",
        f"/projects/{project}/assignments/viewer/{made['id']}",
        {"properties": {"posyandu": "melati"}},
    )
    bidan = reader.api.log_in("bidan@example.org")
    seen = {
        posyandu: bidan.get(f"{reader.path(instance, 'daftar')}.xml").status_code
        for posyandu, instance in sent.items()
    }
    assert seen == {"melati": 200, "mawar": 404}
    assert bidan.get(f"{reader.base}/daftar/submissions").status_code == 403
    assert bidan.get(reader.path(sent["mawar"], "daftar")).status_code == 404


def test_what_is_not_there_is_404(reader):
    for path in (new_id(), f"{new_id()}.xml", f"{new_id()}/attachments", "x/attachments/y"):
        assert reader.api.get(f"{reader.base}/visit/submissions/{path}").status_code == 404
