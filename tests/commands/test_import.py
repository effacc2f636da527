"""`simpul import`: says what it would do, and does it when told."""

import json

import pytest

from tests.publish.desk import weighing

REGISTER = "label,tgl,bb\nSiti,2026-10-02,9.1\nBudi,2026-10-02,8.4\n"


@pytest.fixture
def simpul(simpul, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    form = tmp_path / "form.md"
    form.write_text(weighing())
    assert simpul("project", "create", "Uji").exit_code == 0
    assert simpul("form", "publish", form).exit_code == 0
    return simpul


@pytest.fixture
def register(tmp_path):
    def write(text=REGISTER):
        path = tmp_path / "register.csv"
        path.write_text(text)
        return path

    return write


def planned(simpul, file):
    plan = json.loads(simpul("import", "anak", file, "--json").stdout)
    assert plan["dryRun"]
    return plan["create"], plan["update"], plan["unchanged"]


def test_without_yes_nothing_is_written(simpul, register):
    result = simpul("import", "anak", register())

    assert result.exit_code == 0
    assert "anak: 2 to create, 0 to update, 0 unchanged" in result.output
    assert "nothing is written yet" in result.output
    assert planned(simpul, register()) == (2, 0, 0)


def test_importing_twice_changes_nothing(simpul, register):
    first = simpul("import", "anak", register(), "--yes")
    again = simpul("import", "anak", register(), "--yes")

    assert "imported: 2 applied" in first.output
    assert "imported: nothing to do" in again.output
    assert planned(simpul, register()) == (0, 0, 2)


def test_faults_are_a_table_with_rows(simpul, register):
    result = simpul("import", "anak", register("label,bb\n,9\nSiti,8,7\n"), "--yes")

    assert result.exit_code == 1
    assert [line.split()[:4] for line in result.stderr.splitlines()[:2]] == [
        ["error", "-", "row", "2"],
        ["error", "-", "row", "3"],
    ]


def test_unknown_columns_are_added_when_that_is_said(simpul, register):
    file = register("label,rt\nSiti,05\n")

    refused = simpul("import", "anak", file, "--yes")
    done = simpul("import", "anak", file, "--yes", "--add-properties", "--json")

    assert (refused.exit_code, "'rt'" in refused.stderr) == (1, True)
    assert json.loads(done.stdout)["newProperties"] == ["rt"]


def test_a_list_that_is_not_there_is_said_in_one_line(simpul, register):
    result = simpul("import", "ibu", register(), "--yes")

    assert result.exit_code == 1
    assert result.stderr == "Error: there is no list 'ibu' in this project; there are: anak\n"
