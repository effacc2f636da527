"""Filled forms as rows of tables, and their cells as CSV."""

import csv
import io
import re

import pytest

from odk_forms.cells import line
from odk_forms.instance import read
from odk_forms.tables import Layout, file_names, lay_out
from tests.odk_forms.filled import form

HOUSE = form(
    """
    | survey |
    |        | type         | name    | label  |
    |        | text         | alamat  | Alamat |
    |        | geopoint     | titik   | Titik  |
    |        | begin_group  | isi     | Isi    |
    |        | begin_repeat | anak    | Anak   |
    |        | text         | nama    | Nama   |
    |        | begin_group  | badan   | Badan  |
    |        | decimal      | bb      | Berat  |
    |        | begin_repeat | ukur    | Ukur   |
    |        | geopoint     | di      | Di     |
    |        | end_repeat   |         |        |
    |        | end_group    |         |        |
    |        | end_repeat   |         |        |
    |        | text         | catatan | Catatan |
    |        | end_group    |         |        |
    """
)
FILLED = """
<alamat>Melati 5</alamat><titik>-6.9147 107.6 768.5 4.2</titik>
<isi>
  <anak>
    <nama>Siti</nama><badan><bb>9.1</bb><ukur><di>1 2</di></ukur><ukur><di/></ukur></badan>
  </anak>
  <anak><nama>Budi</nama><badan><ukur><di>3 4 5</di></ukur></badan></anak>
  <catatan>ya</catatan>
</isi>
"""


def filled(answers: str):
    meta = "<meta><instanceID>uuid:1</instanceID></meta>"
    return read(f'<data id="f" version="1">{answers}{meta}</data>'.encode())


def rows(layout: Layout, answers: str = FILLED) -> dict[str, list[dict[str, str]]]:
    """Table -> its rows by column; of columns of one name the last counts."""
    found: dict[str, list[dict[str, str]]] = {table.name: [] for table in layout.tables}
    for number, cells in layout.rows(filled(answers), "uuid:1"):
        table = layout.tables[number]
        assert len(cells) == len(table.header)
        found[table.name].append(dict(zip(table.header, cells, strict=True)))
    return found


def test_a_table_for_the_form_and_one_for_each_repeat():
    layout = lay_out([HOUSE])
    assert [(table.name, table.header) for table in layout.tables] == [
        (
            "",
            (
                *("alamat", "titik-Latitude", "titik-Longitude", "titik-Altitude"),
                *("titik-Accuracy", "isi-catatan", "meta-instanceID"),
            ),
        ),
        ("anak", ("nama", "badan-bb", "PARENT_KEY", "KEY")),
        (
            "ukur",
            ("di-Latitude", "di-Longitude", "di-Altitude", "di-Accuracy", "PARENT_KEY", "KEY"),
        ),
    ]
    assert file_names("Rumah", layout) == ["Rumah.csv", "Rumah-anak.csv", "Rumah-ukur.csv"]


def test_a_row_of_a_repeat_names_the_row_that_it_stands_in():
    found = rows(lay_out([HOUSE]))
    assert [(one["nama"], one["KEY"], one["PARENT_KEY"]) for one in found["anak"]] == [
        ("Siti", "uuid:1/isi/anak[1]", "uuid:1"),
        ("Budi", "uuid:1/isi/anak[2]", "uuid:1"),
    ]
    assert [(one["di-Latitude"], one["KEY"], one["PARENT_KEY"]) for one in found["ukur"]] == [
        ("1", "uuid:1/isi/anak[1]/badan/ukur[1]", "uuid:1/isi/anak[1]"),
        ("", "uuid:1/isi/anak[1]/badan/ukur[2]", "uuid:1/isi/anak[1]"),
        ("3", "uuid:1/isi/anak[2]/badan/ukur[1]", "uuid:1/isi/anak[2]"),
    ]
    (root,) = found[""]
    assert (root["alamat"], root["isi-catatan"], root["meta-instanceID"]) == (
        "Melati 5",
        "ya",
        "uuid:1",
    )
    place = [root[f"titik-{part}"] for part in ("Latitude", "Longitude", "Altitude", "Accuracy")]
    assert place == ["-6.9147", "107.6", "768.5", "4.2"]


def test_a_point_that_is_not_whole_shifts_nothing():
    found = rows(lay_out([HOUSE]), "<titik> 1  2 </titik><titik/>")
    (root,) = found[""]
    assert (root["titik-Latitude"], root["titik-Longitude"], root["titik-Altitude"]) == (
        "1",
        "2",
        "",
    )


def test_columns_may_be_named_by_their_question_alone():
    assert lay_out([HOUSE], group_paths=False).tables[1].header[:2] == ("nama", "bb")
    assert lay_out([HOUSE], group_paths=False).tables[0].header[-1] == "instanceID"


def test_what_only_older_versions_had_stands_behind_what_is_beside_it():
    older = form(
        """
        | survey |
        |        | type         | name   | label  |
        |        | text         | rt     | RT     |
        |        | text         | alamat | Alamat |
        |        | begin_group  | isi    | Isi    |
        |        | text         | kader  | Kader  |
        |        | end_group    |        |        |
        |        | begin_repeat | tamu   | Tamu   |
        |        | text         | nama   | Nama   |
        |        | end_repeat   |        |        |
        """
    )
    layout = lay_out([HOUSE, older])
    names = [name for name in layout.tables[0].header if not name.startswith("titik")]
    assert names == ["alamat", "isi-catatan", "isi-kader", "meta-instanceID", "rt"]
    assert [table.name for table in layout.tables] == ["", "anak", "ukur", "tamu"]
    found = rows(layout, "<rt>05</rt><isi><kader>Tuti</kader></isi><tamu><nama>A</nama></tamu>")
    (root,) = found[""]
    assert (root["rt"], root["isi-kader"]) == ("05", "Tuti")
    assert found["tamu"] == [{"nama": "A", "PARENT_KEY": "uuid:1", "KEY": "uuid:1/tamu[1]"}]


def test_where_a_node_was_something_else_the_leading_version_says_what_it_is():
    group = form(
        """
        | survey |
        |        | type        | name | label |
        |        | begin_group | anak | Anak  |
        |        | text        | nama | Nama  |
        |        | text        | nik  | NIK   |
        |        | end_group   |      |       |
        """
    )
    answers = "<anak><nama>A</nama><nik>1</nik></anak><anak><nama>B</nama></anak>"
    (root,) = rows(lay_out([group]), answers)[""]
    assert (root["anak-nama"], root["anak-nik"]) == ("A\nB", "1")
    repeat = form(
        """
        | survey |
        |        | type         | name | label |
        |        | begin_repeat | anak | Anak  |
        |        | text         | nama | Nama  |
        |        | end_repeat   |      |       |
        """
    )
    found = rows(lay_out([repeat, group]), answers)["anak"]
    assert [(one["nama"], one["nik"]) for one in found] == [("A", "1"), ("B", "")]


def test_of_several_points_in_one_cell_each_keeps_its_line():
    group = form(
        """
        | survey |
        |        | type         | name | label |
        |        | begin_group  | anak | Anak  |
        |        | text         | nama | Nama  |
        |        | geopoint     | di   | Di    |
        |        | begin_repeat | ukur | Ukur  |
        |        | decimal      | bb   | Berat |
        |        | end_repeat   |      |       |
        |        | end_group    |      |       |
        """
    )
    parts = ("Latitude", "Longitude", "Altitude", "Accuracy")

    def point(*sent: str) -> list[str]:
        answers = "".join(f"<anak><di>{one}</di></anak>" for one in sent)
        (root,) = rows(lay_out([group]), answers)[""]
        return [root[f"anak-di-{part}"] for part in parts]

    assert point("1 2 3 4", "5 6") == ["1\n5", "2\n6", "3\n", "4\n"]
    assert point("1 2", "", "3 4 5 6") == ["1\n3", "2\n4", "\n5", "\n6"]
    assert point("1 2 3 4", "1 2 3 4 ", "7") == ["1\n1\n7", "2\n2\n", "3\n3\n", "4\n4\n"]
    one = "<anak><ukur><bb>{}</bb></ukur><ukur/></anak>"
    found = rows(lay_out([group]), one.format(3) + one.format(4))["ukur"]
    assert [(row["bb"], row["KEY"]) for row in found] == [
        ("3", "uuid:1/anak/ukur[1]"),
        ("", "uuid:1/anak/ukur[2]"),
        ("4", "uuid:1/anak/ukur[3]"),
        ("", "uuid:1/anak/ukur[4]"),
    ]


def test_choices_get_a_column_each():
    chosen = form(
        """
        | choices |
        |         | list_name | name | label |
        |         | rasa      | asin | Asin  |
        | survey |
        |        | type                 | name | label |
        |        | select_multiple rasa | rasa | Rasa  |
        |        | text                 | kata | Kata  |
        """
    )
    plain = lay_out([chosen])
    answer = "<rasa>pahit asin  pahit</rasa><kata>asin</kata>"
    assert list(plain.chosen(filled(answer))) == [
        ("/rasa", "pahit"),
        ("/rasa", "asin"),
        ("/rasa", "pahit"),
    ]
    split = lay_out([chosen], choices={"/rasa": ["asin", "manis", "pahit"]})
    assert split.tables[0].header[:5] == (
        *("rasa", "rasa/asin", "rasa/manis", "rasa/pahit"),
        "kata",
    )
    (root,) = rows(split, answer)[""]
    assert list(root.values())[:5] == ["pahit asin  pahit", "1", "0", "1", "asin"]
    (blank,) = rows(split, "")[""]
    assert list(blank.values())[:5] == ["", "0", "0", "0", ""]


def test_repeats_of_one_name_are_numbered_and_a_path_is_no_file_name():
    twice = form(
        """
        | survey |
        |        | type         | name | label |
        |        | begin_group  | a    | A     |
        |        | begin_repeat | anak | Anak  |
        |        | text         | x    | X     |
        |        | end_repeat   |      |       |
        |        | end_group    |      |       |
        |        | begin_repeat | Anak | Anak  |
        |        | text         | x    | X     |
        |        | end_repeat   |      |       |
        |        | begin_repeat | lain | Lain  |
        |        | text         | x    | X     |
        |        | end_repeat   |      |       |
        """
    )
    assert file_names("../../x", lay_out([twice])) == [
        "....x.csv",
        "....x-anak~1.csv",
        "....x-Anak~2.csv",
        "....x-lain.csv",
    ]


TYPED = [
    "=1+1",
    "+62812",
    "-3.5",
    "-3.5e2",
    "-a",
    "@x",
    "\uff1dA1",
    " =A1",
    "\tx",
    "\rx",
    "-",
    "x=1",
]


@pytest.mark.parametrize("safe", [False, True])
def test_what_was_typed_is_read_again_from_its_cell(safe):
    values = [
        "",
        " 05 ",
        'dua "kutip", koma;',
        "baris\ndua\r\ntiga\r",
        "\x1d01",
        "\u2019\U0001f476",
    ]
    wanted = [*values, *TYPED]
    if safe:
        numbers = {"+62812", "-3.5", "-3.5e2", "x=1"}
        wanted = [*values, *(one if one in numbers else f"'{one}" for one in TYPED)]
    written = line([*values, *TYPED], safe=safe).decode()
    assert list(csv.reader(io.StringIO(written, newline=""), strict=True)) == [wanted]


@pytest.mark.parametrize(
    ("typed", "safe"),
    [
        ("x;=A1;y", "x;'=A1;y"),
        ('a, ; "=A1"', 'a, ;\' "=A1"'),
        (";;\t@x;\uff1d1", ";;'\t@x;'\uff1d1"),
        ("- beras\r\n- gula\n\n +1", "'- beras\r\n'- gula\n\n' +1"),
        ("-6.9 107.6;-6.8 107.5", "'-6.9 107.6;'-6.8 107.5"),
        ("7;-3", "7;'-3"),
        ("a; b = c; d-e\nf", "a; b = c; d-e\nf"),
    ],
)
def test_nothing_is_worked_out_where_a_spreadsheet_splits_at_semicolons(typed, safe):
    """And takes a quote that does not begin a cell for nothing but a quote, so that lines end."""
    assert next(csv.reader(io.StringIO(line([typed], safe=True).decode(), newline=""))) == [safe]
    split = line(["2026", typed, "5"], safe=True).decode()
    signs = re.compile('[\\s"]*[-=+@\uff1d]')
    assert not any(signs.match(one) for one in re.split("[;\r\n]", split))
