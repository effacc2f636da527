"""XML as phones write it, over HTTP: taken, kept as it came, and every value as it was typed."""

import codecs
import uuid

import pytest

from tests.openrosa.okhttp import Reader, publish_visit, send
from tests.support.promises import promise

ORX = "xmlns:orx='http://openrosa.org/xforms'"
PLAIN = (
    "<data id='daftar' version='1' {ns}><nama>{nama}</nama><posyandu>melati</posyandu>"
    "<{p}meta><{p}instanceID>{instance}</{p}instanceID>"
    "<entity dataset='anak' id='{child}' create='1' baseVersion=''><label>Siti</label></entity>"
    "</{p}meta></data>"
)


def written(nama="Siti", *, before="", encoding="utf-8", bom=b"", prefix="", ns=""):
    """How the bytes of a form are made, for an instance and a child: `nama` as it is written."""

    def make(instance: str, child: str) -> bytes:
        text = PLAIN.format(nama=nama, ns=ns, p=prefix, instance=instance, child=child)
        return bom + f"{before}{text}".encode(encoding)

    return make


def declared(name: str) -> str:
    return f"<?xml version='1.0' encoding='{name}'?>"


CASES = {
    "plain": (written(), "Siti"),
    "bom": (written(bom=codecs.BOM_UTF8), "Siti"),
    "bom and prolog": (written(before=declared("UTF-8"), bom=codecs.BOM_UTF8), "Siti"),
    "blank before prolog": (written(before=f"\r\n\t {declared('utf-8')}\n"), "Siti"),
    "gs1 reference": (written("(01)89&#29;10A"), "(01)89\x1d10A"),
    "hexadecimal reference": (written("a&#x1D;b&#X41;".replace("&#X41;", "A")), "a\x1dbA"),
    "raw control": (written("a\x1db"), "a\x1db"),
    "every control": (
        written("".join(f"&#{n};" for n in (1, 8, 11, 12, 14, 31))),
        "\x01\x08\x0b\x0c\x0e\x1f",
    ),
    "nul": (written("a&#0;b\x00c"), "a\ufffdb\ufffdc"),
    "split surrogates": (written("&#55357;&#56832;"), "😀"),
    "split in hexadecimal": (written("&#xD83D;&#xDE00;"), "😀"),
    "half a pair": (written("&#55357;!"), "\ufffd!"),
    "barcode and emoji at once": (written("&#29;&#55357;&#56832;"), "\x1d😀"),
    "prefix not declared": (written(prefix="orx:"), "Siti"),
    "prefix declared": (written(prefix="orx:", ns=ORX), "Siti"),
    "another prefix": (written(prefix="o:", ns="xmlns:o='http://openrosa.org/xforms'"), "Siti"),
    "own namespace": (written(ns="xmlns='urn:posyandu:1'"), "Siti"),
    "prefix not declared, control": (written("a&#29;b", prefix="orx:"), "a\x1db"),
    "utf-16 with bom": (written("Ñoño", before=declared("utf-16"), encoding="utf-16"), "Ñoño"),
    "utf-16 little endian, bom": (written("Ñ", encoding="utf-16-le", bom=codecs.BOM_UTF16_LE), "Ñ"),
    "latin-1": (written("Ñoño", before=declared("ISO-8859-1"), encoding="latin-1"), "Ñoño"),
    "windows-1252": (written("Ñ–o", before=declared("windows-1252"), encoding="cp1252"), "Ñ–o"),
    "declared utf-16, is utf-8": (written("Ñ", before=declared("utf-16")), "Ñ"),
    "declared utf-8, is latin-1": (
        written("Ñ", before=declared("utf-8"), encoding="latin-1"),
        "\ufffd",
    ),
    "declared what nobody knows": (written("Ñ", before=declared("x-puskesmas")), "Ñ"),
    "blank around": (written("  Siti \t"), "  Siti \t"),
    "lines": (written("satu&#13;\ndua"), "satu\r\ndua"),
    "decomposed": (written("n\u0303"), "n\u0303"),
    "composed": (written("ñ"), "ñ"),
    "markup": (written("&lt;b&gt; &amp;amp; &#64;"), "<b> &amp; @"),
    "section": (written("<![CDATA[<!DOCTYPE x> & ]]>"), "<!DOCTYPE x> & "),
    "right to left": (written("\u202eصادق\u202c"), "\u202eصادق\u202c"),
    "leading noughts": (written("00.10"), "00.10"),
    "comments": (written("Si<!-- - -->ti"), "Siti"),
    "long": (written("x" * 70_000), "x" * 70_000),
}


@promise("O45", "O56", "O57")
def test_xml_as_phones_write_it_is_taken_kept_and_read_as_typed(village, phone):
    reader, wrong = Reader(village), {}
    for name, (make, typed) in CASES.items():
        instance, child = f"uuid:{uuid.uuid4()}", str(uuid.uuid4())
        raw = make(instance, child)
        assert send(phone, raw).status_code == 201, name
        assert reader.xml(instance, "daftar") == raw, name
        shown = village.shown(child)["nama"]
        if shown != typed:
            wrong[name] = shown
    assert wrong == {}
    assert not village.quarantine()


IDS = ["Kunjungan", "kunjungan", " a/b:c#d%20?", "ñ", "n\u0303", "😀", "x" * 200]
VERSIONS = ["001", "1", "1.10", " 1 ", "V1", "<&>", "n\u0303", "2" * 120, ""]


@promise("O58")
def test_ids_and_versions_are_taken_to_the_letter(village, phone):
    reader = Reader(village)
    for form in IDS:
        raw = _visit(form, "7")
        assert send(phone, raw.encode()).status_code == 202, form
    kept = village.quarantine()
    assert {row.xml_form_id for row in kept} == set(IDS)
    publish_visit(village)
    for version in VERSIONS:
        instance = f"uuid:{uuid.uuid4()}"
        assert send(phone, _visit("visit", version, instance).encode()).status_code == 201
        facts = reader.facts(instance)
        assert facts["formVersion"] == version
        assert facts["versionUnknown"] is (version != "1")


def _visit(form: str, version: str, instance: str | None = None) -> str:
    said = version.replace("&", "&amp;").replace("<", "&lt;")
    meta = f"<meta><instanceID>{instance or uuid.uuid4()}</instanceID></meta>"
    return f'<data id="{form}" version="{said}"><nama>Siti</nama>{meta}</data>'


@promise("O57")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_an_edit_is_known_by_its_meta_whatever_the_prefix(village, phone):
    publish_visit(village)
    reader, first, second = Reader(village), f"uuid:{uuid.uuid4()}", f"uuid:{uuid.uuid4()}"
    raw = (
        f"<data id='visit' orx:version='1'><orx:meta><orx:instanceID>{second}</orx:instanceID>"
        f"<deprecatedID>{first}</deprecatedID><x:instanceName> Siti </x:instanceName>"
        "</orx:meta></data>"
    )
    assert send(phone, raw.encode()).status_code == 201
    facts = reader.facts(second)
    assert (facts["deprecatedId"], facts["instanceName"]) == (first, "Siti")
    assert facts["versionUnknown"] is False
