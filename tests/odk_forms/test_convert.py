"""XLSForms as markdown tables; what comes out is asked by XPath."""

import io
import zipfile
from functools import cache

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from odk_forms.convert import MAX_UPLOAD_BYTES, to_xform
from odk_forms.errors import FormError
from odk_forms.xform import read
from tests.support.extras import require

NAMESPACES = {
    "x": "http://www.w3.org/2002/xforms",
    "h": "http://www.w3.org/1999/xhtml",
    "entities": "http://www.opendatakit.org/xforms/entities",
    "simpul": "urn:simpul:xforms",
}

WEIGHING = """
| settings |
|          | form_id     | form_title  | version | namespaces                 |
|          | pengukuran  | Pengukuran  | 1       | simpul="urn:simpul:xforms" |
| survey   |
|          | type    | name    | label   | save_to     | bind::simpul:merge | bind::simpul:phone |
|          | end     | selesai |         |             |                    |                    |
|          | date    | tgl     | Tanggal | tgl_ukur    |                    |                    |
|          | decimal | bb      | Berat   | bb_terakhir | latest(tgl_ukur)   |                    |
|          | text    | nik     | NIK     | nik         | first              | no                 |
| entities |
|          | list_name   | label       |
|          | anak        | ${nik}      |
"""


def converted(table: str, name: str = "form.md"):
    return to_xform(table.encode(), name, validate=False)


def refused(table: str, name: str = "form.md", *, validate: bool = False):
    with pytest.raises(FormError) as caught:
        to_xform(table.encode(), name, validate=validate)
    assert any(m.severity == "error" for m in caught.value.messages)
    return [m for m in caught.value.messages if m.severity == "error"]


def survey(*rows: str, header: str = "type | name | label", more: str = "") -> str:
    lines = ["| settings |", "| | form_id | form_title | version |", "| | f | Formulir | 1 |"]
    lines += ["| survey |", f"| | {header} |", *(f"| | {row} |" for row in rows), more]
    return "\n".join(lines)


def workbook(table: str, *, blank_columns: int = 0) -> bytes:
    """The table as .xlsx, its sheets moved right by some blank columns."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for line in filter(None, (line.strip() for line in table.splitlines())):
        first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if first:
            sheet = book.create_sheet(first)
        elif cells:
            sheet.append([None] * blank_columns + [cell or None for cell in cells])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_the_merge_policy_and_the_phone_arrive_as_attributes_of_the_bind():
    tree = etree.fromstring(converted(WEIGHING).xml)

    assert tree.xpath("//x:bind[@nodeset='/data/bb']/@simpul:merge", namespaces=NAMESPACES) == [
        "latest(tgl_ukur)"
    ]
    assert tree.xpath("//x:bind[@simpul:phone]/@entities:saveto", namespaces=NAMESPACES) == ["nik"]
    assert tree.xpath("string(//h:title)", namespaces=NAMESPACES) == "Pengukuran"


def test_a_spreadsheet_gives_the_same_form_as_the_table_it_was_made_of():
    xlsx = to_xform(workbook(WEIGHING), "form.xlsx", validate=False)

    assert xlsx.xml == converted(WEIGHING).xml
    assert to_xform(workbook(WEIGHING), "wrong-name.csv", validate=False).xml == xlsx.xml


def test_a_csv_gives_the_same_form_too():
    lines = [line.strip().strip("|").split("|") for line in WEIGHING.strip().splitlines()]
    quoted = [
        ",".join('"' + cell.strip().replace('"', '""') + '"' for cell in line) for line in lines
    ]

    assert converted("\n".join(quoted), "form.csv").xml == converted(WEIGHING).xml


def test_an_xform_is_kept_byte_for_byte():
    xml = converted(WEIGHING).xml.replace(b"<h:head>", b"<h:head>\r\n\t ")

    assert to_xform(xml, "form.xml", validate=False).xml == xml


def test_a_form_without_an_id_takes_the_name_of_its_file():
    table = "| survey |\n| | type | name | label |\n| | text | nama | Nama |"

    assert read(converted(table, "kunjungan.md").xml).xml_form_id == "kunjungan"


def test_external_choices_come_out_as_itemsets():
    table = survey(
        "select_one_external desa | desa | Desa | kec='1'",
        header="type | name | label | choice_filter",
        more="| external_choices |\n| | list_name | name | label | kec |\n| | desa | a | A | 1 |",
    )

    form = converted(table)

    assert form.itemsets == b'"list_name","name","label","kec"\r\n"desa","a","A","1"\r\n'
    assert [m.name for m in read(form.xml).media] == ["itemsets.csv"]


ENTITY = "| entities |\n| | list_name | label |\n| | anak | ${a} |"
SAVING = "type | name | label | save_to"


@pytest.mark.parametrize(
    ("table", "cell"),
    [
        pytest.param(survey("txet | a | A"), "survey!A2", id="unknown-type"),
        pytest.param(survey("text | a b | A"), "survey!B2", id="space-in-a-name"),
        pytest.param(survey("text | a | A", "text | a | A"), "survey!B3", id="same-name-twice"),
        pytest.param(survey("text | | A"), "survey!B2", id="no-name"),
        pytest.param(survey("text | a | "), "survey!C2", id="no-label"),
        pytest.param(
            survey("text | a | A | ${b} = 1", header="type | name | label | relevant"),
            "survey!D2",
            id="reference-to-nothing",
        ),
        pytest.param(
            survey("text | a | A | aa", "text | b | B | a;b", header=SAVING, more=ENTITY),
            "survey!D3",
            id="semicolon-in-a-property",
        ),
        pytest.param(
            survey("text | a | A | rt", "text | b | B | RT", header=SAVING, more=ENTITY),
            "survey!D3",
            id="properties-differ-by-case-only",
        ),
        pytest.param(
            survey("text | a | A | aa", header=SAVING, more=ENTITY.replace("anak", "a.b")),
            "entities!A2",
            id="full-stop-in-a-list-name",
        ),
        pytest.param(
            survey("text | a | A").replace("Formulir", "😀"),
            "settings!B2",
            id="title-of-no-letters",
        ),
        pytest.param(
            survey("text | a | A").replace("| f |", "| f.xml |"), "settings!A2", id="id-like-a-file"
        ),
        pytest.param(
            survey("text | a | A").replace("| f |", "| f/versions/1 |"),
            "settings!A2",
            id="id-like-a-version",
        ),
        pytest.param(
            survey("text | a | A").replace("| f |", "| f/attachments/a |"),
            "settings!A2",
            id="id-like-a-file-of-a-form",
        ),
        pytest.param(
            survey("text | a | A").replace("| f |", "| f/manifest |"),
            "settings!A2",
            id="id-like-a-manifest",
        ),
        pytest.param(
            survey("text | a | A").replace("| 1 |", "| ___ |"),
            "settings!C2",
            id="version-like-none",
        ),
        pytest.param(
            WEIGHING.replace("latest(tgl_ukur)", "newest"), "survey!E4", id="unknown-merge-policy"
        ),
        pytest.param(
            WEIGHING.replace("latest(tgl_ukur)", "latest(bb_terakhir)"),
            "survey!E4",
            id="its-own-date",
        ),
        pytest.param(
            WEIGHING.replace("| first ", "| latest(bb_terakhir) "),
            "survey!E5",
            id="a-date-that-follows-another",
        ),
        pytest.param(
            WEIGHING.replace("| no  ", "| mungkin  "), "survey!F5", id="phone-is-not-yes-or-no"
        ),
        pytest.param(
            WEIGHING.replace('simpul="urn:simpul:xforms"', ""), "survey!E1", id="no-namespace"
        ),
    ],
)
@pytest.mark.parametrize("as_workbook", [False, True], ids=["md", "xlsx"])
def test_an_error_names_its_sheet_and_cell(table, cell, as_workbook):
    if as_workbook:
        with pytest.raises(FormError) as caught:
            to_xform(workbook(table), "form.xlsx", validate=False)
        cells = [m.cell for m in caught.value.messages]
    else:
        cells = [m.cell for m in refused(table)]

    assert cell in cells


@pytest.mark.parametrize("policy", ["union", "derived", "latest(nik)"])
def test_a_date_is_declared_as_a_plain_one(policy):
    table = WEIGHING.replace("tgl_ukur    |                 ", f"tgl_ukur | {policy}")

    [message] = refused(table)

    assert message.cell == "survey!E4"
    assert all(word in message.text for word in ("bb_terakhir", "tgl_ukur", policy))


@pytest.mark.parametrize("version", ["__", "____", "_1_"])
@pytest.mark.parametrize("form_id", ["versions/f", "a/manifest/b", "f/versions", "attachments"])
def test_ids_and_versions_that_no_address_mixes_up_are_taken(form_id, version):
    table = survey("text | a | A").replace("| f |", f"| {form_id} |")

    form = read(converted(table.replace("| 1 |", f"| {version} |")).xml)

    assert (form.xml_form_id, form.version) == (form_id, version)


@pytest.mark.parametrize(
    ("kind", "sheet"), [("select_one", "choices"), ("select_one_external", "external_choices")]
)
def test_a_sheet_that_is_missing_is_named(kind, sheet):
    [message] = refused(survey(f"{kind} desa | desa | Desa"))

    assert (message.sheet, message.row, message.cell) == (sheet, None, None)


def test_blank_columns_before_the_table_count():
    with pytest.raises(FormError) as caught:
        to_xform(workbook(survey("text | a b | A"), blank_columns=2), "f.xlsx", validate=False)

    [message] = caught.value.messages
    assert (message.sheet, message.row, message.column) == ("survey", 2, "D")
    assert message.cell == "survey!D2"


def test_a_question_inside_a_group_is_found_by_its_path():
    table = survey(
        "text | a | A | aa |",
        "begin_group | g | G | |",
        "text | b | B | bb |",
        "end_group | | | |",
        "begin_group | k | K | |",
        "text | b | B | cc | newest",
        "end_group | | | |",
        header="type | name | label | save_to | bind::simpul:merge",
        more=ENTITY,
    ).replace("| version |", "| version | namespaces |")
    table = table.replace("| 1 |", '| 1 | simpul="urn:simpul:xforms" |')

    [message] = refused(table)

    assert message.cell == "survey!E7"
    assert "newest" in message.text


def test_warnings_come_with_the_form():
    messages = converted(survey("image | foto | Foto")).messages

    assert [(m.severity, m.cell) for m in messages] == [("warning", "survey!B2")]


def test_all_our_own_remarks_come_at_once():
    table = WEIGHING.replace("latest(tgl_ukur)", "newest").replace("| first ", "| mine ")

    assert [m.cell for m in refused(table)] == ["survey!E4", "survey!E5"]


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def laughing(content: bytes) -> bytes:
    """A real workbook whose first sheet declares entities."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = b'<!DOCTYPE a [<!ENTITY b "ha">]>' + parts[name]
    return zipped(parts)


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        pytest.param(b"", "f.xlsx", "empty", id="empty"),
        pytest.param(b" \n", "f.md", "empty", id="blank"),
        pytest.param(b"PK\x03\x04junk", "f.xlsx", "cannot be read", id="broken-zip"),
        pytest.param(b"\xd0\xcf\x11\xe0junk", "f.xls", "cannot be read", id="broken-xls"),
        pytest.param(b"\x00\x01\x02", "f.pdf", "cannot be read", id="neither"),
        pytest.param(b"x" * (MAX_UPLOAD_BYTES + 1), "f.md", "larger", id="too-large"),
        pytest.param(zipped({"a": b"0" * 60_000_000}), "f.xlsx", "50 MB", id="zip-bomb"),
        pytest.param(zipped({f"{n}": b"" for n in range(2001)}), "f.xlsx", "2000", id="many-parts"),
        pytest.param(zipped({"a.xml": b"<a/>"}), "f.xlsx", "cannot be read", id="other-zip"),
        pytest.param(laughing(workbook(WEIGHING)), "f.xlsx", "DOCTYPE", id="doctype-in-a-part"),
        pytest.param(b"<!DOCTYPE a><h/>", "f.xml", "DOCTYPE", id="doctype-in-an-xform"),
        pytest.param(b"<html><body/></html>", "f.xml", "not an XForm", id="a-web-page"),
        pytest.param(b"<html>", "f.xml", "well-formed", id="cut-short"),
        pytest.param(b"| foo |\n| | bar |\n| baz |\n| | q |", "f.md", "survey", id="no-survey"),
    ],
)
def test_what_is_no_form_is_refused_in_a_sentence(content, name, word):
    with pytest.raises(FormError, match=word):
        to_xform(content, name, validate=False)


@cache
def uploads() -> list[tuple[str, bytes]]:
    """One form in three dresses, made once: a workbook bears the time of its making."""
    return [
        ("form.md", WEIGHING.encode()),
        ("form.xlsx", workbook(WEIGHING)),
        ("form.xml", converted(WEIGHING).xml),
    ]


@given(st.data())
def test_whatever_is_uploaded_only_a_form_error_comes_out(data):
    name, content = data.draw(st.sampled_from(uploads()))
    at = data.draw(st.integers(0, len(content)))
    piece = data.draw(st.sampled_from([b"|", b"${", b"&", b"\x00", b"\xff"]) | st.binary())
    damaged = content[:at] + piece + content[at + data.draw(st.integers(0, 40)) :]
    try:
        form = to_xform(damaged, name, validate=False)
    except FormError:
        return
    assert read(form.xml).xml_form_id


@pytest.mark.parametrize(
    ("row", "cell", "word"),
    [
        pytest.param("text | a | A | ${a} == 1 and (", "survey!D3", "mismatched", id="syntax"),
        pytest.param("text | a | A | foo(${b}) = 1", "survey!D3", "foo", id="unknown-function"),
    ],
)
def test_odk_validate_has_the_last_word(row, cell, word):
    require("java")
    table = survey("text | b | B |", row, header="type | name | label | relevant")

    [message] = refused(table, validate=True)

    assert message.cell == cell
    assert word in message.text
    assert "form.xml" not in message.text


def test_a_good_form_passes_odk_validate_without_a_word():
    require("java")

    assert to_xform(WEIGHING.encode(), "form.md").messages == ()


def test_without_java_a_warning_says_what_was_not_done(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    [message] = to_xform(WEIGHING.encode(), "form.md").messages

    assert message.severity == "warning"
    assert "Java" in message.text
