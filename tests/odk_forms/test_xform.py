"""What the server takes from an XForm, on pyxform's real output."""

import json

import pytest

from conflict.policy import Policy
from odk_forms.convert import to_xform
from odk_forms.errors import FormError
from odk_forms.xform import EntityBinding, FormDefinition, MediaRef, PropertySpec, examine, read

VISIT = """
| settings |
|          | form_id   | form_title | version    | namespaces                 |
|          | kunjungan | Kunjungan  | 2026112101 | simpul="urn:simpul:xforms" |
| survey   |
|   | type                   | name    | label::id | label::en | save_to     | bind::simpul:merge |
|   | end                    | selesai |           |           |             |                    |
|   | select_one_from_file anak.csv | anak | Anak  | Child     |             |                    |
|   | date                   | tgl     | Tanggal   | Date      | tgl_ukur    |                    |
|   | decimal                | bb      | B ${anak} | Weight    | bb_terakhir | latest(tgl_ukur)   |
|   | select_multiple vaksin | imun    | Imunisasi | Vaccines  | imunisasi   | union              |
|   | image                  | foto    | Foto      | Photo     |             |                    |
|   | audit                  | audit   |           |           |             |                    |
| choices  |
|          | list_name | name | label::id | label::en |
|          | vaksin    | bcg  | BCG       | BCG       |
| entities |
|          | list_name | label   | entity_id | create_if    | update_if     |
|          | anak      | ${tgl}  | ${anak}   | ${anak} = '' | ${anak} != '' |
"""

HOUSE = """
| settings |
|          | form_id | form_title | version |
|          | rumah   | Rumah      | 1       |
| survey   |
|          | type         | name   | label  | save_to      |
|          | text         | alamat | Alamat | rumah#alamat |
|          | begin_repeat | anak   | Anak   |              |
|          | text         | nama   | Nama   | anak#nama    |
|          | begin_group  | dalam  | Dalam  |              |
|          | text         | nik    | NIK    | anak#nik     |
|          | end_group    |        |        |              |
|          | end_repeat   |        |        |              |
| entities |
|          | list_name | label     |
|          | rumah     | ${alamat} |
|          | anak      | ${nama}   |
"""


def form(table: str) -> FormDefinition:
    return read(to_xform(table.encode(), "form.md", validate=False).xml)


def by_hand(
    *,
    root: str = '<data id="f" version="1"><a/></data>',
    binds: str = "",
    title: str = "Formulir",
    more: str = "",
    body: str = "",
) -> bytes:
    """An XForm not made by pyxform."""
    return f"""<?xml version="1.0"?>
    <h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
      xmlns:orx="http://openrosa.org/xforms" xmlns:s="urn:simpul:xforms"
      xmlns:e="http://www.opendatakit.org/xforms/entities">
      <h:head><h:title>{title}</h:title>
        <model e:entities-version="2025.1.0">{more}<instance>{root}</instance>{binds}</model>
      </h:head><h:body>{body}</h:body></h:html>""".encode()


def test_ids_title_and_version_are_text_as_written():
    visit = form(VISIT)

    assert (visit.xml_form_id, visit.version, visit.title) == (
        "kunjungan",
        "2026112101",
        "Kunjungan",
    )
    assert visit.entities_version == "2024.1.0"
    assert visit.end_path == "/selesai"
    assert visit.languages == ("id", "en")


def test_fields_know_their_type_and_their_labels():
    fields = form(VISIT).field_at

    assert {path: one.type for path, one in fields.items() if one.is_question} == {
        "/selesai": "dateTime",
        "/anak": "string",
        "/tgl": "date",
        "/bb": "decimal",
        "/imun": "string",
        "/foto": "binary",
        "/meta/entity/label": "string",
        "/meta/audit": "binary",
        "/meta/instanceID": "string",
    }
    assert [path for path, one in fields.items() if one.binary] == ["/foto", "/meta/audit"]
    assert [path for path, one in fields.items() if one.select_multiple] == ["/imun"]
    assert fields["/bb"].labels == {"id": "B {anak}", "en": "Weight"}


def test_groups_and_repeats_are_fields_once():
    fields = form(HOUSE).fields

    assert [(one.path, one.type) for one in fields if one.path.startswith("/anak")][:4] == [
        ("/anak", "repeat"),
        ("/anak/nama", "string"),
        ("/anak/dalam", "structure"),
        ("/anak/dalam/nik", "string"),
    ]
    assert form(HOUSE).field_at["/anak"].labels == {"default": "Anak"}


def test_an_upsert_may_create_and_update():
    assert form(VISIT).entities == (
        EntityBinding(
            list_name="anak",
            owner="",
            may_create=True,
            may_update=True,
            saves={"tgl_ukur": "/tgl", "bb_terakhir": "/bb", "imunisasi": "/imun"},
        ),
    )
    assert form(VISIT).lists == {
        "anak": {
            "tgl_ukur": PropertySpec(),
            "bb_terakhir": PropertySpec(Policy("latest", "tgl_ukur")),
            "imunisasi": PropertySpec(Policy("union")),
        }
    }


def test_each_entity_owns_what_is_nearest_to_it():
    house = form(HOUSE)

    assert house.entities_version == "2025.1.0"
    assert {(one.list_name, one.owner): one.saves for one in house.entities} == {
        ("anak", "/anak"): {"nama": "/anak/nama", "nik": "/anak/dalam/nik"},
        ("rumah", ""): {"alamat": "/alamat"},
    }
    assert {one.list_name: (one.may_create, one.may_update) for one in house.entities} == {
        "anak": (True, False),
        "rumah": (True, False),
    }


NESTED = """
| settings |
|          | form_id | form_title | version |
|          | rumah   | Rumah      | 1       |
| survey   |
|          | type                          | name   | label  | save_to      |
|          | text                          | alamat | Alamat | rumah#alamat |
|          | begin_group                   | ibu    | Ibu    |              |
|          | text                          | nama   | Nama   | ibu#nama     |
|          | begin_repeat                  | balita | Balita |              |
|          | select_one_from_file anak.csv | anak   | Anak   |              |
|          | decimal                       | bb     | Berat  | anak#bb      |
|          | end_repeat                    |        |        |              |
|          | end_group                     |        |        |              |
| entities |
|          | list_name | label     | entity_id                     | create_if    | update_if |
|          | rumah     | ${alamat} |                               |              |           |
|          | ibu       | ${nama}   |                               |              |           |
|          | anak      | ${bb}     | coalesce(${anak}, uuid())     | ${anak} = '' | true()    |
"""


def test_groups_and_repeats_inside_each_other_own_entities():
    assert {(one.list_name, one.owner): one.saves for one in form(NESTED).entities} == {
        ("rumah", ""): {"alamat": "/alamat"},
        ("ibu", "/ibu"): {"nama": "/ibu/nama"},
        ("anak", "/ibu/balita"): {"bb": "/ibu/balita/bb"},
    }
    assert [one.list_name for one in form(NESTED).entities if one.may_update] == ["anak"]


@pytest.mark.parametrize("table", [VISIT, HOUSE, NESTED], ids=["visit", "house", "nested"])
def test_a_definition_can_be_kept_as_json(table):
    definition = form(table)

    assert FormDefinition.from_json(json.loads(json.dumps(definition.to_json()))) == definition


def test_kept_off_phones_is_read_from_yes_and_no():
    root = '<data id="f"><a/><b/><meta><entity dataset="anak" create="1" id=""/></meta></data>'
    binds = (
        '<bind nodeset="/data/a" e:saveto="nik" s:phone="no" s:merge="first"/>'
        '<bind nodeset="/data/b" e:saveto="rt" s:phone="yes"/>'
    )

    definition = read(by_hand(root=root, binds=binds))

    assert definition.lists["anak"]["nik"] == PropertySpec(Policy("first"), phone=False)
    assert definition.lists["anak"]["rt"] == PropertySpec(None, phone=True)


def test_files_a_form_expects_are_found_wherever_it_names_them():
    media = """<itext><translation lang="id"><text id="a"><value>A</value>
      <value form="image">jr://images/gambar.png</value>
      <value form="audio">jr://audio/suara.mp3</value>
      <value form="big-image">jr://images/gambar.png</value></text></translation></itext>"""
    secondary = """<instance id="anak" src="jr://file-csv/anak.csv"/>
      <instance id="x" src="jr://file/data/kec.geojson"/>
      <instance id="l" src="jr://instance/last-saved"/>"""
    body = """<input ref="/data/a" query="instance('k')/root/item"/>
      <select1 ref="/data/b" appearance="minimal search('desa')"/>"""
    root = '<data id="f"><a>jr://images/contoh.jpg</a><b/></data>'

    definition = read(by_hand(root=root, more=media, binds=secondary, body=body))

    assert set(definition.media) == {
        MediaRef("gambar.png", "image"),
        MediaRef("suara.mp3", "audio"),
        MediaRef("anak.csv", "file"),
        MediaRef("kec.geojson", "file"),
        MediaRef("contoh.jpg", "image"),
        MediaRef("itemsets.csv", "file"),
        MediaRef("desa.csv", "file"),
    }


@pytest.mark.parametrize(
    ("root", "version"),
    [
        pytest.param('<data id="f"><a/></data>', "", id="none"),
        pytest.param('<data id="f" version="001"><a/></data>', "001", id="leading-zeros"),
        pytest.param('<data id="f" orx:version="v 1"><a/></data>', "v 1", id="prefixed"),
    ],
)
def test_a_version_is_opaque(root, version):
    assert read(by_hand(root=root)).version == version


def test_the_end_may_be_a_time_end_of_the_meta_block():
    root = '<data id="f"><a/><orx:meta><orx:timeEnd/></orx:meta></data>'

    assert read(by_hand(root=root)).end_path == "/meta/timeEnd"
    assert read(by_hand()).end_path is None


def test_an_encrypted_form_says_so():
    key = '<submission base64RsaPublicKey="MIIB"/>'

    assert read(by_hand(more=key)).encrypted
    assert not read(by_hand()).encrypted


ENTITY = '<data id="f"><a/><b/><meta><entity dataset="anak" create="1" id=""/></meta></data>'


@pytest.mark.parametrize(
    ("xml", "word"),
    [
        pytest.param(by_hand(root="<data><a/></data>"), "no id", id="no-id"),
        pytest.param(by_hand(root=""), "no primary instance", id="no-instance"),
        pytest.param(b"<html/>", "not an XForm", id="not-a-form"),
        pytest.param(b"\x89PNG", "well-formed", id="not-xml"),
        pytest.param(b"<!DOCTYPE h><h/>", "DOCTYPE", id="doctype"),
        pytest.param(b"<a>" * 300 + b"</a>" * 300, "well-formed", id="too-deep"),
        pytest.param(
            by_hand(
                root=ENTITY,
                binds='<bind nodeset="/data/a" e:saveto="n"/>'
                '<bind nodeset="/data/b" e:saveto="n"/>',
            ),
            "Two questions",
            id="one-property-twice",
        ),
        pytest.param(
            by_hand(root=ENTITY, binds='<bind nodeset="/data/a" e:saveto="n" s:merge="mine"/>'),
            "mine",
            id="unknown-policy",
        ),
    ],
)
def test_what_cannot_work_is_refused(xml, word):
    with pytest.raises(FormError, match=word):
        read(xml)


def test_a_policy_without_a_property_is_remarked_on():
    binds = '<bind nodeset="/data/a" s:merge="last"/>'

    _, [problem] = examine(by_hand(binds=binds))

    assert (problem.severity, problem.at) == ("warning", ("survey", "/a", "merge"))


def test_two_questions_may_not_disagree_about_one_property():
    root = """<data id="f"><g><a/><meta><entity dataset="anak" create="1"/></meta></g>
      <k><a/><meta><entity dataset="anak" create="1"/></meta></k></data>"""
    binds = (
        '<bind nodeset="/data/g/a" e:saveto="rt" s:merge="last"/>'
        '<bind nodeset="/data/k/a" e:saveto="rt" s:merge="first"/>'
    )

    with pytest.raises(FormError, match="disagree"):
        read(by_hand(root=root, binds=binds))
