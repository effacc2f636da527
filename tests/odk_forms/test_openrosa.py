"""The documents phones parse, read back as Collect reads them."""

import pytest
from lxml import etree

from odk_forms.openrosa import (
    SUCCESS,
    ListedForm,
    ManifestFile,
    form_list,
    integrity,
    manifest,
    response,
)

MD5 = "0123456789abcdef0123456789abcdef"
LIST = {"f": "http://openrosa.org/xforms/xformsList"}
MANIFEST = {"m": "http://openrosa.org/xforms/xformsManifest"}
URL = "https://s.example/v1/key/T/projects/3/forms/f1.xml"


def a_form(**changed: str | None) -> ListedForm:
    values = {"form_id": "f1", "name": "Posyandu", "version": "1", "hash": MD5}
    return ListedForm(**{**values, "download_url": URL, **changed})


def a_file(**changed: object) -> ManifestFile:
    return ManifestFile(**{"filename": "logo.png", "hash": MD5, "download_url": URL, **changed})


def test_a_form_list_has_what_collect_requires():
    document = form_list([a_form(manifest_url=f"{URL}/manifest"), a_form(form_id="f2")])
    tree = etree.fromstring(document)

    assert document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert tree.tag == f"{{{LIST['f']}}}xforms"
    assert tree.xpath("f:xform/f:formID/text()", namespaces=LIST) == ["f1", "f2"]
    assert tree.xpath("f:xform/f:hash/text()", namespaces=LIST) == [f"md5:{MD5}"] * 2
    assert tree.xpath("f:xform/f:downloadUrl/text()", namespaces=LIST) == [URL, URL]
    assert tree.xpath("f:xform/f:manifestUrl/text()", namespaces=LIST) == [f"{URL}/manifest"]


def test_names_are_escaped_once():
    tree = etree.fromstring(form_list([a_form(name="Gizi & <KIA>\x1d", version="<1>")]))

    assert tree.xpath("string(//f:name)", namespaces=LIST) == "Gizi & <KIA>"
    assert tree.xpath("string(//f:version)", namespaces=LIST) == "<1>"


def test_no_forms_is_an_empty_list():
    assert len(etree.fromstring(form_list([]))) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"form_id": ""},
        {"name": " "},
        {"download_url": ""},
        {"hash": ""},
        {"hash": MD5.upper()},
        {"hash": "sha1:" + MD5},
    ],
)
def test_one_incomplete_form_would_cost_the_whole_list(changed):
    with pytest.raises(ValueError, match=r"Collect|md5"):
        form_list([a_form(**changed)])


def test_a_manifest_tells_entity_lists_from_files():
    tree = etree.fromstring(
        manifest(
            [
                a_file(filename="logo desa.png"),
                a_file(filename="anak.csv", entity_list=True, integrity_url=f"{URL}?a=1&b=2"),
            ]
        )
    )

    assert tree.tag == f"{{{MANIFEST['m']}}}manifest"
    assert tree.xpath("m:mediaFile/m:filename/text()", namespaces=MANIFEST) == [
        "logo desa.png",
        "anak.csv",
    ]
    assert tree.xpath("m:mediaFile/@type", namespaces=MANIFEST) == ["entityList"]
    assert tree.xpath(
        "string(m:mediaFile[@type='entityList']/m:integrityUrl)", namespaces=MANIFEST
    ) == (f"{URL}?a=1&b=2")


def test_the_same_files_give_the_same_manifest():
    assert manifest([a_file()]) == manifest([a_file(hash=f"md5:{MD5}")])


@pytest.mark.parametrize("changed", [{"filename": ""}, {"hash": "x"}, {"download_url": ""}])
def test_one_incomplete_file_would_cost_the_whole_manifest(changed):
    with pytest.raises(ValueError, match=r"Collect|md5"):
        manifest([a_file(**changed)])


def test_integrity_answers_in_lower_case_words():
    tree = etree.fromstring(integrity([("a-1", True), ("b-2", False)]))

    assert tree.tag == "data"
    assert tree[0].tag == "entities"
    assert [(one.get("id"), one.findtext("deleted")) for one in tree[0]] == [
        ("a-1", "true"),
        ("b-2", "false"),
    ]


def test_a_response_has_one_message_without_a_prefix():
    document = response("Formulir & berkas diterima <2>", "submit_error")
    tree = etree.fromstring(document)

    assert b"OpenRosaResponse" in document
    assert b"<message " in document
    assert tree[0].text == "Formulir & berkas diterima <2>"
    assert tree[0].get("nature") == "submit_error"


def test_the_sentence_that_collect_translates():
    assert etree.fromstring(response(SUCCESS))[0].text == "full submission upload was successful!"
