"""One thing missing, and Collect throws the whole document away."""

import pytest

from sync_server.fleet.documents import (
    SyncFailed,
    read_form_list,
    read_integrity,
    read_manifest,
    read_message,
)
from sync_server.fleet.wire import Answer

HEADERS = {"x-openrosa-version": "1.0", "content-type": "text/xml; charset=utf-8"}
FORMS = (
    b'<xforms xmlns="http://openrosa.org/xforms/xformsList"><xform><formID>a</formID>'
    b"<name>A</name><version>1</version><hash>md5:0123456789abcdef0123456789abcdef</hash>"
    b"<downloadUrl>http://x/a.xml</downloadUrl></xform></xforms>"
)
MANIFEST = (
    b'<manifest xmlns="http://openrosa.org/xforms/xformsManifest"><mediaFile type="entityList">'
    b"<filename>lists/anak.csv</filename><hash>md5:0123456789abcdef0123456789abcdef</hash>"
    b"<downloadUrl>http://x/anak.csv</downloadUrl></mediaFile></manifest>"
)


def answer(body, status=200, headers=HEADERS):
    return Answer(status, headers, body)


def test_a_whole_list_is_read():
    (form,) = read_form_list(answer(FORMS))
    assert (form.form_id, form.version, form.manifest_url) == ("a", "1", None)
    (medium,) = read_manifest(answer(MANIFEST))
    assert (medium.name, medium.entity_list, medium.integrity_url) == ("anak.csv", True, None)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(answer(FORMS.replace(b"<name>A</name>", b"")), id="no-name"),
        pytest.param(answer(FORMS.replace(b"md5:", b"sha:")), id="another-hash"),
        pytest.param(answer(FORMS.replace(b"xformsList", b"list")), id="another-namespace"),
        pytest.param(answer(FORMS[:-4]), id="cut-short"),
        pytest.param(answer(b"\n\n <html>log in</html>"), id="captive-portal"),
        pytest.param(answer(FORMS, 503), id="no-200"),
        pytest.param(answer(FORMS, headers={"content-type": "text/xml"}), id="no-openrosa"),
        pytest.param(
            answer(FORMS, headers={**HEADERS, "content-type": "application/xml"}), id="type"
        ),
    ],
)
def test_a_list_with_one_fault_is_no_list(bad):
    with pytest.raises(SyncFailed):
        read_form_list(bad)


def test_only_what_is_said_to_be_deleted_is_deleted():
    body = (
        b'<data><entities><entity id="a"><deleted>true</deleted></entity>'
        b'<entity id="b"><deleted>false</deleted></entity></entities></data>'
    )
    assert list(read_integrity(answer(body))) == ["a"]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<OpenRosaResponse><message>Terkirim</message></OpenRosaResponse>", "Terkirim"),
        (b"<OpenRosaResponse/>", None),
        (b"<OpenRosaResponse", None),
        (b"<html>413</html>", None),
    ],
)
def test_the_cadre_reads_the_message(body, shown):
    assert read_message(body) == shown
