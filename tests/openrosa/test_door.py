"""The phones' door: who is at it, and that every refusal is one that a phone can read."""

import pytest
from sqlalchemy import select

from sync_server.db import read_transaction
from sync_server.models.people import Contact
from sync_server.models.records import Submission
from sync_server.stores.upsert import table_of
from tests.support.promises import promise

CHILD = "7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e01"


def rows(village, model):
    with village.app.app_context(), read_transaction() as connection:
        return connection.execute(select(*table_of(model).c)).all()


def refused(answer, status):
    assert answer.status_code == status
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    assert answer.mimetype == "text/xml"
    assert '<message nature="submit_error">' in answer.text
    return answer


def test_a_phone_says_who_it_is_in_characters_that_can_be_kept(village, phone):
    phone.name = "\x00a%00%0A%1Bb" + "x" * 300
    agent = "Collect\x7f v2" + "y" * 400
    phone.village.client.environ_base["HTTP_USER_AGENT"] = agent
    phone.send(phone.register(CHILD, posyandu="melati"))
    with village.app.app_context():
        village.app.extensions["simpul"].contacts.flush()

    (contact,) = rows(village, Contact)
    assert contact.device_id == ("collect:ab" + "x" * 300)[:200]
    assert contact.user_agent == ("Collect v2" + "y" * 400)[:300]
    (submission,) = rows(village, Submission)
    assert submission.device_id == contact.device_id


@promise("O1", "O8")
@pytest.mark.parametrize(
    "path",
    [
        "forms/%00.xml",
        "forms/ukur/versions/%00/manifest",
        "forms/ukur/attachments/a%00b.csv",
        "datasets/%00/integrity",
        "nowhere",
        "forms",
        "",
    ],
)
def test_an_address_that_names_nothing_is_refused_as_phones_read_it(phone, path):
    assert "Tidak ditemukan" in refused(phone.get(path), 404).text


@promise("O8", "O11")
@pytest.mark.parametrize("more", ["/versions/a" * 9999, "/" + "x" * 99_999, "/a%2Fb" * 999])
def test_an_address_without_end_is_refused_without_looking_for_one(phone, more):
    """Regular expressions would look at it for hours."""
    refused(phone.get(f"forms/a{more}"), 404)
    answer = phone.village.client.get(f"/v1/projects/1/forms/a{more}")
    assert (answer.status_code, answer.is_json) == (404, True)
    assert phone.village.client.get(f"/projects/1/{more}").mimetype == "text/html"
    assert phone.get(f"/{'/' * 999}formList{'/' * 999}").status_code == 200


def test_what_no_database_keeps_is_asked_for_in_vain(phone):
    assert phone.get("formList?formID=%00").status_code == 200
    assert phone.get("datasets/anak/integrity?id=%00").status_code == 200


@promise("O1", "O8")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/key/x",
        "/v1/key/x/projects/y/formList",
        "/v1/key/%00/a",
        "/v1/projects/\u0661/formList",
        "/v1/projects/\u0661/forms/ukur.xml",
        f"/v1/projects/{'9' * 5000}/forms/ukur.xml",
        f"/v1/key/x/projects/{'9' * 5000}/formList",
    ],
)
def test_an_address_of_no_project_is_refused_as_phones_read_it(client, path):
    refused(client.get(path, headers={"X-OpenRosa-Version": "1.0"}), 404)


@promise("O8")
def test_a_wrong_method_says_which_are_right(phone):
    answer = phone.village.client.put(f"{phone.base}/submission", data=b"x")
    assert "POST" in refused(answer, 405).headers["Allow"]
    assert refused(phone.village.client.post(f"{phone.base}/formList"), 405)
