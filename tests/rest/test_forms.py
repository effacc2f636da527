"""Forms at the door for programs: publish, list, fetch, and say where a form is broken."""

import io

import openpyxl
import pytest

from odk_forms.packs.build import to_xlsx
from tests.publish.desk import checked, weighing

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ELEVEN_KEYS = {
    "projectId",
    "xmlFormId",
    "version",
    "hash",
    "state",
    "createdAt",
    "name",
    "enketoId",
    "keyId",
    "updatedAt",
    "publishedAt",
}
PICTURES = """
| settings |
|          | form_id | form_title | version |
|          | gambar  | Gambar     | 1       |
| survey   |
|          | type                          | name | label | media::image |
|          | note                          | n    | Lihat | logo.png     |
|          | select_one_from_file anak.csv | p    | Pilih |              |
"""


@pytest.fixture(autouse=True)
def without_java(monkeypatch):
    """ODK Validate takes a second to start; `tests/odk_forms` has it speak."""
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def send(admin, project):
    """Publish the body; the answer."""

    def send(content, content_type="application/xml", query="publish=true", **headers):
        body = checked(content).xml if content_type == "application/xml" else content
        return admin.call(
            "POST",
            f"/projects/{project}/forms?{query}",
            data=body,
            headers={"Content-Type": content_type, **headers},
        )

    return send


@pytest.fixture
def forms(project):
    return f"/projects/{project}/forms"


def code(answer):
    return answer.status_code, answer.get_json()["code"]


def test_a_spreadsheet_is_published_and_has_every_key_that_clients_count_on(send, admin, forms):
    answer = send(to_xlsx(weighing()), XLSX)

    assert answer.status_code == 200
    form = answer.get_json()
    assert form.keys() >= ELEVEN_KEYS
    assert (form["xmlFormId"], form["version"], form["name"]) == (
        "pengukuran",
        "2026112101",
        "Pengukuran",
    )
    assert (form["state"], form["keyId"], form["enketoId"]) == ("open", None, None)
    assert admin.done("GET", forms) == [form]
    assert admin.done("GET", f"{forms}/pengukuran") == form


def test_pyodk_spells_true_with_a_capital(send):
    assert send(weighing(), query="publish=True&ignoreWarnings=True").status_code == 200


def test_the_xml_is_served_byte_for_byte(send, admin, forms):
    form = send(weighing()).get_json()

    answer = admin.get(f"{forms}/pengukuran.xml")

    assert answer.data == checked(weighing()).xml
    assert answer.mimetype == "application/xml"
    tagged = admin.call(
        "GET", f"{forms}/pengukuran.xml", headers={"If-None-Match": f'"{form["hash"]}"'}
    )
    assert (tagged.status_code, tagged.data) == (304, b"")


@pytest.mark.parametrize("query", ["", "publish=false", "publish=False", "publish=1"])
def test_a_form_that_is_not_published_is_a_draft(send, admin, forms, query):
    draft = send(weighing(), query=query).get_json()

    assert draft.keys() >= ELEVEN_KEYS | {"draftToken", "testUrl"}
    assert (draft["publishedAt"], len(draft["draftToken"])) == (None, 64)
    assert admin.done("GET", f"{forms}/{draft['xmlFormId']}/draft") == draft
    assert admin.done("GET", forms) == []


def test_a_broken_form_names_sheet_and_cell(send, admin, forms):
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(weighing())))
    book["survey"]["A3"] = "desimal"
    content = io.BytesIO()
    book.save(content)

    answer = send(content.getvalue(), XLSX)

    assert code(answer) == (400, 400.15)
    (message,) = answer.get_json()["details"]["messages"]
    assert (message["severity"], message["cell"]) == ("error", "survey!A3")
    assert admin.done("GET", forms) == []


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param(b"", XLSX, id="empty"),
        pytest.param(b"PK\x03\x04 cut off", XLSX, id="cut-off"),
        pytest.param(b"\x00\xff" * 100, "application/vnd.ms-excel", id="noise"),
        pytest.param(b"<h:html", "text/xml", id="broken-xml"),
        pytest.param(b'<!DOCTYPE h [<!ENTITY x "y">]><h>&x;</h>', "text/xml", id="doctype"),
        pytest.param(b'{"a": 1}', "application/json", id="json"),
    ],
)
def test_what_is_no_form_is_refused(send, content, content_type):
    assert code(send(content, content_type)) == (400, 400.15)


def test_warnings_are_to_be_read_first(send):
    unversioned = to_xlsx(weighing(""))

    answer = send(unversioned, XLSX)

    assert code(answer) == (400, 400.16)
    assert answer.get_json()["details"]["warnings"]["xlsFormWarnings"]
    assert send(unversioned, XLSX, "publish=true&ignoreWarnings=true").status_code == 200


def test_the_form_id_of_last_resort_is_the_name_of_the_file(send):
    nameless = weighing().replace("| form_id   |", "|").replace("| pengukuran |", "|")

    answer = send(
        to_xlsx(nameless),
        XLSX,
        "publish=true&ignoreWarnings=true",
        **{"X-XlsForm-FormId-Fallback": "ukur%5Fbulanan"},
    )

    assert answer.get_json()["xmlFormId"] == "ukur_bulanan"


def test_a_version_that_is_taken_is_refused_with_the_next(send, admin, forms):
    first = send(weighing()).get_json()

    assert send(weighing()).get_json() == first
    answer = send(weighing(bb="last"), query="publish=true&confirmPolicies=true")

    assert code(answer) == (409, 409.6)
    assert answer.get_json()["details"]["suggestion"] == "2026112102"
    assert admin.done("GET", f"{forms}/pengukuran/versions/2026112101")["hash"] == first["hash"]


def test_another_policy_is_published_once_it_is_confirmed(send):
    send(weighing(bb="last"))

    answer = send(weighing("2", bb="max"))

    assert code(answer) == (400, 400.15)
    assert answer.get_json()["details"]["policies"][0]["new"] == "max"
    done = send(weighing("2", bb="max"), query="publish=true&confirmPolicies=true")
    assert done.status_code == 200


def test_versions_are_listed_newest_first(send, admin, forms):
    send(weighing("2026112101"))
    send(weighing("2026112102"))

    versions = admin.done("GET", f"{forms}/pengukuran/versions")

    assert [one["version"] for one in versions] == ["2026112102", "2026112101"]
    assert all(one.keys() >= ELEVEN_KEYS for one in versions)
    old = admin.get(f"{forms}/pengukuran/versions/2026112101.xml")
    assert old.data == checked(weighing("2026112101")).xml


def test_fields_have_paths_and_types(send, admin, forms):
    send(weighing())

    fields = {one["path"]: one for one in admin.done("GET", f"{forms}/pengukuran/fields")}

    assert fields["/bb"] == {
        "path": "/bb",
        "name": "bb",
        "type": "decimal",
        "binary": None,
        "selectMultiple": None,
    }
    assert "/meta/instanceID" in fields
    assert admin.done("GET", f"{forms}/pengukuran/fields?odata=true")


def test_files_are_listed_given_and_fetched(send, admin, forms):
    send(weighing())
    send(PICTURES)
    files = f"{forms}/gambar/attachments"

    listed = {one["name"]: one for one in admin.done("GET", files)}
    assert (listed["anak.csv"]["exists"], listed["anak.csv"]["datasetExists"]) == (True, True)
    assert (listed["logo.png"]["exists"], listed["logo.png"]["type"]) == (False, "image")
    assert code(admin.get(f"{files}/logo.png")) == (404, 404.1)

    given = admin.call(
        "POST", f"{files}/logo.png", data=b"PNG", headers={"Content-Type": "image/png"}
    )
    assert given.get_json() == {"success": True}
    assert admin.get(f"{files}/logo.png").data == b"PNG"
    assert admin.get(f"{files}/anak.csv").data == b"name,label,__version,tgl,bb\n"
    assert code(admin.call("POST", f"{files}/anak.csv", data=b"x")) == (400, 400.11)
    assert code(admin.call("POST", f"{files}/x.png", data=b"x")) == (404, 404.1)


@pytest.mark.parametrize("path", ["", ".xml", "/versions", "/fields", "/attachments"])
def test_a_form_that_is_not_there_is_not_found(admin, forms, path):
    assert code(admin.get(f"{forms}/hilang{path}")) == (404, 404.1)


@pytest.mark.parametrize("path", ["", "/pengukuran", "/pengukuran.xml", "/pengukuran/fields"])
def test_strangers_are_turned_away(client, forms, path):
    assert client.get(f"/v1{forms}{path}").status_code == 401
    assert client.post(f"/v1{forms}?publish=true", data=b"x").status_code == 401


@pytest.mark.parametrize(
    ("role", "read", "publish"), [("manager", 200, 200), ("viewer", 200, 403), (None, 403, 403)]
)
def test_only_managers_publish(admin, project, forms, role, read, publish):
    person = admin.person("orang@example.org", role, project)

    posted = person.call("POST", f"{forms}?publish=true", data=checked(weighing()).xml)

    assert (posted.status_code, person.get(forms).status_code) == (publish, read)
