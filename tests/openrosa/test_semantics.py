"""What becomes of a submission in every case: acknowledged or refused, and in the end always kept.

Each test holds the rules of `docs/openrosa.md` that it names.
"""

import hashlib
import io
import os
import threading
import tracemalloc
import unicodedata

import pytest
from sqlalchemy import update

from conflict.areas import UNBOUND
from odk_forms.openrosa import SUCCESS
from sync_server.accounts import devices
from sync_server.blobs import Blobs
from sync_server.db import read_transaction, write_transaction
from sync_server.intake import revoked
from sync_server.intake.quarantine import retry
from sync_server.models.forms import Form
from sync_server.reports.quarantined import quarantine_list
from sync_server.stores.upsert import table_of
from tests.openrosa.okhttp import (
    MULTIPART,
    Reader,
    body_of,
    filled,
    new_id,
    publish_visit,
    send,
)
from tests.support.promises import promise


@pytest.fixture
def reader(village):
    publish_visit(village)
    return Reader(village)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@promise("O41", "O42", "O46")
def test_parts_come_in_any_order_twice_and_what_is_missing_is_listed(reader, phone):
    files = (("1.jpg", b"one"), ("2.jpg", b"two"), ("audit.csv", b"event,node\n"))
    for order in ((0, 1, 2, 0), (2, 1, 0), (1, 1, 2, 0)):
        instance, came = new_id(), set()
        xml = filled(instance, foto="1.jpg", kedua="2.jpg")
        for place, file in enumerate(order, 1):
            last = place == len(order)
            assert send(phone, xml, files[file], complete=last).status_code == 201
            came.add(files[file])
            facts = reader.facts(instance)
            assert facts["complete"] is last
            assert set(facts["missing"]) == {name for name, _ in set(files) - came}
        listed = reader.files(instance)
        assert {name: row["sha256"] for name, row in listed.items()} == {
            name: sha256(data) for name, data in files
        }
        assert all(row["referenced"] and not row["older"] for row in listed.values())
    assert reader.count() == 3


@promise("O41", "O46")
def test_parts_at_the_same_time_are_one_submission(reader, phone):
    instance = new_id()
    xml, codes = filled(instance, foto="0.jpg"), []

    def work(number: int) -> None:
        answer = send(phone, xml, (f"{number % 3}.jpg", b"%d" % (number % 3)))
        codes.append(answer.status_code)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert codes == [201] * 6
    assert sorted(reader.files(instance)) == ["0.jpg", "1.jpg", "2.jpg", "audit.csv"]
    assert reader.count() == 1


@promise("O40")
def test_form_and_files_are_on_the_disk_before_the_answer(reader, phone, monkeypatch):
    synced, real = [], os.fsync
    monkeypatch.setattr("sync_server.blobs.os.fsync", lambda fd: (synced.append(fd), real(fd)))
    assert SUCCESS in send(phone, filled(new_id()), ("1.jpg", b"one")).text
    assert synced
    with phone.village.app.app_context(), read_transaction() as connection:
        if connection.dialect.name == "sqlite":  # PostgreSQL's own setting is its owner's
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() >= 2


@promise("O40")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_nothing_is_acknowledged_when_a_file_cannot_be_kept(reader, phone, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    instance = new_id()
    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "put", full)
        answer = send(phone, filled(instance), ("1.jpg", b"one"))
    assert answer.status_code == 503
    assert reader.api.get(reader.path(instance)).status_code == 404
    assert send(phone, filled(instance), ("1.jpg", b"one")).status_code == 201


@promise("O73", "O80")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_phone_is_heard_to_its_end_also_when_the_disk_is_full(phone, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.write", full)
    body = io.BytesIO(body_of(filled(new_id()), [("1.jpg", b"x" * 500_000)]))
    url = f"{phone.base}/submission"
    answer = phone.village.client.post(url, input_stream=body, content_type=MULTIPART)
    assert (answer.status_code, body.read()) == (503, b"")


HOSTILE = [
    "../../x.jpg",
    "/etc/passwd",
    "C:\\dcim\\foto.jpg",
    "back\\slash.jpg",
    "foto 1 (2) #%?&+=.jpg",
    "a%20b.jpg",
    "per\u202ecod.jpg",
    "صادق.jpg",
    "😀.jpg",
    "kuo\u0302ta.jpg",
    'kutip"ganda.jpg',
    "baris\nbaru.jpg",
    "x" * 300 + ".jpg",
    ".tersembunyi",
    "CON",
    "semi;colon.jpg",
    "titik.",
    " spasi ",
]


@promise("O44")
def test_hostile_names_are_kept_as_they_came_and_are_no_paths(reader, phone, tmp_path):
    instance = new_id()
    sent = {name: name.encode() for name in HOSTILE} | {"kosong.jpg": b""}
    before = {path for path in tmp_path.rglob("*") if "blobs" not in path.parts}
    assert send(phone, filled(instance, foto="kosong.jpg"), *sent.items()).status_code == 201
    listed = reader.files(instance)
    assert {name for name, row in listed.items() if row["exists"]} == set(sent)
    assert listed["kosong.jpg"]["referenced"]
    for name, data in sent.items():
        answer = reader.file(instance, name)
        assert (answer.status_code, answer.data) == (200, data), name
        assert "\n" not in answer.headers["Content-Disposition"]
    blobs = [path for path in (tmp_path / "home" / "blobs").rglob("*") if path.is_file()]
    assert {path.name for path in blobs} == {sha256(data) for data in sent.values()}
    after = {path for path in tmp_path.rglob("*") if "blobs" not in path.parts}
    assert {path.name for path in after - before} <= {"simpul.db-wal", "simpul.db-shm", "home"}


@promise("O41", "O44")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_name_is_found_in_the_xml_in_the_letters_of_either_side(reader, phone):
    instance = new_id()
    composed = unicodedata.normalize("NFC", "kuo\u0302ta.jpg")
    xml = filled(instance, foto=composed, kedua="C:\\dcim\\dua.jpg")
    files = (("kuo\u0302ta.jpg", b"1"), ("dua.jpg", b"2"), ("a\x00b.jpg", b"3"))
    assert send(phone, xml, *files).status_code == 201
    listed = reader.files(instance)
    assert listed["kuo\u0302ta.jpg"]["referenced"]
    assert listed["dua.jpg"]["referenced"]
    assert listed["a\ufffdb.jpg"]["exists"]
    assert reader.facts(instance)["missing"] == ["audit.csv"]


@promise("O44")
@pytest.mark.parametrize(
    "told", ["image/\x00jpeg", "gambar/\U0001f476", "x" * 9999, "", "\x1b/\x7f"]
)
def test_a_kind_of_file_that_is_none_is_told_by_its_name(reader, phone, told):
    instance = new_id()
    body = body_of(filled(instance, foto="1.jpg"), [("1.jpg", b"JPG")])
    spoilt = body.replace(b"image/jpeg", told.encode())
    answer = phone.village.client.post(
        f"{phone.base}/submission", data=spoilt, content_type=MULTIPART
    )
    assert answer.status_code == 201
    assert reader.file(instance, "1.jpg").content_type == "image/jpeg"


@promise("O43")
def test_what_the_form_does_not_name_is_kept_and_marked(reader, phone):
    instance = new_id()
    assert send(phone, filled(instance, foto="1.jpg"), ("lama.jpg", b"old")).status_code == 201
    listed = reader.files(instance)
    assert (listed["lama.jpg"]["exists"], listed["lama.jpg"]["referenced"]) == (True, False)
    assert (listed["1.jpg"]["exists"], listed["1.jpg"]["referenced"]) == (False, True)


@promise("O48")
def test_other_bytes_under_a_name_replace_it_and_those_before_stay(village, reader, phone):
    instance = new_id()
    xml = filled(instance, foto="1.jpg")
    for data in (b"first", b"second", b"second", b"third"):
        assert send(phone, xml, ("1.jpg", data)).status_code == 201
        village.pass_time()
    row = reader.files(instance)["1.jpg"]
    assert row["sha256"] == sha256(b"third")
    assert row["older"] == [sha256(b"first"), sha256(b"second")]
    assert reader.file(instance, "1.jpg").data == b"third"
    assert reader.file(instance, "1.jpg", sha256(b"first")).data == b"first"
    assert reader.file(instance, "1.jpg", sha256(b"none")).status_code == 404
    # Two parts of one name in one POST: none is dropped.
    assert send(phone, xml, ("2.jpg", b"a"), ("2.jpg", b"b")).status_code == 201
    both = reader.files(instance)["2.jpg"]
    assert {both["sha256"], *both["older"]} == {sha256(b"a"), sha256(b"b")}


@promise("O49", "O50")
def test_an_instance_is_its_forms_own_and_one_without_an_id_counts_once(village, reader, phone):
    nameless = filled(None)
    for _ in range(3):
        assert send(phone, nameless, ("1.jpg", b"one")).status_code == 201
    assert reader.count() == 1
    instance = new_id()
    other = phone.register("7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b7e01", posyandu="melati")
    before = other.split(b"<instanceID>")[1].split(b"<")[0]
    assert send(phone, other.replace(before, instance.encode())).status_code == 201
    assert send(phone, filled(instance)).status_code == 201
    assert reader.xml(instance) == filled(instance)
    assert b"daftar" in reader.xml(instance, "daftar")
    assert not village.quarantine()


@promise("O47")
def test_another_content_under_a_known_id_is_a_variant_that_a_supervisor_sees(
    village, reader, phone
):
    instance = new_id()
    assert send(phone, filled(instance)).status_code == 201
    variants = [filled(instance, nama=nama) for nama in ("Sita", "Siti ")]
    for xml in variants * 2:
        assert send(phone, xml, ("1.jpg", b"one")).status_code == 202
    assert reader.xml(instance) == filled(instance)
    kept = village.quarantine()
    assert sorted((row.code, row.raw) for row in kept) == sorted(
        ("id_reuse", xml) for xml in variants
    )
    with village.app.app_context():
        seen = quarantine_list(village.project.id, UNBOUND, state="open", after=None)
    assert {one.instance_id for one in seen.items} == {instance}
    assert [one.attachments for one in seen.items] == [("1.jpg",)] * 2


@promise("O52", "O53")
def test_versions_and_states_never_strand_a_form_on_a_phone(village, reader, phone):
    instance = new_id()
    assert send(phone, filled(instance, version="0-lama", foto="1.jpg")).status_code == 201
    facts = reader.facts(instance)
    assert (facts["versionUnknown"], facts["formVersion"]) == (True, "0-lama")
    assert facts["missing"] == ["1.jpg", "audit.csv"]
    assert send(phone, filled(new_id(), form="belum"), ("1.jpg", b"1")).status_code == 202
    for state, status in (("closing", 201), ("closed", 202)):
        with village.app.app_context(), write_transaction() as connection:
            connection.execute(
                update(table_of(Form)).where(Form.xml_form_id == "visit").values(state=state)
            )
        assert send(phone, filled(new_id())).status_code == status
        assert send(phone, filled(instance, version="0-lama", foto="1.jpg")).status_code == 201
    assert sorted(row.code for row in village.quarantine()) == ["not_allowed", "unknown_form"]


@promise("O54", "O55")
def test_what_nothing_can_be_read_from_is_400_and_kept(village, phone):
    doctype = b"<!DOCTYPE d [<!ENTITY x 'y'>]><data id='visit'>&x;</data>"
    unreadable = [doctype, b"<data id='visit'><cut>", b"<data/>", b"no xml", b""]
    for xml in unreadable * 2:
        answer = send(phone, xml, ("1.jpg", b"one"))
        assert answer.status_code == 400
        assert "<OpenRosaResponse" in answer.text
    assert {row.raw for row in village.quarantine()} == set(unreadable)
    url = f"{phone.base}/submission"
    without_xml = body_of(None, [("1.jpg", b"one")])
    bodies = [(b"<data id='visit'/>", "text/xml"), (b"\x00\xff", "multipart/form-data")]
    bodies.append((without_xml, MULTIPART))
    for body, kind in bodies * 2:
        answer = phone.village.client.post(url, data=body, content_type=kind)
        assert answer.status_code == 400
        assert "<OpenRosaResponse" in answer.text
    requests = [row.raw for row in village.quarantine() if row.kind == "request"]
    assert sorted(requests) == sorted(body for body, _ in bodies)


@promise("O21")
def test_what_a_revoked_device_brings_is_refused_and_kept_once(village, reader, phone, monkeypatch):
    known = filled(new_id(), foto="1.jpg")
    assert send(phone, known, ("1.jpg", b"one")).status_code == 201
    village.pass_time()
    with village.app.app_context():
        devices.revoke_app_user(
            village.project.id, phone.actor_id, by=village.admin, clock=village.clock
        )
    instance = new_id()
    xml = filled(instance, foto="1.jpg")
    for sent in (xml, known, xml):
        answer = send(phone, sent, ("1.jpg", b"one"))
        assert answer.status_code == 403
        assert "QR" in answer.text
    assert send(phone, known, ("2.jpg", b"two")).status_code == 403
    assert phone.get("formList").status_code == 403
    assert {(row.code, row.raw) for row in village.quarantine()} == {
        ("revoked_device", xml),
        ("revoked_device", known),
    }
    assert "2.jpg" not in reader.files(known.split(b"<instanceID>")[1].split(b"<")[0].decode())
    (kept,) = [row for row in village.quarantine() if row.raw == xml]
    with village.app.app_context():
        retry(village.project, kept.quarantine_id, by=village.admin, clock=village.clock)
    assert reader.files(instance)["1.jpg"]["exists"]
    monkeypatch.setattr(revoked, "MOST_THINGS", 2)
    assert send(phone, filled(new_id())).status_code == 403
    assert len(village.quarantine()) == 2


@promise("O8")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_body_too_large_is_413_in_openrosa_dress(village, reader, phone):
    village.app.config["MAX_CONTENT_LENGTH"] = 1000
    instance = new_id()
    answer = send(phone, filled(instance), ("1.jpg", b"x" * 1000))
    assert answer.status_code == 413
    assert '<message nature="submit_error">' in answer.text
    assert reader.api.get(reader.path(instance)).status_code == 404
    assert send(phone, filled(instance)).status_code == 201


@promise("O54")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_xml_too_large_to_be_read_is_400_and_kept_whole_beside_its_beginning(
    village, phone, monkeypatch
):
    monkeypatch.setattr("odk_forms.xml.MAX_BYTES", 100_000)
    monkeypatch.setattr("sync_server.openrosa.submissions.MAX_XML_BYTES", 100_000)
    xml = filled(new_id(), nama="x" * 150_000)
    assert send(phone, xml).status_code == 400
    (kept,) = village.quarantine()
    assert (kept.code, kept.raw) == ("bad_xml", xml[:100_001])
    assert [one["sha256"] for one in kept.attachments] == [sha256(xml)]
    assert village.app.extensions["simpul"].blobs.read(sha256(xml)) == xml


@promise("O44")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_film_passes_through_without_being_held_in_memory(reader, phone):
    instance, film = new_id(), b"film" * (4 << 20)
    body = body_of(filled(instance, foto="film.mp4"), [("film.mp4", film)])
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        answer = phone.village.client.post(
            f"{phone.base}/submission",
            input_stream=io.BytesIO(body),
            content_length=len(body),
            content_type=MULTIPART,
        )
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert answer.status_code == 201
    assert reader.files(instance)["film.mp4"]["sha256"] == sha256(film)
    assert peak < len(film) / 2


@promise("O41")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_form_may_be_a_plain_field_and_so_may_its_files(reader, phone):
    instance = new_id()
    data = {"xml_submission_file": filled(instance).decode(), "lain": "x"}
    answer = phone.village.client.post(
        f"{phone.base}/submission", data=data, content_type="multipart/form-data"
    )
    assert answer.status_code == 201
    assert reader.xml(instance) == filled(instance)
    assert list(reader.files(instance)) == ["lain", "audit.csv"]


@promise("O51")
def test_a_deleted_submission_that_comes_again_is_taken_and_stays_deleted(village, reader, phone):
    instance = new_id()
    send(phone, filled(instance))
    path = reader.path(instance)
    assert reader.api.done("DELETE", path) == {"success": True}
    assert reader.api.delete(path).status_code == 404
    assert send(phone, filled(instance), ("foto.jpg", b"a photo")).status_code == 201
    assert village.quarantine() == []
    every = f"{reader.base}/visit/submissions"
    assert reader.api.done("GET", every) == []
    assert [one["instanceId"] for one in reader.api.done("GET", f"{every}?deleted=true")] == [
        instance
    ]
    for hidden in (path, f"{path}.xml", f"{path}/attachments"):
        assert reader.api.get(hidden).status_code == 404

    assert reader.api.done("POST", f"{path}/restore") == {"success": True}
    assert reader.api.post(f"{path}/restore").status_code == 404
    assert reader.api.get(f"{path}.xml").data == filled(instance)
    assert reader.files(instance)["foto.jpg"]["exists"]


@promise("O37")
def test_a_device_on_a_bad_line_is_told_to_send_smaller_parts(reader, phone):
    def told():
        answer = phone.village.client.head(f"{phone.base}/submission")
        return answer.headers["X-OpenRosa-Accept-Content-Length"]

    path = f"/projects/{phone.village.project.id}/app-users/{phone.actor_id}"
    usual = told()
    assert reader.api.done("PATCH", path, {"partBytes": 200_000})["partBytes"] == 200_000
    assert told() == "200000"
    for wrong in (0, -1, "x", 2**40, 1.5):
        assert reader.api.patch(path, {"partBytes": wrong}).status_code == 400
    assert told() == "200000"
    reader.api.done("PATCH", path, {"partBytes": None})
    assert told() == usual
