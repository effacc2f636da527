"""`simpul init`, `user`, `project` and `device`, run as an operator runs them."""

import base64
import json
import os
import socket
import stat
import zlib

import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.support.inprocess import InProcess
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD, Served

pytestmark = pytest.mark.slow

URL = ("--url", "http://simpul.example")


@pytest.fixture
def home(initialise, empty_database_url, tmp_path) -> InProcess:
    """A home of which nothing is there yet."""
    return InProcess(tmp_path / "home", empty_database_url)


@pytest.fixture
def ready(database_url, tmp_path) -> InProcess:
    """A home whose database is set up, with a key of its own."""
    (tmp_path / "home").mkdir()
    return InProcess(tmp_path / "home", database_url, SIMPUL_SECRET_KEY="of this test")


def one_line(done) -> str:
    """What a command that failed said: one sentence, and no traceback."""
    assert done.returncode in (1, 2), done
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(said) == 1, done.stderr
    return said[0]


def said(result) -> str:
    """What a command printed that did what it was asked."""
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def refused(result) -> str:
    """What a command said that did not: one sentence."""
    assert result.exit_code in (1, 2), result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.stderr
    return str(lines[0])


def test_init_sets_up_once_and_says_so(home):
    admin = ("--admin-email", ADMIN_EMAIL, "--admin-password", ADMIN_PASSWORD)
    program = Served(home.home, home.database_url)
    assert "set up in" in program.command("init", *admin)
    key = home.home / "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    listed = home.command("user", "list")

    other = ("--admin-email", "other@example.org", "--admin-password", "another-password")
    assert "nothing was changed" in home.command("init", *other)
    assert key.read_bytes() == before
    assert home.command("user", "list") == listed


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_what_init_makes_is_for_its_owner_alone(tmp_path, empty_database_url):
    before = os.umask(0)
    try:
        Served(tmp_path / "home", empty_database_url).initialise()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    made = list(tmp_path.glob("empty.db*"))
    assert made
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in made)


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_init_refuses_what_would_lock_everybody_out(home):
    wrong = [("nobody", ADMIN_PASSWORD), (ADMIN_EMAIL, "short")]
    for email, password in wrong:
        done = home.try_command("init", "--admin-email", email, "--admin-password", password)
        assert one_line(done)
        assert password not in done.stdout + done.stderr
        assert not home.home.exists()
    assert one_line(home.try_command("init"))
    home.initialise()
    assert ADMIN_EMAIL in home.command("user", "list")


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_nothing_runs_before_init_and_nothing_is_made(home, tmp_path):
    assert "simpul init" in one_line(home.try_command("user", "list"))
    home.home.mkdir()
    served = Served(home.home, home.database_url)
    assert "simpul init" in one_line(served.try_command("serve"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_people_are_let_in_from_the_command_line(simpul):
    said(simpul("project", "create", "Balita", "--property", "posyandu"))
    area = ("--role", "viewer", "--property", "posyandu=melati")
    made = ("user", "create", "bidan@example.org", "--password", "posyandu-melati-8")
    assert json.loads(said(simpul(*made, *area, "--json")))["email"] == "bidan@example.org"
    assert "already" in refused(simpul(*made))
    assert "at least 10" in refused(simpul(*made[:3], "--password", "short"))
    emails = [one["email"] for one in json.loads(said(simpul("user", "list", "--json")))]
    assert emails == [ADMIN_EMAIL, "bidan@example.org"]
    said(simpul("user", "set-password", "bidan@example.org", "--password", "posyandu-mawar-9"))
    unknown = simpul("user", "set-password", "x@example.org", "--password", "x" * 12)
    assert "x@example.org" in refused(unknown)


def test_tables_of_another_release_are_not_served_but_brought_up_to_date(home, tmp_path):
    admin = ("--admin-email", ADMIN_EMAIL, "--admin-password", ADMIN_PASSWORD)
    home.command("init", *admin)
    engine = create_engine(home.database_url, poolclass=NullPool)
    with engine.begin() as connection:
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("DROP INDEX quarantine_sender"))
        connection.execute(text("DROP INDEX blob_senders_sender"))
        connection.execute(text("ALTER TABLE quarantine DROP COLUMN complete"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0013'"))
    for words in (("serve", "--port", "8999"), ("project", "list")):
        refusal = one_line(home.try_command(*words))
        assert "another release (0013): run `simpul init` once more" in refusal
    home.command("backup", str(tmp_path / "before.zip"))
    assert "brought up to date" in home.command("init", *admin)
    assert "nothing was changed" in home.command("init", *admin)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert found == newest


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_place_that_is_none_is_noted_and_the_account_made_all_the_same(simpul, tmp_path):
    said(simpul("project", "create", "Melati"))
    said(simpul("pack", "install", "posyandu"))
    places = tmp_path / "posyandu.csv"
    places.write_text("label,kode\nMelati,3211-01\nMawar,3211-02\n")
    create = ("device", "create", "Kader Ani", *URL, "--property")
    assert simpul(*create, "posyandu=melati").stderr == ""  # nobody has said yet what there is
    said(simpul("import", "posyandu", places, "--yes"))
    assert simpul(*create, "posyandu=3211-01").stderr == ""
    slip = simpul(*create, "posyandu=melati")
    assert (slip.exit_code, slip.stderr) == (
        0,
        "note: posyandu has no melati here, but 3211-01, 3211-02\n",
    )
    invited = simpul("hub", "invite", "--name", "Tanjung", "--property", "posyandu=3211")
    assert "note: posyandu has no 3211 here" in invited.stderr


def test_a_device_is_made_shown_and_revoked(simpul, tmp_path):
    said(simpul("project", "create", "Balita", "--property", "posyandu"))
    create = ("device", "create", "Kader Ani", "--property", "posyandu=melati", *URL, "--json")
    made = json.loads(said(simpul(*create)))
    assert made["url"] == f"http://simpul.example/v1/key/{made['token']}/projects/1"
    assert len(made["token"]) == 64

    address, qr = said(simpul("device", "qr", str(made["id"]), *URL)).splitlines()
    settings = json.loads(zlib.decompress(base64.b64decode(qr)))
    assert address == made["url"] == settings["general"]["server_url"]
    assert settings["project"]["name"] == "Balita"
    png = tmp_path / "card.png"
    said(simpul("device", "qr", str(made["id"]), *URL, "--png", str(png)))
    assert png.read_bytes().startswith(b"\x89PNG")

    svg = tmp_path / "card.svg"
    said(simpul("device", "qr", str(made["id"]), *URL, "--svg", str(svg)))
    assert "<svg" in svg.read_text()
    another = said(simpul("device", "rotate", str(made["id"]), *URL)).strip()
    assert another != address
    assert said(simpul("device", "qr", str(made["id"]), *URL)).splitlines()[0] == another
    listed = said(simpul("device", "list"))
    assert "Kader Ani" in listed
    assert "posyandu=melati" in listed
    assert made["token"] not in listed
    said(simpul("device", "revoke", str(made["id"])))
    assert "revoked" in said(simpul("device", "list"))
    assert "revoked" in refused(simpul("device", "qr", str(made["id"]), *URL))


@pytest.mark.parametrize(
    "arguments",
    [
        ("project", "create", " "),
        ("project", "add-property", "no such name"),
        ("device", "create", "Ani", *URL, "--property", "posyandu"),
        ("device", "create", "Ani", *URL, "--property", "desa=x"),
        ("device", "create", "Ani"),
        ("device", "qr", "77", *URL),
        ("device", "qr", "seven", *URL),
        ("device", "revoke", "77"),
        ("device", "rotate", "77", *URL),
        ("device", "list", "--project", "77"),
        ("user", "create", "x@example.org", "--password", "x" * 12, "--role", "owner"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("engine_name", ["sqlite"])  # what a command reads is no matter of storage
def test_a_wrong_word_is_one_line_and_no_traceback(simpul, arguments):
    said(simpul("project", "create", "Balita"))
    assert refused(simpul(*arguments))


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_an_unknown_device_is_told_before_a_missing_address(simpul):
    said(simpul("project", "create", "Balita"))
    assert "device" in refused(simpul("device", "qr", "77"))
    made = json.loads(said(simpul("device", "create", "Ani", *URL, "--json")))
    assert "SIMPUL_PUBLIC_URL" in refused(simpul("device", "qr", str(made["id"])))
    assert "\t1 device\t0 forms" in said(simpul("project", "list"))


@pytest.mark.parametrize("command", ["serve", "demo"])
@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_where_nothing_can_listen_is_one_line(ready, command):
    for wrong in (("--port", "0"), ("--port", "70000"), ("--workers", "0")):
        assert wrong[0] in one_line(ready.try_command(command, *wrong))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        own = Served(ready.home, ready.database_url, SIMPUL_SECRET_KEY="of this test")
        done = own.try_command(command, "--port", port)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [one_line(done)]
    assert port in one_line(done)


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_settings_that_cannot_be_used_are_one_line(ready):
    for name, value in {
        "DATABASE_URL": "mysql://x",
        "LANGUAGE": "jv",
        "PART_BYTES": "many",
    }.items():
        other = InProcess(ready.home, ready.database_url, **{f"SIMPUL_{name}": value})
        done = other.try_command("user", "list")
        assert name in one_line(done)
        assert done.stderr.splitlines() == [one_line(done)]
