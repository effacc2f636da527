"""What phones tell of themselves by the way, and how surely the sync board knows it."""

import io
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from odk_forms.collect_date import seconds_ahead
from sync_server.db import db
from sync_server.fleet.wire import collect_date
from sync_server.publishing import publish
from sync_server.reports.clocks import clock_error
from tests.pages.visitor import administrator, at
from tests.scenarios.posyandu import form
from tests.support.promises import promise

COLLECT = "org.odk.collect.android/v2026.3.0 Dalvik/2.1.0 (Linux; U; Android 11; SM-A035F)"
CHILD = "7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e01"
TEN_YEARS = 10 * 365 * 24 * 60 * 60
LIST = "forms/ukur/attachments/anak.csv"


def polled(phone, *, ahead: timedelta = timedelta(0), install: str = "Zk3b") -> None:
    """A poll of a phone whose clock is ahead, but for the list's rows."""
    shown = collect_date(phone.village.clock.now() + ahead)
    for path in ("formList", "forms/ukur/manifest", "forms/ukur.xml"):
        answer = phone.get(
            f"{path}?deviceID=collect%3A{install}", **{"User-Agent": COLLECT, "Date": shown}
        )
        assert answer.status_code == 200


def fetched(phone, install: str = "Zk3b") -> str:
    """The rows of the list; their tag."""
    answer = phone.get(f"{LIST}?deviceID=collect%3A{install}", **{"User-Agent": COLLECT})
    return answer.headers["ETag"].strip('"')


def told(village) -> dict:
    """The one device, as `sync/devices` has it."""
    with village.app.app_context():
        village.app.extensions["simpul"].contacts.flush()
    answer = administrator(village.app).get(f"/v1/projects/{village.project.id}/sync/devices")
    (device,) = answer.json["devices"]
    return device


@promise("O77")
def test_what_a_phone_asks_for_tells_its_versions_and_lists(village, phone):
    polled(phone)
    before = told(village)
    assert before["lists"] == [
        {
            "name": "anak",
            "hash": {"value": None, "certainty": "unknown"},
            "at": None,
            "current": {"value": False, "certainty": "sure"},
            "askedAt": "2026-11-21T03:00:00.000Z",
        }
    ]
    tag = fetched(phone)
    device = told(village)
    (anak,) = device["lists"]
    assert anak["hash"] == {"value": tag, "certainty": "sure"}
    assert (anak["at"], anak["current"]["value"]) == ("2026-11-21T03:00:00.000Z", True)
    assert device["collect"] == {"value": "2026.3.0", "certainty": "sure"}
    assert device["android"] == {"value": "11", "certainty": "sure"}
    ukur = next(one for one in device["forms"] if one["xmlFormId"] == "ukur")
    assert ukur["version"] == {"value": "1", "certainty": "downloaded"}
    assert ukur["at"] == "2026-11-21T03:00:00.000Z"
    assert device["bytesDown"]["value"] > 0


@promise("O77")
def test_a_list_that_altered_is_current_until_the_phone_was_told_and_did_not_fetch(village, phone):
    polled(phone)
    fetched(phone)
    phone.send(phone.register(CHILD, "Siti", nama="Siti", posyandu="melati"))
    assert told(village)["lists"][0]["current"]["value"] is True
    polled(phone)
    assert told(village)["lists"][0]["current"]["value"] is False
    page = administrator(village.app).get(at(village, "board")).text
    assert "yang lebih baru belum diambil" in page


@promise("O77")
def test_a_question_writes_nothing(village, phone):
    polled(phone)
    written: list[str] = []

    def note(connection, cursor, statement, *_):
        if statement.split(None, 1)[0].upper() in ("INSERT", "UPDATE", "DELETE"):
            written.append(statement)

    with village.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    polled(phone)
    fetched(phone)
    event.remove(engine, "before_cursor_execute", note)
    assert written == []


@promise("O81")
def test_only_its_xml_puts_a_form_on_a_phone(village, phone):
    def held() -> list:
        ukur = next(one for one in told(village)["forms"] if one["xmlFormId"] == "ukur")
        return [ukur["version"]["value"], ukur["behind"]["certainty"]]

    phone.get("formList")
    tag = phone.get("forms/ukur/manifest").headers["ETag"]
    assert phone.get("forms/ukur/manifest", **{"If-None-Match": tag}).status_code == 304
    head = village.client.head(f"{phone.base}/forms/ukur.xml")
    assert held() == [None, "unknown"]
    tag = head.headers["ETag"]
    assert phone.get("forms/ukur.xml", **{"If-None-Match": tag}).status_code == 304
    assert held() == ["1", "downloaded"]


@promise("O81")
def test_a_head_hands_nothing_over(village, phone):
    for path in ("forms/ukur.xml", "forms/ukur/manifest", LIST, "submission"):
        answer = village.client.head(f"{phone.base}/{path}", headers={"User-Agent": COLLECT})
        assert answer.status_code in (200, 204)
    device = told(village)
    assert device["lists"] == []
    assert device["bytesDown"] == {"value": 0, "certainty": "sure"}
    assert device["lastContact"]["value"] == "2026-11-21T03:00:00.000Z"


@promise("O83")
def test_of_two_phones_of_one_account_the_older_version_is_said(village, phone):
    polled(phone, install="tua")
    old = fetched(phone, "tua")
    newer = form("ukur", "update").replace("| ukur | ukur | 1 |", "| ukur | ukur | 2 |")
    with village.app.app_context():
        publish.publish(
            village.project.id, newer.encode(), "ukur.md", by=village.admin, clock=village.clock
        )
    phone.send(phone.register(CHILD, "Siti", nama="Siti", posyandu="melati"))
    village.clock.pass_seconds(60)
    polled(phone, install="baru")
    new = fetched(phone, "baru")
    phone.get("forms/ukur/manifest?deviceID=collect%3Atua")

    def held() -> list:
        device = told(village)
        ukur = next(one for one in device["forms"] if one["xmlFormId"] == "ukur")
        (anak,) = device["lists"]
        known = [ukur["version"]["value"], ukur["behind"]["value"], device["status"]["value"]]
        return [*known, anak["hash"]["value"], anak["current"]["value"]]

    assert held() == ["1", 1, "check", old, False]
    page = administrator(village.app).get(at(village, "board")).text
    assert "1 → 2" in page
    assert "tidak di semua HP-nya" in page
    village.clock.pass_days(8)
    polled(phone, install="baru")
    assert held() == ["2", 0, "healthy", new, True]


@promise("O82")
@pytest.mark.parametrize(("xml", "status"), [(b"<data id='none'/>", 202), (b"<data", 400)])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_what_came_is_counted_whatever_it_is_answered(village, phone, xml, status, is_chunked):
    head = b'--b\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="a.xml"'
    body = b"\r\n".join([head, b"Content-Type: text/xml", b"", xml, b"--b--", b""])
    pieces = {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_LENGTH": "",
        "wsgi.input_terminated": True,
    }
    answer = village.client.post(
        f"{phone.base}/submission",
        input_stream=io.BytesIO(body),
        content_type="multipart/form-data; boundary=b",
        environ_overrides=pieces if is_chunked else {"CONTENT_LENGTH": str(len(body))},
    )
    assert answer.status_code == status
    device = told(village)
    assert device["bytesUp"]["value"] == len(body)
    assert device["bytesDown"]["value"] == len(answer.data)
    assert device["lastContact"]["value"] == "2026-11-21T03:00:00.000Z"
    assert (device["lastSubmission"]["value"] is None) is (status == 400)


@promise("O82")
def test_who_is_not_known_is_nobody_that_was_heard(village, phone):
    stranger = phone.base.replace(phone.token, "x" * len(phone.token))
    for answer in (
        village.client.get(f"{stranger}/formList"),
        village.client.post(f"{stranger}/submission", data=b"a"),
    ):
        assert answer.status_code == 403
    device = told(village)
    assert (device["lastContact"]["value"], device["bytesUp"]["value"]) == (None, 0)


@promise("O78")
@pytest.mark.parametrize(
    ("ahead", "shown"),
    [
        (timedelta(minutes=-25), timedelta(minutes=-25)),
        (timedelta(days=2), timedelta(days=2)),
        (timedelta(hours=12), timedelta(0)),  # what twelve hours hide
    ],
)
def test_the_date_of_a_question_tells_a_clock_but_for_twelve_hours(village, phone, ahead, shown):
    polled(phone, ahead=ahead)
    assert told(village)["clockAhead"] == {
        "value": round(shown.total_seconds()),
        "certainty": "probable",
    }


@promise("O78")
def test_a_form_finished_after_it_came_makes_the_clock_certain(village, phone):
    polled(phone, ahead=timedelta(hours=12, minutes=5))
    phone.client_time = "2026-11-21T22:04:00.000+07:00"  # it is ten in the morning there
    phone.send(phone.register(CHILD, "Siti", nama="Siti", posyandu="melati"))
    assert told(village)["clockAhead"] == {"value": 12 * 3600 + 300, "certainty": "sure"}
    page = administrator(village.app).get(at(village, "board")).text
    assert "jam 12 jam lebih cepat" in page
    assert "(mungkin)" not in page


@promise("O78")
@pytest.mark.parametrize(("year", "seconds"), [("2100", TEN_YEARS), ("1970", -TEN_YEARS)])
def test_a_clock_that_is_decades_off_is_told_as_ten_years(village, phone, year, seconds):
    phone.get("formList", Date=f"Mon, 22 Nov {year} 05:00:00 GMT")
    phone.client_time = f"{year}-11-22T05:00:00.000Z"
    phone.send(phone.register(CHILD, "Siti", nama="Siti", posyandu="melati"))
    assert told(village)["clockAhead"] == {"value": seconds, "certainty": "probable"}
    page = administrator(village.app).get(at(village, "board")).text
    assert f"jam 10 tahun {'lebih cepat' if seconds > 0 else 'terlambat'} (mungkin)" in page


@promise("O78")
def test_an_end_that_no_clock_shows_tells_nothing(village, phone):
    phone.client_time = "9999-12-31T23:59:59.000Z"
    phone.send(phone.register(CHILD, "Siti", nama="Siti", posyandu="melati"))
    assert told(village)["clockAhead"] == {"value": None, "certainty": "unknown"}
    polled(phone, ahead=timedelta(minutes=-25))
    assert told(village)["clockAhead"] == {"value": -25 * 60, "certainty": "probable"}


@promise("O78")
def test_a_form_that_waited_says_nothing_of_the_clock(village, phone):
    phone.client_time = "2026-11-01T08:00:00.000+07:00"
    phone.send(phone.register(CHILD, "Siti", nama="Siti", posyandu="melati"))
    assert told(village)["clockAhead"] == {"value": None, "certainty": "unknown"}


@promise("O78")
def test_a_date_that_is_none_is_passed_over():
    now = datetime.fromisoformat("2026-11-21T03:00:00+00:00")
    for header in ("", "yesterday", "Sat, 31 Foo 2026 03:00:00 GMT", "Sat, 31 Feb 2026 03:00:00"):
        assert seconds_ahead(header, now) is None
    assert seconds_ahead("Mon, 01 Jan 0001 12:00:00 GMT", now) is not None
    assert clock_error(None, None) is None
    assert clock_error(None, -90_000) is None
