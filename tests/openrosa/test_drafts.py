"""A draft is tried on phones at addresses of its own, and leaves nothing in what counts."""

import hashlib
import io

import pytest

from odk_forms.xml import MAX_BYTES
from sync_server.models.drafts import DraftFile, DraftSubmission
from sync_server.models.people import Contact
from sync_server.models.records import ChangeRow, JournalRow, Submission
from tests.openrosa.okhttp import MULTIPART, body_of
from tests.scenarios.posyandu import checked_form
from tests.support.api import administrator
from tests.support.promises import promise

CHILD = "7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e01"
PICTURES = """<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml">
<h:head><h:title>Gambar</h:title><model>
<instance><data id="gambar/baru" version="1"><n/><meta><instanceID/></meta></data></instance>
<instance id="anak" src="jr://file-csv/anak.csv"/>
<itext><translation lang="default"><text id="n"><value>Lihat</value>
<value form="image">jr://images/logo.png</value></text></translation></itext>
<bind nodeset="/data/n" type="string"/><bind nodeset="/data/meta/instanceID" type="string"/>
</model></h:head><h:body><input ref="/data/n"><label ref="jr:itext('n')"/></input></h:body></h:html>
"""


@pytest.fixture(autouse=True)
def without_java(monkeypatch):
    """ODK Validate takes a second to start; `tests/odk_forms` has it speak."""
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def admin(village):
    return administrator(village.client)


@pytest.fixture
def forms(village):
    return f"/projects/{village.project.id}/forms"


def keep(admin, path, content):
    answer = admin.call("POST", path, data=content, headers={"Content-Type": "application/xml"})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.fixture
def trial(admin, forms):
    """A newer version of `daftar` as a draft; the address at which phones try it."""
    xml = checked_form("daftar", "create").xml.replace(b'version="1"', b'version="2"')
    keep(admin, f"{forms}/daftar/draft", xml)
    return admin.done("GET", f"{forms}/daftar/draft")["testUrl"].removeprefix("http://localhost")


def post(village, trial, xml, **files):
    parts = {"xml_submission_file": (io.BytesIO(xml), "form.xml", "text/xml")}
    parts |= {name: (io.BytesIO(body), name) for name, body in files.items()}
    return village.client.post(f"{trial}/submission?deviceID=collect:x", data=parts)


@promise("O65")
def test_the_list_of_a_draft_has_that_draft_alone(village, admin, forms, trial):
    listed = village.client.get(f"{trial}/formList?deviceID=collect%3Ax")
    assert listed.status_code == 200
    assert listed.mimetype == "text/xml"
    assert listed.headers["X-OpenRosa-Version"] == "1.0"
    assert listed.text.count("<xform>") == 1
    assert "<formID>daftar</formID>" in listed.text
    assert "<version>2</version>" in listed.text
    assert f"<downloadUrl>http://localhost{trial}.xml</downloadUrl>" in listed.text
    xml = village.client.get(f"{trial}.xml")
    assert f"md5:{hashlib.md5(xml.data, usedforsecurity=False).hexdigest()}" in listed.text
    assert xml.data == admin.get(f"{forms}/daftar/draft.xml").data
    head = village.client.head(f"{trial}/submission")
    assert (head.status_code, head.headers["Location"]) == (
        204,
        f"http://localhost{trial}/submission",
    )

    phone = village.phone("a")
    assert "<version>1</version>" in phone.get("formList").text
    assert "<version>2</version>" not in phone.get("formList").text


@promise("O65")
def test_its_files_are_below_the_same_address(village, admin, forms):
    phone = village.phone("a")
    phone.send(phone.register(CHILD, posyandu="melati"))
    shown = keep(admin, f"{forms}?publish=false", PICTURES)
    trial = shown["testUrl"].removeprefix("http://localhost")
    assert trial.endswith(f"/v1/test/{shown['draftToken']}{forms}/gambar%2Fbaru/draft")
    assert [one["xmlFormId"] for one in admin.done("GET", forms)] == ["daftar", "ukur"]
    assert (
        f"<manifestUrl>http://localhost{trial}/manifest"
        in village.client.get(f"{trial}/formList").text
    )
    assert "logo.png" not in village.client.get(f"{trial}/manifest").text

    path = f"{forms}/gambar%2Fbaru/draft/attachments"
    assert admin.post(f"{path}/logo.png", data=b"PNG").status_code == 200
    assert admin.post(f"{path}/lain.png", data=b"PNG").status_code == 404
    assert admin.post(f"{path}/anak.csv", data=b"name\n").status_code == 400
    told = {one["name"]: one["datasetExists"] for one in admin.done("GET", path)}
    assert told == {"anak.csv": True, "logo.png": False}
    manifest = village.client.get(f"{trial}/manifest").text
    assert f"http://localhost{trial}/attachments/logo.png" in manifest
    assert village.client.get(f"{trial}/attachments/logo.png").data == b"PNG"
    assert village.client.get(f"{trial}/attachments/tidak.png").status_code == 404
    csv = village.client.get(f"{trial}/attachments/anak.csv")
    assert csv.text.startswith("name,label,__version,nama")
    assert CHILD not in csv.text  # who tries a form is of no posyandu
    assert f"http://localhost{trial}/integrity/anak" in manifest
    assert CHILD not in village.client.get(f"{trial}/integrity/anak?id={CHILD}").text

    published = admin.done("POST", f"{forms}/gambar%2Fbaru/draft/publish?version=a%20b")
    assert (published["xmlFormId"], published["version"]) == ("gambar/baru", "a b")
    xml = phone.get("forms/gambar%2Fbaru.xml")
    assert b'version="a b"' in xml.data
    assert phone.get("forms/gambar%2Fbaru/attachments/logo.png").data == b"PNG"


@promise("O66")
def test_what_is_sent_to_a_draft_is_kept_apart_and_touches_no_entity(village, admin, forms, trial):
    before = len(village.journal())
    xml = village.phone("a").register(CHILD, posyandu="melati", nama="Siti")
    sent = post(village, trial, xml, foto=b"JPG")
    assert sent.status_code == 201
    assert "full submission upload was successful!" in sent.text
    assert post(village, trial, xml, lain=b"").status_code == 201
    with village.app.app_context():
        village.app.extensions["simpul"].contacts.flush()

    for model in (Submission, ChangeRow, Contact):
        assert village._rows(model) == []
    assert (len(village._rows(JournalRow)), village.quarantine()) == (before, [])
    (kept,) = admin.done("GET", f"{forms}/daftar/draft/submissions")
    assert (kept["deviceId"], kept["attachments"]) == ("collect:x", ["foto", "lain"])
    path = f"{forms}/daftar/draft/submissions/{kept['instanceId']}.xml"
    assert admin.get(path).data == xml
    assert admin.get(path.replace("uuid", "uuud")).status_code == 404

    assert post(village, trial, b"<").status_code == 400
    assert village.client.post(f"{trial}/submission", data={"x": "y"}).status_code == 400


@promise("O54", "O66")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_more_than_can_be_read_is_no_submission_of_a_draft(village, admin, forms, trial):
    xml = b"<data id='daftar'>" + b" " * MAX_BYTES + b"</data>"
    body = body_of(xml, [("foto", b"JPG")])
    sent = village.client.post(f"{trial}/submission", data=body, content_type=MULTIPART)
    assert sent.status_code == 400
    assert village._rows(DraftSubmission) == []


@promise("O67")
@pytest.mark.parametrize("end", [("POST", "draft/publish"), ("DELETE", "draft")])
def test_a_draft_that_is_no_more_says_so(village, admin, forms, trial, end):
    xml = village.phone("a").register(CHILD)
    assert post(village, trial, xml).status_code == 201
    admin.done(end[0], f"{forms}/daftar/{end[1]}")

    gone = [village.client.get(f"{trial}{p}") for p in ("/formList", ".xml", "/manifest")]
    for answer in (*gone, post(village, trial, xml)):
        assert (answer.status_code, answer.mimetype) == (404, "text/xml")
        assert "sudah diterbitkan atau dihapus" in answer.text
    assert admin.get(f"{forms}/daftar/draft").status_code == 404
    for model in (DraftFile, DraftSubmission):
        assert village._rows(model) == []
    newest = "2" if end[0] == "POST" else "1"
    assert admin.done("GET", f"{forms}/daftar")["version"] == newest


@promise("O67")
def test_an_address_of_no_draft_is_refused_in_the_same_words(village, trial):
    for wrong in (
        trial.replace("/v1/test/", "/v1/test/x"),
        trial.replace("/daftar/", "/ukur/"),
        trial.replace("/projects/1/", "/projects/2/"),
    ):
        answer = village.client.get(f"{wrong}/formList")
        assert (answer.status_code, "diterbitkan" in answer.text) == (404, True)
    assert village.client.get(f"{trial}/nowhere").mimetype == "text/xml"


def test_a_draft_written_over_keeps_its_address_and_is_of_its_own_form(
    village, admin, forms, trial
):
    xml = checked_form("daftar", "create").xml.replace(b'version="1"', b'version="3"')
    keep(admin, f"{forms}/daftar/draft", xml)
    assert "<version>3</version>" in village.client.get(f"{trial}/formList").text
    sent = {"data": xml, "headers": {"Content-Type": "application/xml"}}
    assert admin.call("POST", f"{forms}/ukur/draft", **sent).status_code == 400

    assert admin.post(f"{forms}/daftar/draft").status_code == 200  # of what is published
    assert "<version>1</version>" in village.client.get(f"{trial}/formList").text
    assert admin.post(f"{forms}/tidak/draft").status_code == 404
    bad = admin.post(f"{forms}/daftar/draft/publish?version=%1B")
    assert bad.status_code == 400
    assert admin.done("POST", f"{forms}/daftar/draft/publish?version=4")["version"] == "4"
    assert village.phone("a").get("forms/daftar.xml").data.count(b'version="4"') == 1


def test_drafts_are_for_managers(village, trial, forms):
    for path in ("draft", "draft.xml", "draft/submissions", "draft/attachments"):
        assert village.client.get(f"/v1{forms}/daftar/{path}").status_code == 401


@promise("O66")
@pytest.mark.parametrize(
    "xml",
    [
        b"<!DOCTYPE d><data id='daftar'/>",
        b"<data id='daftar'><meta><instanceID>%b</instanceID></meta></data>" % (b"x" * 5000),
        b"<data id='daftar'>" + b" " * (16 << 20) + b"</data>",
    ],
    ids=["doctype", "long id", "too large"],
)
def test_what_cannot_be_read_of_a_trial_is_refused_and_not_said_to_be_kept(village, trial, xml):
    answer = village.client.post(
        f"{trial}/submission",
        data=body_of(xml),
        content_type=MULTIPART,
    )
    assert answer.status_code == 400
    assert "<OpenRosaResponse" in answer.text
    assert "disimpan" not in answer.text
