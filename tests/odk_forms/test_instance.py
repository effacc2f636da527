"""What is read from a submission, however its phone wrote it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from odk_forms.errors import InstanceError
from odk_forms.instance import read

PLAIN = b"""<?xml version='1.0' ?><data id="kunjungan" version="3"><bb>9.1</bb><meta>
<instanceID>uuid:2f1c</instanceID><instanceName>Siti</instanceName>
<deprecatedID>uuid:0a1b</deprecatedID></meta></data>"""


def test_ids_and_names():
    instance = read(PLAIN)

    assert (instance.xml_form_id, instance.version) == ("kunjungan", "3")
    assert (instance.instance_id, instance.deprecated_id) == ("uuid:2f1c", "uuid:0a1b")
    assert instance.instance_name == "Siti"
    assert not instance.encrypted


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            b"<d id='f' xmlns:orx='http://openrosa.org/xforms'><orx:meta>"
            b"<orx:instanceID>uuid:1</orx:instanceID></orx:meta></d>",
            id="prefixed",
        ),
        pytest.param(
            b"<d id='f'><orx:meta><orx:instanceID>uuid:1</orx:instanceID></orx:meta></d>",
            id="prefix-not-declared",
        ),
        pytest.param(
            b"<f:any xmlns:f='urn:f' id='f'><meta xmlns='http://openrosa.org/xforms'>"
            b"<instanceID> uuid:1\n</instanceID></meta></f:any>",
            id="other-namespaces",
        ),
        pytest.param(
            b"\xef\xbb\xbf\n<d id='f'><a>&#29;</a><meta><instanceID>uuid:1</instanceID></meta></d>",
            id="faults-of-real-phones",
        ),
    ],
)
def test_the_instance_id_is_found_by_local_names(raw):
    assert read(raw).instance_id == "uuid:1"
    assert read(raw).xml_form_id == "f"


def test_an_id_outside_the_meta_block_is_an_answer():
    raw = b"<d id='f'><meta><x><instanceID>uuid:1</instanceID></x></meta></d>"

    assert read(raw).instance_id != "uuid:1"


@pytest.mark.parametrize(
    ("root", "version"),
    [
        pytest.param(b"<d id='f' version='001'/>", "001", id="leading-zeros"),
        pytest.param(b"<d id='f' xmlns:o='urn:o' o:version='v 1'/>", "v 1", id="prefixed"),
        pytest.param(b"<d id='f' orx:version='1'/>", "1", id="prefix-not-declared"),
        pytest.param(b"<d id='f' version=''/>", "", id="blank"),
        pytest.param(b"<d id='f'/>", "", id="none"),
    ],
)
def test_a_version_is_opaque_and_none_is_blank(root, version):
    assert read(root).version == version


def test_without_an_instance_id_the_same_bytes_have_the_same_one():
    first, again = read(b"<d id='f'/>"), read(b"<d id='f'/>")

    assert first.instance_id == again.instance_id
    assert first.instance_id.startswith("uuid:")
    assert read(b"<d id='f' />").instance_id != first.instance_id
    assert read(b"<d id='f'><meta><instanceID/></meta></d>").instance_id.startswith("uuid:")


def test_an_encrypted_instance_says_so():
    raw = b"""<data xmlns="http://www.opendatakit.org/xforms/encrypted" id="f" encrypted="yes">
      <orx:meta xmlns:orx="http://openrosa.org/xforms"><orx:instanceID>uuid:1</orx:instanceID>
      </orx:meta></data>"""

    assert read(raw).encrypted
    assert read(raw).instance_id == "uuid:1"


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"<d/>", "no id", id="no-form-id"),
        pytest.param(b"<d id=''/>", "no id", id="blank-form-id"),
        pytest.param(b"<d id='f'><a>", "cannot be read", id="cut-short"),
        pytest.param(b"<!DOCTYPE d><d id='f'/>", "DOCTYPE", id="doctype"),
    ],
)
def test_what_nothing_can_be_read_from(raw, word):
    with pytest.raises(InstanceError, match=word) as caught:
        read(raw)
    assert caught.value.code == "bad_xml"


PIECES = (
    b"&#29;",
    b"&",
    b"<x>",
    b"\x00",
    b"\xff",
    b"&#xD800;",
    b"<!DOCTYPE a>",
    b"]]>",
    b"\xef\xbb\xbf",
)


@given(st.integers(0, len(PLAIN)), st.integers(0, 30), st.sampled_from(PIECES) | st.binary())
@example(0, 0, b"\xff\xfe")
def test_whatever_comes_it_is_read_or_refused(at, cut, piece):
    raw = PLAIN[:at] + piece + PLAIN[at + cut :]
    try:
        instance = read(raw)
    except InstanceError:
        return
    assert instance.xml_form_id
    assert instance.instance_id
