"""A database file that is damaged: one line that says so, whatever was asked."""

import shutil

import pytest
from click.testing import CliRunner

from sync_server.commands import main

ADMIN = ("--admin-email", "admin@example.org", "--admin-password", "posyandu-melati-7")


def noise(_template):
    return bytes(range(256)) * 64


def half(template):
    return template[: len(template) // 2]


def noise_after_the_first_pages(template):
    return template[:8192] + b"\xff" * (len(template) - 8192)


COMMANDS = [("init", *ADMIN), ("user", "list"), ("serve",)]


@pytest.fixture
def path(tmp_path, sqlite_template, monkeypatch):
    """The database of a home that is set up; what a test makes of it is its business."""
    path = tmp_path / "home" / "simpul.db"
    path.parent.mkdir()
    shutil.copy(sqlite_template, path)
    monkeypatch.setenv("SIMPUL_HOME", str(path.parent))
    monkeypatch.setenv("SIMPUL_SECRET_KEY", "of this test")
    return path


def one_line(*command):
    done = CliRunner().invoke(main, command)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    (said,) = done.stderr.splitlines()
    return said


@pytest.mark.parametrize("damage", [noise, half])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_file_that_is_no_database_is_said_in_one_line(path, damage, command):
    path.write_bytes(damage(path.read_bytes()))
    assert one_line(*command).startswith("Error: the database cannot be read: ")


def test_damage_that_is_met_later_is_said_in_one_line_too(path):
    path.write_bytes(noise_after_the_first_pages(path.read_bytes()))
    assert one_line("user", "list").startswith("Error: the database cannot be read: ")
