"""`simpul backup` and `simpul restore`: the whole install in one file, and back."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from alembic.script import ScriptDirectory

from sync_server.app import MIGRATIONS, create_app
from sync_server.backups import restoring
from sync_server.backups.archive import Archive, Contents, Tell, opened
from sync_server.backups.taking import take
from sync_server.clock import Clock, SystemClock, instant
from sync_server.commands.common import (
    command_app,
    counted,
    disk_in_one_line,
    json_option,
    loaded_settings,
    print_json,
    refusals_in_one_line,
)
from sync_server.commands.init import bring_tables, make_store
from sync_server.context import context
from sync_server.db import db
from sync_server.errors import BadValue
from sync_server.settings import Settings

_TOLD_EVERY_SECONDS = 0.2
_SHOWN = 5


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Write everything this install holds to FILE, while phones go on sending.

    Guard FILE as you guard the server: it holds the children's records, and the key that
    opens every phone's token. It is readable by you alone; let its copies be so too.
    A file of this name is whole: it is written under another and renamed at the end.
    The settings are not in it (simpul.toml, SIMPUL_ variables).
    """
    whole = command_app(of_any_release=True)  # before an upgrade brings the tables up to date
    with whole, disk_in_one_line(), _progress() as tell:
        here = context()
        contents = take(
            file,
            secret_key=here.settings.secret_key,
            blobs=here.blobs,
            clock=here.clock,
            tell=tell,
        )
    if as_json:
        print_json({"file": str(file), "bytes": file.stat().st_size, **_facts(contents)})
    else:
        click.echo(f"{file}: {_told(contents)}")
    _warn_of_missing(contents)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def restore(file: Path, as_json: bool) -> None:
    """Make the install that FILE, a backup, was taken of.

    SIMPUL_HOME and the database must be empty; FILE is looked at whole before anything is
    touched. SQLite or PostgreSQL, whatever it was taken from. Phones go on as before and fetch
    their lists anew; what they sent since FILE was made is missing until they send it again.
    """
    settings, clock = loaded_settings(), SystemClock()
    with refusals_in_one_line(), disk_in_one_line(), _progress() as tell:
        contents, raised = restored(settings, file, clock=clock, tell=tell)
    if contents.made_at > instant(clock.now()):
        click.echo(
            f"Warning: this machine's clock is behind the backup, made at {contents.made_at}. "
            "Set it before phones send: times would be wrong",
            err=True,
        )
    if as_json:
        print_json({"home": str(settings.home), **_facts(contents), "epoch": raised.epoch})
    else:
        click.echo(f"{settings.home}: {_told(contents)}, as they were at {contents.made_at}")
    _warn_of_missing(contents)


def restored(
    settings: Settings, file: Path, *, clock: Clock, tell: Tell
) -> tuple[Contents, restoring.Raised]:
    """Make the install of a backup; what it held, and what is other in this life of it."""
    with file.open("rb") as stream, opened(stream, str(file), tell=tell) as archive:
        _refuse_newer(archive.contents)
        with restoring.begun(settings):
            raised = _filled(settings, archive, clock, tell)
        return archive.contents, raised


def _filled(settings: Settings, archive: Archive, clock: Clock, tell: Tell) -> restoring.Raised:
    """Files, then tables as the backup had them, then its rows, then tables as they are now."""
    staged = restoring.staged(settings)
    app = create_app(staged, clock=clock)
    with app.app_context():
        try:
            restoring.put_files(archive, settings, context().blobs, tell=tell)
            make_store(staged)
            bring_tables(archive.contents.revision)
            raised = restoring.load(archive, clock=clock, tell=tell)
            bring_tables()
            restoring.note(archive, raised, clock=clock)
        finally:
            db.engine.dispose()
    return raised


def _refuse_newer(contents: Contents) -> None:
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if contents.revision not in known:
        raise BadValue(
            f"the backup was made by Simpul {contents.program}, whose tables are newer than "
            "this one's: upgrade this one"
        )


@contextmanager
def _progress() -> Iterator[Tell]:
    """Tells a person at a terminal how far it is, on a line that is wiped at the end."""
    shown, last = sys.stderr.isatty(), 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if shown and (now - last >= _TOLD_EVERY_SECONDS or done == total):
            last = now
            click.echo(f"\r\033[K{what}: {done} of {total}", nl=False, err=True)

    try:
        yield tell
    finally:
        if shown and last:
            click.echo("\r\033[K", nl=False, err=True)


def _facts(contents: Contents) -> dict[str, Any]:
    return {
        "madeAt": contents.made_at,
        "node": contents.node,
        "epoch": contents.epoch,
        "database": contents.database,
        "rows": contents.rows,
        "attachments": {
            "count": contents.attachments,
            "bytes": contents.attachment_bytes,
            "missing": list(contents.missing),
        },
    }


def _told(contents: Contents) -> str:
    rows = contents.rows
    parts = (
        counted(rows.get("projects", 0), "project"),
        counted(rows.get("submissions", 0), "submission"),
        counted(rows.get("records", 0), "record"),
        counted(contents.attachments, "attachment"),
    )
    return ", ".join(parts)


def _warn_of_missing(contents: Contents) -> None:
    if not contents.missing:
        return
    named = ", ".join(contents.missing[:_SHOWN])
    more = f" and {len(contents.missing) - _SHOWN} more" if len(contents.missing) > _SHOWN else ""
    count = counted(len(contents.missing), "attachment")
    click.echo(
        f"Warning: not in the backup, for the folder has not its bytes: {count}: {named}{more}",
        err=True,
    )
