"""Settings: from the environment, over a file, or a sentence that names what is wrong."""

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_server.blobs import Blobs
from sync_server.settings import Settings, SettingsError, load, make_home, make_key


@pytest.fixture
def anybody_may() -> Iterator[None]:
    """A machine on which new files are everybody's, unless the program says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def settings(home: Path, **chosen: str) -> Settings:
    return load({"SIMPUL_HOME": str(home), **chosen})


def test_without_any_there_is_sqlite_in_the_home(tmp_path):
    assert settings(tmp_path).database_url == f"sqlite:///{tmp_path / 'simpul.db'}"
    assert settings(tmp_path).language == "id"


def test_the_environment_wins_over_the_file(tmp_path):
    (tmp_path / "simpul.toml").write_text('language = "en"\npart_bytes = 500000\n')
    assert settings(tmp_path).part_bytes == 500000
    assert settings(tmp_path).language == "en"
    assert settings(tmp_path, SIMPUL_LANGUAGE="id").language == "id"


@pytest.mark.parametrize(
    "url", ["http://192.168.1.5:8000", "https://simpul.example.go.id/dinas", "http://[::1]:8000"]
)
def test_phones_may_be_told_another_address(tmp_path, url):
    assert settings(tmp_path, SIMPUL_PUBLIC_URL=f"{url}/").public_url == url


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    make_key(tmp_path)
    made = settings(tmp_path).secret_key
    make_key(tmp_path)
    assert made == settings(tmp_path).secret_key
    assert len(made) >= 32
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("anybody_may")
def test_the_home_and_its_blobs_are_for_their_owner_alone(tmp_path):
    home = tmp_path / "new" / "instance"
    make_key(home)
    sha256, _ = Blobs(home / "blobs").put(io.BytesIO(b"photo"))
    blob = Blobs(home / "blobs").path(sha256)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home, home / "blobs", blob.parent)]
    assert modes == [0o700] * 3
    assert stat.S_IMODE(blob.stat().st_mode) == 0o600


def test_a_home_that_is_there_keeps_the_mode_its_operator_gave_it(tmp_path):
    tmp_path.chmod(0o750)
    make_home(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_a_file_of_sqlite_is_one_file_from_wherever_it_is_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = settings(tmp_path, SIMPUL_DATABASE_URL="sqlite:///posyandu.db")
    assert found.database_url == f"sqlite:///{tmp_path / 'posyandu.db'}"
    assert found.sqlite_file == tmp_path / "posyandu.db"
    elsewhere = settings(tmp_path, SIMPUL_DATABASE_URL="postgresql+psycopg://host/db")
    assert elsewhere.sqlite_file is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIMPUL_LANGUAGE", "su"),
        ("SIMPUL_TIMEZONE", "Asia/Sumedang"),
        ("SIMPUL_TIMEZONE", "../etc"),
        ("SIMPUL_DATABASE_URL", "mysql://host/db"),
        ("SIMPUL_PUBLIC_URL", "simpul.example.go.id"),
        ("SIMPUL_PUBLIC_URL", "ftp://simpul.example.go.id"),
        ("SIMPUL_PUBLIC_URL", "https://"),
        ("SIMPUL_PUBLIC_URL", "https://simpul.example.go.id:port"),
        ("SIMPUL_PUBLIC_URL", "https://simpul.example.go.id/?a=b"),
        ("SIMPUL_PUBLIC_URL", "https://[simpul"),
        ("SIMPUL_DATABASE_URL", "sqlite:posyandu.db"),
        ("SIMPUL_DATABASE_URL", "postgresql+psycopg://host:port/db"),
        ("SIMPUL_PART_BYTES", "2 MB"),
        ("SIMPUL_LATE_DAYS", "-1"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, name, value):
    with pytest.raises(SettingsError, match=name):
        settings(tmp_path, **{name: value})


@pytest.mark.parametrize("text", ["language = ", 'bahasa = "id"'])
def test_a_file_that_cannot_be_used_is_named(tmp_path, text):
    (tmp_path / "simpul.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"simpul\.toml"):
        settings(tmp_path)
