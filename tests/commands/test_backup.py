"""`simpul backup` and `simpul restore`: whole, or not at all."""

import io
import itertools
import json
import os
import random
import shutil
import signal
import threading
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from sync_server.app import create_app
from sync_server.backups import archive, restoring
from sync_server.backups.archive import Writer, opened
from sync_server.blobs import Blobs
from sync_server.commands import main
from sync_server.commands.backup import restored
from sync_server.commands.init import bring_tables
from sync_server.db import write_transaction
from sync_server.errors import AlreadyThere, BadValue, SyncError
from sync_server.settings import make_key
from sync_server.stores import projects
from tests.scenarios.posyandu import Village
from tests.support.backups import back_up, close, put_back, rows_of, settings_of, tables_in, untold
from tests.support.clock import FrozenClock
from tests.support.serving import Served

on_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"])
LEFT_OUT = ("sessions", "login_failures", "audits")


@pytest.fixture
def village(app, clock):
    return inhabited(Village.begin(app, clock))


def inhabited(village):
    """Some children, a photo, something in quarantine."""
    ani = village.phone("Ani")
    ani.sync()
    child = str(uuid.uuid4())
    ani.send(ani.register(child, nama="Siti 'Aminah'\n“RT 05”", posyandu="melati", nik="320101"))
    answer = ani.post(ani.measure(child, bb="8.0", tgl="2026-10-01"), **{"foto.jpg": b"\xff\xd8 a"})
    assert answer.status_code == 201
    ani.post(b"<data id='nowhere' version='1'>\xff</data>")
    return village


@pytest.fixture
def file(village, tmp_path):
    file = tmp_path / "simpul.zip"
    back_up(village.app, file)
    return file


@pytest.fixture(scope="module")
def any_file(sqlite_template, tmp_path_factory):
    """A backup for tests that ask nothing of the server it was taken of."""
    home = tmp_path_factory.mktemp("any")
    shutil.copy(sqlite_template, home / "simpul.db")
    make_key(home)
    app = create_app(settings_of(home), clock=FrozenClock())
    inhabited(Village.begin(app, FrozenClock()))
    back_up(app, home / "any.zip")
    close(app)
    return home / "any.zip"


@pytest.fixture
def restore(clock, tmp_path):
    """`restore(file, url)`: an app on a fresh home made of a backup."""
    made = []

    def run(file, database_url=""):
        made.append(put_back(file, tmp_path / f"again{len(made)}", clock, database_url))
        return made[-1]

    yield run
    for app in made:
        close(app)


def same_but_for_its_life(was, now, offset):
    """Every row as it was, but for what a new life of a server must have."""
    for name in was.keys() - set(LEFT_OUT):
        for before, after in zip(was[name], now[name], strict=True):
            expected = dict(before)
            if name == "records":
                expected["version_offset"] += offset
            if name == "nodes":
                expected["first_offset"] += offset
            if name in ("nodes", "lists"):
                changed = {"nodes": "epoch", "lists": "schema_serial"}[name]
                assert after[changed] != expected.pop(changed)
            assert {column: after[column] for column in expected} == expected, name
    assert now["sessions"] == []
    assert [row["action"] for row in now["audits"]].count("backup.restore") >= 1


def blobs_of(app):
    folder = app.extensions["simpul"].blobs.folder
    return {path.name: path.read_bytes() for path in folder.glob("??/*")}


def test_all_that_an_install_holds_comes_back(village, file, restore, empty_database_url):
    assert file.stat().st_mode & 0o777 == 0o600
    app = restore(file, empty_database_url)
    same_but_for_its_life(rows_of(village.app), rows_of(app), 1000)
    assert blobs_of(app) == blobs_of(village.app) != {}
    home = app.extensions["simpul"].settings.home
    assert (home / "secret.key").read_text() == village.app.extensions["simpul"].settings.secret_key
    assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in home.iterdir() if path.suffix != ".db") == [
        "blobs",
        "secret.key",
    ]


@on_one_engine
def test_sqlite_becomes_postgresql_and_back(village, file, restore, postgres, tmp_path):
    name = postgres.create_database()
    there = restore(file, postgres.url(name))
    back_up(there, tmp_path / "there.zip")
    back = restore(tmp_path / "there.zip")
    same_but_for_its_life(rows_of(village.app), rows_of(back), 2000)
    assert blobs_of(back) == blobs_of(village.app)
    close(there)
    postgres.drop_database(name)


def test_a_backup_is_of_one_moment_while_phones_go_on(village, tmp_path):
    acknowledged, stop = [], threading.Event()
    phones = [village.phone(f"Kader {n}") for n in range(2)]

    def send(phone):
        client = village.app.test_client()
        for _ in itertools.takewhile(lambda _: not stop.is_set(), itertools.count()):
            child = str(uuid.uuid4())
            xml = phone.register(child, nama="Adi", posyandu="melati")
            photo = {"xml_submission_file": (io.BytesIO(xml), "a.xml", "text/xml")}
            photo["foto.jpg"] = (io.BytesIO(child.encode()), "foto.jpg")
            if client.post(f"{phone.base}/submission", data=photo).status_code == 201:
                acknowledged.append(child)

    threads = [threading.Thread(target=send, args=(phone,)) for phone in phones]
    for thread in threads:
        thread.start()
    for turn in range(2):
        while len(acknowledged) < 5 * (turn + 1):
            stop.wait(0.01)
        before = set(acknowledged)
        contents = back_up(village.app, tmp_path / "busy.zip")
        rows = tables_in(tmp_path / "busy.zip")
        assert before <= {row["entity"] for row in rows["records"]}
        told = [row for row in rows["journal"] if row["change_id"]]
        assert len(rows["submissions"]) == len(rows["changes"]) == len(told)
        assert rows["journal_heads"][0]["head"] == max(row["seq"] for row in rows["journal"])
        with zipfile.ZipFile(tmp_path / "busy.zip") as inside:
            held = {name.removeprefix("attachments/") for name in inside.namelist()}
        assert {row["sha256"] for row in rows["submission_attachments"]} <= held
        assert contents.missing == ()
    stop.set()
    for thread in threads:
        thread.join()


def look(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "copy.zip"
    path.write_bytes(content)
    with path.open("rb") as stream, opened(stream, "copy.zip", tell=untold):
        pass


def test_a_file_cut_short_or_with_one_bit_changed_is_refused(any_file, clock, tmp_path):
    whole = any_file.read_bytes()
    chance = random.Random(4)
    look(whole, tmp_path)
    cuts = [0, 1, 30, 43, 44, len(whole) - 86, len(whole) - 85, len(whole) - 1]
    for cut in cuts + chance.sample(range(len(whole)), 60):
        with pytest.raises(BadValue, match=r"no backup of Simpul|not whole"):
            look(whole[:cut], tmp_path)
    for place in [0, 35, len(whole) - 1, *chance.sample(range(len(whole)), 150)]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        with pytest.raises(BadValue):
            look(bytes(flipped), tmp_path)
    with pytest.raises(BadValue):
        look(whole + b"\n", tmp_path)
    (tmp_path / "cut.zip").write_bytes(whole[:-1000])
    with pytest.raises(BadValue, match=r"not whole"):
        restored(settings_of(tmp_path / "home2"), tmp_path / "cut.zip", clock=clock, tell=untold)
    assert not (tmp_path / "home2").exists()


@on_one_engine
def test_a_newer_backup_is_refused(village, clock, tmp_path, monkeypatch):
    with monkeypatch.context() as newer:
        newer.setattr(archive, "FORMAT", 2)
        back_up(village.app, tmp_path / "format.zip")
    end = Writer.finish
    with monkeypatch.context() as newer:
        newer.setattr(
            Writer,
            "finish",
            lambda self, contents: end(self, replace(contents, revision="9999")),
        )
        back_up(village.app, tmp_path / "tables.zip")
    for name in ("format.zip", "tables.zip"):
        with pytest.raises(BadValue, match="newer"):
            restored(settings_of(tmp_path / "new"), tmp_path / name, clock=clock, tell=untold)
    assert not (tmp_path / "new").exists()


def test_an_older_backup_gets_the_tables_of_now(clock, tmp_path, restore):
    """As when the program was upgraded and the tables were not yet."""
    older = settings_of(tmp_path / "older")
    make_key(older.home)
    app = create_app(older, clock=clock)
    with app.app_context():
        bring_tables("0001")
        with write_transaction() as connection:
            node, epoch = clock.new_id(), clock.new_id()
            connection.execute(
                text("INSERT INTO nodes (id, node, epoch) VALUES (1, :node, :epoch)"),
                {"node": node, "epoch": epoch},
            )
            projects.insert_project(
                connection, uuid=clock.new_id(), name="Sumedang", description=None, at="2026"
            )
    back_up(app, tmp_path / "older.zip")
    now = rows_of(restore(tmp_path / "older.zip"))
    assert [row["name"] for row in now["projects"]] == ["Sumedang"]
    assert now["batches"] == []
    close(app)


def test_an_install_is_never_written_over(village, file, clock, tmp_path, database_url):
    """Not one that was set up, and not the one a restore has made."""
    before = rows_of(village.app)
    with pytest.raises(AlreadyThere, match="rows in"):
        restored(settings_of(tmp_path / "new", database_url), file, clock=clock, tell=untold)
    assert not (tmp_path / "new").exists()
    assert rows_of(village.app) == before


def test_a_home_with_a_key_or_attachments_is_not_empty(any_file, clock, tmp_path):
    home = settings_of(tmp_path / "new")
    home.home.mkdir()
    (home.home / "simpul.toml").write_text('language = "en"\n')
    Blobs(home.home / "blobs").put(io.BytesIO(b"a photo"))
    (home.home / "secret.key").write_text("another")
    with pytest.raises(AlreadyThere, match=r"a secret key, attachments.*SIMPUL_HOME"):
        restored(home, any_file, clock=clock, tell=untold)
    assert (home.home / "secret.key").read_text() == "another"
    assert sorted(p.name for p in home.home.iterdir()) == ["blobs", "secret.key", "simpul.toml"]


def fails_at(step):
    """A `tell` that breaks off at the step-th thing it hears after the file was checked."""
    heard = itertools.count(1)

    def tell(what, _done, _total):
        if "checking" not in what and next(heard) == step:
            raise OSError(28, "No space left on device")

    return tell


def dies_at(step):
    heard = itertools.count(1)

    def tell(what, _done, _total):
        if "checking" not in what and next(heard) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


def test_a_restore_that_fails_leaves_the_home_as_it_was(
    any_file, clock, tmp_path, empty_database_url
):
    home = settings_of(tmp_path / "new", empty_database_url)
    for step in (1, 12):
        with pytest.raises(OSError, match="No space"):
            restored(home, any_file, clock=clock, tell=fails_at(step))
        assert not home.home.exists()
    if home.sqlite_file:
        assert list(home.sqlite_file.parent.glob("empty.db*")) == []
    restored(home, any_file, clock=clock, tell=untold)


def test_a_restore_that_is_killed_can_be_run_again(
    village, file, clock, tmp_path, empty_database_url, restore, monkeypatch
):
    home = settings_of(tmp_path / "again0", empty_database_url)
    monkeypatch.setenv("SIMPUL_HOME", str(home.home))
    monkeypatch.setenv("SIMPUL_DATABASE_URL", empty_database_url)
    for step in (1, 5):
        child = os.fork()
        if child == 0:
            restored(home, file, clock=clock, tell=dies_at(step))
            os._exit(0)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        served = CliRunner().invoke(main, ["serve"])
        assert served.exit_code == 1
        assert "run `simpul restore` again" in served.stderr
    app = restore(file, empty_database_url)
    same_but_for_its_life(rows_of(village.app), rows_of(app), 1000)
    assert blobs_of(app) == blobs_of(village.app)
    (home.home / "restoring").write_text("killed between the last two steps")
    assert not restoring.is_unfinished(home)


def test_another_key_that_is_set_is_refused(any_file, clock, tmp_path):
    home = settings_of(tmp_path / "new")
    with pytest.raises(SyncError, match="SIMPUL_SECRET_KEY"):
        restored(replace(home, secret_key="another"), any_file, clock=clock, tell=untold)
    assert not home.home.exists()


@on_one_engine
def test_a_lost_attachment_is_told_and_stops_nothing(village, tmp_path, restore):
    (photo,) = blobs_of(village.app)
    village.app.extensions["simpul"].blobs.path(photo).write_bytes(b"\xff\xd8 b")
    assert back_up(village.app, tmp_path / "a.zip").missing == (photo,)
    village.app.extensions["simpul"].blobs.path(photo).unlink()
    assert back_up(village.app, tmp_path / "b.zip").missing == (photo,)
    assert blobs_of(restore(tmp_path / "a.zip")) == {}


@on_one_engine
def test_only_a_backup_is_replaced(village, tmp_path):
    kept = tmp_path / "something.db"
    kept.write_bytes(b"not to be lost" * 10)
    with pytest.raises(AlreadyThere, match="is no backup"):
        back_up(village.app, kept)
    assert kept.read_bytes() == b"not to be lost" * 10
    back_up(village.app, tmp_path / "a.zip")
    back_up(village.app, tmp_path / "a.zip")
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.slow
@on_one_engine
def test_the_commands_of_a_terminal(village, tmp_path, database_url):
    key = village.app.extensions["simpul"].settings.secret_key
    here = Served(tmp_path / "home", database_url, SIMPUL_SECRET_KEY=key)
    file, there = tmp_path / "of today.zip", Served(tmp_path / "there", "")
    told = json.loads(here.command("backup", "--json", str(file)))
    assert told["bytes"] == file.stat().st_size
    assert told["rows"]["submissions"] == 2
    assert told["attachments"]["count"] == 1
    again = json.loads(there.command("restore", "--json", str(file)))
    assert again["rows"] == told["rows"]
    assert again["node"] == told["node"]
    assert again["epoch"] != told["epoch"]


@on_one_engine
def test_what_is_refused_is_said_in_one_line(simpul, tmp_path, any_file):
    for asked in (("restore", any_file), ("backup", tmp_path / "nowhere" / "a.zip")):
        refused = simpul(*asked)
        assert refused.exit_code == 1
        assert refused.stderr.count("\n") == 1
