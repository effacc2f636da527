"""Submissions: 204 before, 201 or 202 after, and nothing that was sent is ever dropped."""

import io
import threading
import uuid

import pytest

from odk_forms.openrosa import SUCCESS
from sync_server.accounts import devices
from sync_server.db import read_transaction
from sync_server.publishing import closing
from sync_server.stores.submissions import find_submission, list_attachments
from sync_server.web.multipart import MOST_PARTS
from tests.support.promises import promise

CUT_SHORT = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb'


def registration(phone, child=None, **values):
    return phone.register(child or str(uuid.uuid4()), posyandu="melati", **values)


def instance_id(xml: bytes) -> str:
    return xml.split(b"<instanceID>")[1].split(b"<")[0].decode()


def stored(village, xml, form_id="daftar"):
    with village.app.app_context(), read_transaction() as connection:
        row = find_submission(connection, village.project.id, form_id, instance_id(xml))
        files = list_attachments(connection, village.project.id, form_id, instance_id(xml))
    return row, files


@promise("O37", "O38")
def test_the_preflight_is_204_with_size_and_the_phones_own_address(phone):
    answer = phone.village.client.head(f"{phone.base}/submission?deviceID=collect:a")
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    assert answer.headers["X-OpenRosa-Accept-Content-Length"] == "2000000"
    assert answer.headers["Location"] == f"http://localhost{phone.base}/submission"


@promise("O40")
def test_a_form_is_201_with_the_sentence_collect_translates(phone):
    answer = phone.post(registration(phone))
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert f">{SUCCESS}<" in answer.text


@promise("O45")
def test_what_was_sent_is_there_byte_for_byte(village, phone):
    xml = b"\xef\xbb\xbf" + registration(phone, nama="Nur\u2019aini \U0001f476")
    assert phone.post(xml, **{"foto.jpg": b"\x00\xff", "kosong.txt": b""}).status_code == 201
    row, files = stored(village, xml)
    assert row.xml == xml
    blobs = village.app.extensions["simpul"].blobs
    assert {f.name: blobs.read(f.sha256) for f in files} == {
        "foto.jpg": b"\x00\xff",
        "kosong.txt": b"",
    }


def test_the_same_form_again_is_201_and_one_submission(village, phone):
    xml = registration(phone)
    for _ in range(3):
        assert phone.post(xml).status_code == 201
    assert len(village.changes(child_of(xml))) == 1
    assert not village.quarantine()


def child_of(xml: bytes) -> str:
    return xml.split(b" id='")[2].split(b"'")[0].decode()


def test_attachments_in_several_posts_gather_under_one_submission(village, phone):
    xml = registration(phone)
    parts = {
        "xml_submission_file": (io.BytesIO(xml), "a.xml"),
        "1.jpg": (io.BytesIO(b"one"), "1.jpg"),
        "*isIncomplete*": "yes",
    }
    url = f"{phone.base}/submission"
    assert phone.village.client.post(url, data=parts).status_code == 201
    assert stored(village, xml)[0].complete is False
    assert phone.post(xml, **{"2.jpg": b"two"}).status_code == 201
    row, files = stored(village, xml)
    assert row.complete is True
    assert [f.name for f in files] == ["1.jpg", "2.jpg"]


def test_other_content_under_a_known_id_is_202_and_kept_beside(village, phone):
    xml = registration(phone, nama="Siti")
    phone.send(xml)
    other = xml.replace(b"Siti", b"Sita")
    for _ in range(2):
        assert phone.post(other).status_code == 202
    row, _ = stored(village, xml)
    assert row.xml == xml
    kept = village.quarantine()
    assert [(q.code, q.raw) for q in kept] == [("id_reuse", other)]


def test_an_unknown_form_is_202_and_kept_with_its_files(village, phone):
    xml = registration(phone).replace(b"id='daftar'", b"id='baru'")
    assert phone.post(xml, **{"foto.jpg": b"abc"}).status_code == 202
    (kept,) = village.quarantine()
    assert (kept.code, kept.raw) == ("unknown_form", xml)
    assert [one["name"] for one in kept.attachments] == ["foto.jpg"]


def test_an_unknown_version_is_201_read_with_the_newest_and_flagged(village, phone):
    xml = registration(phone, nama="Siti").replace(b"version='1'", b"version='0-lama'")
    assert phone.post(xml).status_code == 201
    assert stored(village, xml)[0].version_unknown is True
    assert village.shown(child_of(xml))["nama"] == "Siti"


@pytest.mark.parametrize(
    "xml",
    [
        b"<!DOCTYPE d [<!ENTITY x 'y'>]><data id='daftar'>&x;</data>",
        b"<data id='daftar'><unclosed>",
        b"<data><no-form-id/></data>",
        b"not xml at all",
        b"",
    ],
    ids=["doctype", "cut-short", "no-form-id", "not-xml", "empty"],
)
def test_xml_that_cannot_be_read_is_400_and_kept(village, phone, xml):
    answer = phone.post(xml)
    assert answer.status_code == 400
    assert b"<OpenRosaResponse" in answer.data
    assert [(q.code, q.raw) for q in village.quarantine()] == [("bad_xml", xml)]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb',
            "multipart/form-data; boundary=x",
        ),
        (b"<data id='daftar'/>", "text/xml"),
        (b"\x00\xff", "multipart/form-data"),
    ],
    ids=["empty", "cut-short", "no-multipart", "no-boundary"],
)
def test_a_post_without_the_xml_part_is_400(phone, body, content_type):
    answer = phone.village.client.post(
        f"{phone.base}/submission", data=body, content_type=content_type
    )
    assert answer.status_code == 400
    assert b"<OpenRosaResponse" in answer.data


def test_a_bad_entity_block_is_quarantined_alone_and_the_form_is_201(village, phone):
    xml = registration(phone)
    bad = xml.replace(child_of(xml).encode(), b"not-a-uuid")
    assert phone.post(bad).status_code == 201
    assert stored(village, bad)[0].xml == bad
    assert [(q.kind, q.code) for q in village.quarantine()] == [("change", "bad_data")]


def test_illegal_control_characters_of_a_barcode_are_read_and_kept(village, phone):
    xml = registration(phone, nama="Siti").replace(b"Siti", b"Si&#29;ti")
    assert phone.post(xml).status_code == 201
    assert stored(village, xml)[0].xml == xml
    assert village.shown(child_of(xml))["nama"].replace("\x1d", "") == "Siti"


def test_a_revoked_phone_is_told_so_and_nothing_is_taken(village, phone):
    xml = registration(phone)
    with village.app.app_context():
        devices.revoke_app_user(
            village.project.id, phone.actor_id, by=village.admin, clock=village.clock
        )
    answer = phone.post(xml)
    assert answer.status_code == 403
    assert "QR" in answer.text


@promise("O46")
def test_ten_parallel_identical_posts_are_ten_201s_and_one_submission(village, phone):
    xml = registration(phone)
    codes = []

    def send():
        codes.append(phone.post(xml, **{"foto.jpg": b"abc"}).status_code)

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [201] * 10
    assert len(village.changes(child_of(xml))) == 1
    assert village.record(child_of(xml)).version == 1
    assert not village.quarantine()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (CUT_SHORT, "multipart/form-data; boundary=x"),
        (b"<data id='daftar'/>", "text/xml"),
        (b"\x00\xff", "multipart/form-data"),
    ],
    ids=["cut-short", "no-multipart", "no-boundary"],
)
def test_what_is_no_submission_is_kept_as_it_came(village, phone, body, content_type):
    url = f"{phone.base}/submission"
    for _ in range(2):
        phone.village.client.post(url, data=body, content_type=content_type)
    assert [(q.kind, q.raw) for q in village.quarantine()] == [("request", body)]


@pytest.mark.parametrize("terminated", [True, False], ids=["gunicorn", "werkzeug"])
def test_what_a_broken_link_left_of_a_post_is_no_work_for_anybody(village, phone, terminated):
    whole = CUT_SHORT + registration(phone) + b"\r\n--x--\r\n"
    answer = village.client.post(
        f"{phone.base}/submission",
        input_stream=io.BytesIO(whole[:-40]),
        content_type="multipart/form-data; boundary=x",
        environ_overrides={
            "CONTENT_LENGTH": str(len(whole)),
            "wsgi.input_terminated": terminated,
        },
    )
    assert answer.status_code == 400
    assert village.quarantine() == []


def test_two_forms_in_one_post_are_both_taken_in(village, phone):
    one, other = registration(phone, nama="Siti"), registration(phone, nama="Budi")
    body = {"xml_submission_file": [(io.BytesIO(one), "a.xml"), (io.BytesIO(other), "b.xml")]}
    assert phone.village.client.post(f"{phone.base}/submission", data=body).status_code == 201
    assert [village.shown(child_of(xml))["nama"] for xml in (one, other)] == ["Siti", "Budi"]


def test_what_postgresql_can_never_index_is_kept_and_not_refused_for_ever(village, phone):
    long_id = "".join(str(uuid.uuid4()) for _ in range(120))
    xml = registration(phone).replace(b"<instanceID>uuid:", f"<instanceID>{long_id}".encode())
    assert phone.post(xml).status_code in (201, 202)
    assert stored(village, xml)[0] is not None or [q.raw for q in village.quarantine()] == [xml]


def test_a_bug_of_our_reading_keeps_the_form_and_answers_well(village, phone, monkeypatch):
    def stumble(raw):
        raise RecursionError("a bug")

    monkeypatch.setattr("sync_server.intake.reading.read", stumble)
    xml = registration(phone)
    assert phone.post(xml).status_code == 202
    assert [(q.code, q.raw) for q in village.quarantine()] == [("engine_error", xml)]


@promise("O41", "O44")
def test_a_head_of_a_client_that_writes_no_utf_8_loses_nothing(village, phone):
    xml = registration(phone)
    body = b'--x\r\nContent-Disposition: form-data; name="xml_submission_file"\r\n\r\n' + xml
    body += b'\r\n--x\r\nContent-Disposition: form-data; name="Bay\xed.jpg\\"; filename="\\"'
    body += b"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\r\n--x--\r\n"
    answer = phone.village.client.post(
        f"{phone.base}/submission", data=body, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 201
    assert {file.name for file in stored(village, xml)[1]} == {"Bay\u00ed.jpg\\"}


@promise("O54")
def test_parts_that_are_too_many_are_kept_as_they_came(village, phone):
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * (MOST_PARTS + 1)
    answer = phone.village.client.post(
        f"{phone.base}/submission", data=body, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 400
    assert "sudah disimpan" in answer.text
    assert [(q.kind, q.raw) for q in village.quarantine()] == [("request", body)]


@promise("O42")
def test_what_waits_for_its_form_is_no_newer_and_no_more_complete_when_that_is_there(
    village, phone
):
    xml = registration(phone).replace(b"id='daftar'", b"id='ukur'")
    set_state(village, "closed")
    assert phone.post(xml, **{"a.jpg": b"of a", "*isIncomplete*": b"yes"}).status_code == 202
    (kept,) = village.quarantine()
    village.pass_time(days=20)
    set_state(village, "open")
    assert not stored(village, xml, "ukur")[0].complete
    assert stored(village, xml, "ukur")[0].received_at == kept.received_at
    assert phone.post(xml, **{"b.jpg": b"of b"}).status_code == 201
    assert stored(village, xml, "ukur")[0].complete


def set_state(village, state):
    with village.app.app_context():
        closing.set_state(village.project.id, "ukur", state, by=village.admin, clock=village.clock)


@promise("O40", "O44")
def test_what_waits_for_its_form_keeps_the_files_of_every_account_that_sent_it(village, phone):
    other, xml = village.phone("b"), registration(phone).replace(b"id='daftar'", b"id='ukur'")
    set_state(village, "closed")
    assert phone.post(xml, **{"a.jpg": b"of a"}).status_code == 202
    assert other.post(xml, **{"b.jpg": b"of b"}).status_code == 202
    set_state(village, "open")
    _, files = stored(village, xml, "ukur")
    assert {file.name: file.here_at is not None for file in files} == {"a.jpg": True, "b.jpg": True}


@promise("O41")
def test_a_kind_of_file_that_no_store_takes_costs_the_form_nothing(village, phone):
    xml = registration(phone)
    body = b'--x\r\nContent-Disposition: form-data; name="xml_submission_file"\r\n\r\n' + xml
    body += b'\r\n--x\r\nContent-Disposition: form-data; name="a.jpg"; filename="a.jpg"'
    body += b"\r\nContent-Type: image/\x00jpeg\r\n\r\n\xff\r\n--x--\r\n"
    answer = phone.village.client.post(
        f"{phone.base}/submission", data=body, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 201
    assert [file.name for file in stored(village, xml)[1]] == ["a.jpg"]
