"""`simpul form` and `simpul pack`."""

import json

import pytest

from odk_forms.packs.build import to_xlsx
from tests.publish.desk import weighing


@pytest.fixture(autouse=True)
def without_java(monkeypatch):
    """ODK Validate takes a second to start; `tests/odk_forms` has it speak."""
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def simpul(simpul):
    assert simpul("project", "create", "Uji").exit_code == 0
    return simpul


@pytest.fixture
def file(tmp_path):
    """A form in a file: file(table) as .md, file(table, "form.xlsx") as a workbook."""

    def write(table, name="form.md"):
        path = tmp_path / name
        path.write_bytes(to_xlsx(table) if name.endswith(".xlsx") else table.encode())
        return path

    return write


def test_a_form_is_checked_without_a_server(simpul, file, monkeypatch, tmp_path):
    monkeypatch.setenv("SIMPUL_HOME", str(tmp_path / "nowhere"))

    result = simpul("form", "check", file(weighing(), "form.xlsx"))

    assert result.exit_code == 0
    assert "pengukuran 2026112101: can be published" in result.output
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("verb", ["check", "publish"])
def test_a_broken_form_is_a_table_of_sheets_and_cells(simpul, file, verb):
    broken = file(weighing().replace("decimal", "desimal"), "form.xlsx")

    result = simpul("form", verb, broken)

    assert result.exit_code == 1
    assert result.stderr.split()[:3] == ["error", "survey", "A3"]
    assert "desimal" in result.stderr
    assert simpul("form", "list").output == ""


def test_a_broken_form_as_json(simpul, file):
    result = simpul("form", "check", file(weighing().replace("decimal", "desimal")), "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["details"]["messages"][0]["cell"] == "survey!A3"


def test_publishing_twice_says_that_nothing_changed(simpul, file):
    first = simpul("form", "publish", file(weighing()))
    again = simpul("form", "publish", file(weighing()))

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "pengukuran 2026112101: published; new lists: anak" in first.output
    assert "pengukuran 2026112101: published already, nothing changed" in again.output
    assert simpul("form", "list").output == "pengukuran\t2026112101\topen\tPengukuran\n"
    (listed,) = json.loads(simpul("form", "list", "--json").output)
    assert listed["xmlFormId"] == "pengukuran"


def test_a_form_is_closed_and_opened_by_a_word(simpul, file):
    simpul("form", "publish", file(weighing()))

    closed = simpul("form", "state", "pengukuran", "closed")
    listed = simpul("form", "list").output
    refused = simpul("form", "state", "pengukuran", "shut")
    unknown = simpul("form", "state", "lain", "open")

    assert (closed.exit_code, closed.output) == (0, "pengukuran: closed\n")
    assert listed == "pengukuran\t2026112101\tclosed\tPengukuran\n"
    assert (refused.exit_code, unknown.exit_code) == (2, 1)
    assert "there is no such form" in unknown.stderr


def test_a_version_that_is_taken_says_which_is_not(simpul, file):
    simpul("form", "publish", file(weighing("v1")))

    result = simpul("form", "publish", file(weighing("v1", bb="last")), "--confirm-policies")

    assert result.exit_code == 1
    assert result.stderr.split()[:3] == ["error", "settings", "C2"]
    assert "new version: 2" in result.stderr


def test_another_policy_is_published_once_it_is_confirmed(simpul, file):
    simpul("form", "publish", file(weighing(bb="last")))
    other = file(weighing("2", bb="max"))

    refused = simpul("form", "publish", other)
    done = simpul("form", "publish", other, "--confirm-policies", "--json")

    assert (refused.exit_code, refused.stderr.split()[:3]) == (1, ["error", "survey", "E3"])
    assert json.loads(done.stdout)["version"] == "2"


def test_files_are_attached_or_named_as_missing(simpul, file, tmp_path):
    table = weighing(more="| | select_one_from_file desa.csv | d | Desa | | | |\n")
    (tmp_path / "desa.csv").write_text("name,label\na,A\n")

    missing = simpul("form", "publish", file(table))
    given = simpul("form", "publish", file(table), "--attach", tmp_path / "desa.csv")

    assert "missing file: desa.csv" in missing.output
    assert (given.exit_code, "missing" in given.output) == (0, False)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("form", "publish", "hilang.xlsx"), id="no-file"),
        pytest.param(("form", "list", "--project", "hilang"), id="no-project"),
        pytest.param(("pack", "install", "hilang"), id="no-pack"),
        pytest.param(("import", "anak", "hilang.csv"), id="no-csv"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(simpul, arguments):
    result = simpul(*arguments)

    assert result.exit_code in (1, 2)
    assert "hilang" in result.stderr.splitlines()[-1]


def test_a_file_that_is_no_form_is_said_in_one_line(simpul, tmp_path):
    path = tmp_path / "foto.xlsx"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" * 50)

    result = simpul("form", "publish", path)

    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


def test_a_pack_is_installed_once(simpul):
    first = simpul("pack", "install", "posyandu", "--json")
    again = simpul("pack", "install", "posyandu", "--json")

    done, same = json.loads(first.stdout), json.loads(again.stdout)
    assert done["actorProperties"] == ["posyandu", "desa", "kecamatan"]
    assert done["lists"] == done["accessFilters"] == ["anak", "posyandu"]
    assert [(f["unchanged"], f["missing"]) for f in done["forms"]] == [(False, [])] * 2
    assert (same["actorProperties"], same["lists"], same["accessFilters"]) == ([], [], [])
    assert all(form["unchanged"] for form in same["forms"])
    assert "registrasi_anak" in simpul("form", "list").output
    assert "posyandu" in simpul("pack", "list").output
