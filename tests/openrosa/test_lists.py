"""formList, manifest, XML and lists: headers to the letter, tags that hold, and no strangers."""

import gzip
import hashlib
import uuid

import pytest
from lxml import etree

from sync_server.accounts import devices
from tests.support.promises import promise

LIST_NS = "{http://openrosa.org/xforms/xformsList}"
MANIFEST_NS = "{http://openrosa.org/xforms/xformsManifest}"


def forms_listed(phone):
    answer = phone.get("formList")
    return {
        xform.findtext(f"{LIST_NS}formID"): xform
        for xform in etree.fromstring(answer.data).findall(f"{LIST_NS}xform")
    }


def manifest_of(phone, form_id="ukur"):
    url = forms_listed(phone)[form_id].findtext(f"{LIST_NS}manifestUrl")
    answer = phone.village.client.get(url)
    return answer, etree.fromstring(answer.data).findall(f"{MANIFEST_NS}mediaFile")


def list_hash(phone) -> str:
    _, files = manifest_of(phone)
    return files[0].findtext(f"{MANIFEST_NS}hash")


@promise("O1", "O2", "O3")
def test_every_listing_answers_with_the_headers_collect_looks_for(phone):
    manifest, _ = manifest_of(phone)
    integrity = phone.get(f"datasets/anak/integrity?id={uuid.uuid4()}")
    for answer in (phone.get("formList?deviceID=collect%3Aabc"), manifest, integrity):
        assert answer.status_code == 200
        assert answer.headers["X-OpenRosa-Version"] == "1.0"
        assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.headers["ETag"]
        assert answer.data.startswith(b"<?xml")


@promise("O23", "O27")
def test_the_hash_listed_is_the_md5_of_the_bytes_served(phone):
    for form_id, xform in forms_listed(phone).items():
        xml = phone.village.client.get(xform.findtext(f"{LIST_NS}downloadUrl")).data
        assert (
            xform.findtext(f"{LIST_NS}hash")
            == f"md5:{hashlib.md5(xml, usedforsecurity=False).hexdigest()}"
        )
        assert form_id.encode() in xml


@promise("O12")
def test_addresses_carry_the_host_and_token_the_phone_used(phone):
    for xform in forms_listed(phone).values():
        url = xform.findtext(f"{LIST_NS}downloadUrl")
        assert url.startswith(f"http://localhost/v1/key/{phone.token}/projects/")


@promise("O6", "O25")
def test_form_id_filters_and_other_parameters_are_ignored(phone):
    assert list(forms_listed(phone)) == ["daftar", "ukur"]
    answer = phone.get("formList?formID=ukur&verbose=true&listAllVersions=yes")
    assert answer.text.count("<xform>") == 1
    assert phone.get("formList?formID=none").text.count("<xform>") == 0


@promise("O1", "O3")
@pytest.mark.parametrize(
    "path",
    ["formList", "forms/ukur.xml", "forms/ukur/manifest", "forms/ukur/attachments/anak.csv"],
)
def test_what_the_phone_holds_is_not_sent_again(phone, path):
    first = phone.get(path)
    for tag in (first.headers["ETag"], f"W/{first.headers['ETag']}"):
        again = phone.get(path, **{"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["X-OpenRosa-Version"] == "1.0"


@promise("O4")
def test_text_is_gzipped_for_who_takes_it(phone):
    plain = phone.get("forms/ukur.xml")
    packed = phone.get("forms/ukur.xml", **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2


@promise("O10", "O11")
def test_slashes_too_many_are_served_without_a_redirect(phone):
    path = phone.base.replace("/projects", "//projects")
    assert phone.village.client.get(f"{path}//formList").status_code == 200
    assert phone.get("formList/").status_code == 200


@promise("O32")
def test_an_empty_list_still_has_its_header_line(phone):
    answer = phone.get("forms/ukur/attachments/anak.csv")
    assert answer.text == "name,label,__version,nama,posyandu,rt,bb,tb,tgl,imunisasi\n"
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


@promise("O31")
def test_the_list_is_an_entity_list_with_its_integrity_address(phone):
    _, files = manifest_of(phone)
    assert [file.findtext(f"{MANIFEST_NS}filename") for file in files] == ["anak.csv"]
    assert files[0].get("type") == "entityList"
    tag = phone.get("forms/ukur/attachments/anak.csv").headers["ETag"]
    assert files[0].findtext(f"{MANIFEST_NS}hash") == f"md5:{tag.strip(chr(34))}"


@promise("O31")
def test_a_list_changes_its_hash_only_when_a_child_of_this_posyandu_changes(village):
    melati, mawar = village.phone("a", "melati"), village.phone("b", "mawar")
    for phone in (melati, mawar):
        phone.sync()
    ours, theirs = str(uuid.uuid4()), str(uuid.uuid4())
    empty = list_hash(melati)
    mawar.send(mawar.register(theirs, nama="Dewi", posyandu="mawar"))
    assert list_hash(melati) == empty
    melati.send(melati.register(ours, nama="Siti", posyandu="melati"))
    full = list_hash(melati)
    assert full != empty
    mawar.sync()
    mawar.send(mawar.measure(theirs, rt="3"))
    assert list_hash(melati) == full
    assert list_hash(mawar) != empty


@promise("O31", "O62")
def test_what_no_list_has_yet_alters_no_hash(village):
    early, late, born = village.phone("a"), village.phone("b"), str(uuid.uuid4())
    for phone in (early, late):
        phone.sync()
    create = early.register(born, nama="Siti", posyandu="melati")
    early.anak.entities[born].properties["posyandu"] = "melati"
    update = early.measure(born, posyandu="melati", rt="3")
    empty = list_hash(late)
    early.send(update)
    assert village.record(born).status == "incomplete"
    assert list_hash(late) == empty
    early.send(create)
    full = list_hash(late)
    assert full != empty
    with village.app.app_context():  # where no child is yet
        devices.set_properties(
            village.project.id,
            late.actor_id,
            {"posyandu": ["melati", "kenanga"]},
            by=village.admin,
            clock=village.clock,
        )
    assert list_hash(late) == full


@promise("O33")
def test_a_phone_never_hears_of_another_posyandus_child(village):
    melati, mawar = village.phone("a", "melati"), village.phone("b", "mawar")
    mawar.sync()
    theirs = str(uuid.uuid4())
    mawar.send(mawar.register(theirs, label="Dewi", nama="Dewi", posyandu="mawar"))
    csv = melati.get("forms/ukur/attachments/anak.csv").text
    integrity = melati.get(f"datasets/anak/integrity?id={theirs}").text
    everything = melati.get("datasets/anak/integrity").text
    for heard in (csv, integrity, everything):
        assert theirs not in heard
        assert "Dewi" not in heard


def test_an_update_of_another_posyandus_child_is_kept_for_a_person(village):
    melati, mawar = village.phone("a", "melati"), village.phone("b", "mawar")
    for phone in (melati, mawar):
        phone.sync()
    child = str(uuid.uuid4())
    mawar.send(mawar.register(child, nama="Dewi", posyandu="mawar"))
    mawar.sync()
    stolen = mawar.measure(child, rt="9")
    assert melati.post(stolen).status_code == 201
    assert [row.code for row in village.quarantine()] == ["out_of_area"]
    assert "rt" not in village.shown(child)


@promise("O35")
def test_a_child_that_moves_leaves_one_list_and_enters_the_other(village):
    melati, mawar = village.phone("a", "melati"), village.phone("b", "mawar")
    for phone in (melati, mawar):
        phone.sync()
    child = str(uuid.uuid4())
    melati.send(melati.register(child, nama="Siti", posyandu="melati"))
    melati.sync()
    melati.send(melati.measure(child, posyandu="mawar"))
    for phone in (melati, mawar):
        phone.sync()
    assert child not in melati.anak.entities
    assert child in mawar.anak.entities
    gone = melati.get(f"datasets/anak/integrity?id={child}").text
    assert "<deleted>true</deleted>" in gone


@promise("O35", "O36")
def test_integrity_leaves_out_what_has_not_come_and_what_is_no_id(phone):
    answer = phone.get(f"datasets/anak/integrity?id={uuid.uuid4()},nonsense,%00")
    assert answer.status_code == 200
    assert "<entity" not in answer.text


@promise("O33")
def test_nik_is_on_no_phone(village, phone):
    phone.sync()
    child = str(uuid.uuid4())
    phone.send(phone.register(child, nama="Siti", posyandu="melati", nik="3211010101200001"))
    assert "3211010101200001" not in phone.get("forms/ukur/attachments/anak.csv").text
    assert village.shown(child)["nik"] == "3211010101200001"


@promise("O16")
@pytest.mark.parametrize("path", ["formList", "forms/ukur.xml", "forms/ukur/attachments/anak.csv"])
def test_a_token_that_is_not_known_is_403_with_a_message(village, path):
    village.phone("a")
    answer = village.client.get(f"/v1/key/{'x' * 64}/projects/{village.project.id}/{path}")
    assert answer.status_code == 403
    assert b"<OpenRosaResponse" in answer.data
    assert "WWW-Authenticate" not in answer.headers


@promise("O8")
@pytest.mark.parametrize(
    "path", ["forms/none.xml", "forms/none/manifest", "datasets/none/integrity"]
)
def test_what_is_not_there_is_404_in_openrosa_dress(phone, path):
    answer = phone.get(path)
    assert answer.status_code == 404
    assert b"<OpenRosaResponse" in answer.data


@promise("P69")
def test_a_child_without_a_posyandu_is_only_of_the_phones_that_wrote_it(village):
    melati, mawar = village.phone("a", "melati"), village.phone("b", "mawar")
    for phone in (melati, mawar):
        phone.sync()
    child = str(uuid.uuid4())
    melati.send(melati.register(child, nama="Siti"))
    melati.sync()
    mawar.anak.entities[child] = melati.anak.entities[child]
    assert mawar.post(mawar.measure(child, posyandu="mawar")).status_code == 201
    assert [row.code for row in village.quarantine()] == ["out_of_area"]
    melati.send(melati.measure(child, posyandu="melati"))
    assert village.shown(child)["posyandu"] == "melati"
