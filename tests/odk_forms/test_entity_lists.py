"""Lists out to phones, registers in from offices."""

import csv
import io

import pytest

from odk_forms.entity_lists import RegisterRow, read_csv, to_csv
from odk_forms.errors import FormError

SITI = "0b2c5f0a-9a0e-4a57-8f0e-0d6a3c1e2b4d"


def test_the_header_is_there_without_rows():
    assert to_csv(["nama", "rt"], []) == b"name,label,__version,nama,rt\n"


def test_a_blank_and_an_absent_property_are_empty_cells():
    assert to_csv(["a", "b"], [(SITI, "Siti", 3, {"b": ""})]) == (
        f"name,label,__version,a,b\n{SITI},Siti,3,,\n".encode()
    )


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "Siti, RT 02",
        'Jl. "Melati"',
        "two\nlines",
        "two\rlines",
        "two\r\nlines",
        "=1+1",
        "a;b",
        " spaces ",
        "é 😀",
        "01\x1d10",
        "",
    ],
)
def test_every_value_comes_back_as_it_was(value):
    written = to_csv(["v"], [(SITI, value, 1, {"v": value})]).decode()

    rows = list(csv.reader(io.StringIO(written, newline="")))

    assert rows == [["name", "label", "__version", "v"], [SITI, value, "1", value]]


@pytest.mark.parametrize("name", ["a;b", "__createdAt"])
def test_a_property_that_would_spoil_the_list_is_refused(name):
    with pytest.raises(ValueError, match="phones"):
        to_csv([name], [])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"label,nama,rt\nSiti,Siti N,05\n", id="plain"),
        pytest.param(b"label;nama;rt\r\nSiti;Siti N;05\r\n", id="semicolons"),
        pytest.param(b"label\tnama\trt\nSiti\tSiti N\t05", id="tabs"),
        pytest.param("\ufefflabel,nama,rt\nSiti,Siti N,05\n".encode(), id="bom"),
        pytest.param("label,nama,rt\nSiti,Siti N,05\n".encode("utf-16"), id="utf-16"),
        pytest.param(b' label ,"nama",rt\n\n Siti,Siti N,05,,\n,,\n', id="untidy"),
    ],
)
def test_registers_as_spreadsheets_save_them(content):
    properties, rows = read_csv(content)

    assert properties == ("nama", "rt")
    assert [(one.label, one.data) for one in rows] == [("Siti", {"nama": "Siti N", "rt": "05"})]


def test_windows_text_is_read():
    assert read_csv("label\nZoë\n".encode("cp1252"))[1] == (RegisterRow(2, "Zoë"),)


def test_an_exported_list_can_be_read_back():
    written = to_csv(["rt"], [(SITI, "Siti, adik", 3, {"rt": "05"})])

    assert read_csv(written) == (("rt",), (RegisterRow(2, "Siti, adik", {"rt": "05"}, SITI),))
    assert read_csv(written.replace(SITI.encode(), f"uuid:{SITI.upper()}".encode())) == read_csv(
        written
    )


def test_rows_count_as_a_spreadsheet_does():
    assert [one.row for one in read_csv(b"label\nSiti\n\nBudi\n")[1]] == [2, 4]


@pytest.mark.parametrize(
    ("content", "row", "word"),
    [
        pytest.param(b"", 1, "header", id="empty"),
        pytest.param(b"nama,rt\nSiti,05\n", 1, "'label'", id="no-label-column"),
        pytest.param(b"label,rt,RT\nSiti,1,2\n", 1, "twice", id="same-column-twice"),
        pytest.param(b"label,tgl lahir\nSiti,1\n", 1, "'tgl lahir'", id="bad-property-name"),
        pytest.param(b"label,rt\nSiti,1\n,2\n", 3, "blank", id="blank-label"),
        pytest.param(b"label,rt\nSiti,1,2\n", 2, "more cells", id="too-many-cells"),
        pytest.param(b"name,label\n12,Siti\n", 2, "UUID", id="bad-id"),
        pytest.param(
            f"name,label\n{SITI},Siti\n{SITI.upper()},Budi\n".encode(), 3, "Row 2", id="id-twice"
        ),
    ],
)
def test_faults_of_a_register_name_their_row(content, row, word):
    with pytest.raises(FormError) as caught:
        read_csv(content)

    [message] = caught.value.messages
    assert message.row == row
    assert word in message.text


def test_all_faults_come_at_once():
    with pytest.raises(FormError) as caught:
        read_csv(b"name,label\nx,\ny,Budi\n")

    assert [m.row for m in caught.value.messages] == [2, 2, 3]
