"""`simpul export submissions`: a file that is whole or is not there."""

import csv
import zipfile

import pytest

from tests.openrosa.okhttp import filled, new_id, publish_visit, send
from tests.scenarios.posyandu import Village


@pytest.fixture
def engine_name() -> str:
    """What is in the tables is tested at the REST door, on both."""
    return "sqlite"


@pytest.fixture
def sent(app, clock) -> str:
    village, instance = Village.begin(app, clock), new_id()
    publish_visit(village)
    xml = filled(instance, nama="=1", foto="1.jpg", audit="audit.csv")
    assert send(village.phone("a"), xml, ("1.jpg", b"foto")).status_code == 201
    return instance


def test_the_table_of_a_form_or_all_of_it(simpul, sent, tmp_path):
    one, all_of_it, tables = (tmp_path / name for name in ("a.csv", "a.zip", "b.zip"))
    done = simpul("export", "submissions", "visit", one, "--safe", "--filter", "")
    assert done.output == f"{one}: {one.stat().st_size} bytes\n"
    with one.open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["KEY"], row["nama"]) == (sent, "'=1")
    assert simpul("export", "submissions", "visit", all_of_it).exit_code == 0
    assert simpul("export", "submissions", "visit", tables, "--without-files").exit_code == 0
    with zipfile.ZipFile(all_of_it) as whole, zipfile.ZipFile(tables) as without:
        assert whole.namelist() == ["visit.csv", "media/1.jpg"]
        assert without.read("visit.csv") == whole.read("visit.csv")
        assert whole.read("media/1.jpg") == b"foto"


def test_what_cannot_be_written_is_one_line_and_no_file(simpul, sent, tmp_path):
    there = tmp_path / "ada.csv"
    there.write_text("milik orang")
    asked = (
        ("visit", there),
        ("visit", tmp_path / "a.xlsx"),
        ("visit", tmp_path / "no" / "a.csv"),
        ("lain", tmp_path / "b.csv"),
        ("lain", tmp_path / "b.zip"),
        ("visit", tmp_path / "c.zip", "--filter", "nama eq 'Siti'"),
    )
    for arguments in asked:
        refused = simpul("export", "submissions", *arguments)
        assert refused.exit_code in (1, 2), arguments
        assert "Traceback" not in refused.stderr
    assert there.read_text() == "milik orang"
    left = [one.name for one in tmp_path.iterdir() if one.suffix in (".csv", ".zip", ".part")]
    assert left == ["ada.csv"]
