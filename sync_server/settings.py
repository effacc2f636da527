"""Every setting of the server: its name, its default, and what it does.

Read from `SIMPUL_*` variables over an optional `simpul.toml` in the home folder.
`docs/settings.md` is made from this table.
"""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; its variable is `SIMPUL_` and the name."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting("HOME", "./instance", "Folder for the database, the attachments and the secret key."),
    Setting(
        "DATABASE_URL",
        "",
        "SQLAlchemy URL of the store. Empty: SQLite in the home folder. "
        "PostgreSQL: postgresql+psycopg://user:password@host/database.",
    ),
    Setting(
        "PUBLIC_URL",
        "",
        "Address phones reach this server at, such as https://simpul.example.go.id. "
        "Empty: the address each request came to.",
    ),
    Setting(
        "PROXIES",
        "0",
        "How many proxies of yours stand before the server. What they write into X-Forwarded-For, "
        "-Proto and -Host counts; with 0 nothing of that counts.",
    ),
    Setting("SECRET_KEY", "", "Signs sessions and seals device tokens. Made by `simpul init`."),
    Setting("LANGUAGE", "id", "Language of pages and of messages to phones: id or en."),
    Setting("TIMEZONE", "Asia/Jakarta", "Time zone in which pages show times."),
    Setting("PART_BYTES", "2000000", "Size of one part of a submission, as advertised to phones."),
    Setting("MAX_BODY_BYTES", "524288000", "Largest request body that is read at all."),
    Setting("LATE_DAYS", "7", "A device silent for more days than this is late on the sync board."),
    Setting(
        "COLLECT_PASSWORD",
        "",
        "Password in QR cards that opens what is locked in Collect: the server's address, when "
        "forms are fetched, sending by itself. Empty: nothing is locked.",
    ),
    Setting(
        "RELAY_SECONDS",
        "300",
        "Seconds between two contacts of a hub with its centre, by itself; 0: only by hand.",
    ),
)


class SettingsError(ValueError):
    """A setting cannot be used; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force. Frozen: nothing changes while the server runs."""

    home: Path
    database_url: str
    public_url: str
    proxies: int
    secret_key: str
    language: str
    timezone: str
    part_bytes: int
    max_body_bytes: int
    late_days: int
    relay_seconds: int
    collect_password: str = field(default="", repr=False)

    @property
    def sqlite_file(self) -> Path | None:
        """The file of the store, there or not yet; None when the store is in no file."""
        url = make_url(self.database_url)
        in_file = url.drivername == "sqlite" and url.database not in (None, "", ":memory:")
        return Path(str(url.database)) if in_file else None


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment over `simpul.toml`; SettingsError names what is wrong."""
    home = Path(environ.get("SIMPUL_HOME") or "./instance").resolve()
    chosen = {s.name: s.default for s in SETTINGS}
    chosen.update(_from_file(home / "simpul.toml"))
    chosen.update({n: environ[f"SIMPUL_{n}"] for n in chosen if environ.get(f"SIMPUL_{n}")})
    if chosen["LANGUAGE"] not in ("id", "en"):
        raise SettingsError("SIMPUL_LANGUAGE is id or en")
    try:
        ZoneInfo(chosen["TIMEZONE"])
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise SettingsError(f"SIMPUL_TIMEZONE is no time zone: {chosen['TIMEZONE']!r}") from exc
    if not (chosen["DATABASE_URL"] or "sqlite:").startswith(("sqlite:", "postgresql+psycopg:")):
        raise SettingsError("SIMPUL_DATABASE_URL begins with sqlite: or postgresql+psycopg:")
    if chosen["PUBLIC_URL"] and not _is_web_address(chosen["PUBLIC_URL"]):
        raise SettingsError(
            "SIMPUL_PUBLIC_URL is an address such as https://simpul.example.go.id, "
            f"not {chosen['PUBLIC_URL']!r}"
        )
    return Settings(
        home=home,
        database_url=_store(chosen["DATABASE_URL"] or f"sqlite:///{home / 'simpul.db'}"),
        public_url=chosen["PUBLIC_URL"].rstrip("/"),
        proxies=_whole(chosen, "PROXIES"),
        secret_key=chosen["SECRET_KEY"] or _stored_key(home),
        language=chosen["LANGUAGE"],
        timezone=chosen["TIMEZONE"],
        part_bytes=_whole(chosen, "PART_BYTES"),
        max_body_bytes=_whole(chosen, "MAX_BODY_BYTES"),
        late_days=_whole(chosen, "LATE_DAYS"),
        relay_seconds=_whole(chosen, "RELAY_SECONDS"),
        collect_password=chosen["COLLECT_PASSWORD"],
    )


def make_home(home: Path) -> None:
    """Make the home folder, for its owner alone; one that is there keeps its mode."""
    home.parent.mkdir(parents=True, exist_ok=True)
    home.mkdir(mode=0o700, exist_ok=True)


def make_key(home: Path) -> None:
    """Write a new secret key into the home folder, unless one is there."""
    make_home(home)
    path = home / "secret.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))


def _store(text: str) -> str:
    """The URL of the store; a file of SQLite is one below the folder the command is given in."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as exc:
        raise SettingsError("SIMPUL_DATABASE_URL is no URL of a database") from exc
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return f"sqlite:///{Path(url.database).resolve()}"
    return text


def _stored_key(home: Path) -> str:
    path = home / "secret.key"
    return path.read_text().strip() if path.exists() else ""


def _from_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path.name} is not TOML: {exc}") from exc
    known = {s.name.lower() for s in SETTINGS}
    unknown = sorted(found.keys() - known)
    if unknown:
        raise SettingsError(f"{path.name} names unknown settings: {', '.join(unknown)}")
    return {name.upper(): str(value) for name, value in found.items()}


def _is_web_address(text: str) -> bool:
    """Whether phones could reach a server by it: http or https, a host, and no query."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # read for its ValueError
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and not set(" ?#") & set(text)
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def _whole(chosen: Mapping[str, str], name: str) -> int:
    if not chosen[name].isdecimal():
        raise SettingsError(f"SIMPUL_{name} is a whole number, not {chosen[name]!r}")
    return int(chosen[name])
