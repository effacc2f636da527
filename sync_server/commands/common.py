"""What commands share: settings or one clear line, an app, the store's readiness."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

import click
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError, OperationalError

from sync_server.app import MIGRATIONS, create_app
from sync_server.backups.restoring import is_unfinished
from sync_server.db import db, read_transaction
from sync_server.errors import SyncError
from sync_server.reports.cards import places_to_choose
from sync_server.settings import Settings, SettingsError, load
from sync_server.stores.projects import list_projects

_MOST_NAMED = 5

project_option = click.option("--project", help="Id, uuid or name. Default: the only one.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def loaded_settings() -> Settings:
    """The settings in force; one line and exit status 1 when they cannot be used."""
    try:
        return load(os.environ)
    except SettingsError as exc:
        raise click.ClickException(str(exc)) from exc
    except OSError as exc:
        raise click.ClickException(f"{exc.filename} cannot be read: {exc.strerror}") from exc


def refuse_if_not_initialised(settings: Settings, *, of_any_release: bool = False) -> None:
    """Stop with one line when `simpul init` has not been run here, or not since an upgrade."""
    with refusals_in_one_line():
        unfinished = is_unfinished(settings)
    if unfinished:
        raise click.ClickException(
            f"a restore into {settings.home} has not come to its end: run `simpul restore` again"
        )
    found = revision_of(settings)
    if not settings.secret_key or found is None:
        raise click.ClickException(
            f"nothing is set up in {settings.home}: run "
            "`simpul init --admin-email YOU --admin-password PASSWORD` first"
        )
    if found != _newest_revision() and not of_any_release:
        raise click.ClickException(
            f"the tables are those of another release ({found}): run "
            "`simpul init` once more, it brings them up to date and changes nothing else"
        )


@cache
def _newest_revision() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def revision_of(settings: Settings) -> str | None:
    """Which release's tables `simpul init` has made in the database; None where there are none."""
    file = settings.sqlite_file
    if file is not None and not file.exists():
        return None  # to ask SQLite would make the file
    engine = create_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DatabaseError as exc:
        raise no_database(exc) from exc
    finally:
        engine.dispose()


def no_database(exc: DatabaseError) -> click.ClickException:
    """One line for a database that is away, or whose file is none or is damaged."""
    word = "reached" if isinstance(exc, OperationalError) else "read"
    reason = next(iter(str(exc.orig).splitlines()), type(exc.orig).__name__)
    return click.ClickException(f"the database cannot be {word}: {reason}")


@contextmanager
def command_app(*, of_any_release: bool = False) -> Iterator[Flask]:
    """An app within its context, for a command that works on a store that is set up.

    Its tables are those of this release, or `of_any_release`. A refusal inside ends the command
    with one line and exit status 1.
    """
    settings = loaded_settings()
    refuse_if_not_initialised(settings, of_any_release=of_any_release)
    app = create_app(settings)
    with app.app_context(), refusals_in_one_line():
        try:
            yield app
        finally:
            db.engine.dispose()


@contextmanager
def refusals_in_one_line() -> Iterator[None]:
    """A refusal, or a database that fails, ends the command with its sentence and exit status 1."""
    try:
        yield
    except SyncError as exc:
        raise click.ClickException(exc.message) from exc
    except DatabaseError as exc:
        # The narrower kinds are a statement's fault: a bug of ours, to be seen whole.
        if type(exc) not in (DatabaseError, OperationalError):
            raise
        raise no_database(exc) from exc


@contextmanager
def disk_in_one_line() -> Iterator[None]:
    """A disk that is full, away or another's ends the command with one line."""
    try:
        yield
    except OSError as exc:
        where = f"{exc.filename}: " if exc.filename else ""
        raise click.ClickException(f"{where}{exc.strerror or exc}") from exc


def chosen_project(word: str | None) -> int:
    """The id of the project meant by its id, its uuid or its name; of the only one for None."""
    with read_transaction() as connection:
        rows = list_projects(connection)
    if not rows:
        raise click.ClickException(
            "there is no project here yet: `simpul project create NAME`, or, for a hub, "
            "`simpul hub pair URL CODE`"
        )
    if word is None and len(rows) == 1:
        return int(rows[0].id)
    if word is None:
        raise click.UsageError("there is not exactly one project: name it with --project")
    found = [row.id for row in rows if word in (str(row.id), row.uuid, row.name)]
    if len(found) != 1:
        raise click.ClickException(f"{'no' if not found else 'more than one'} project {word!r}")
    return int(found[0])


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False))


def counted(count: int, word: str, plural: str | None = None) -> str:
    """A count and its word: `1 error`, `2 errors`."""
    return f"{count} {word if count == 1 else plural or word + 's'}"


def in_pairs(properties: Mapping[str, str | list[str]]) -> str:
    """Properties as they were given: `posyandu=mawar posyandu=melati`."""
    return " ".join(
        f"{name}={one}"
        for name, value in sorted(properties.items())
        for one in (value if isinstance(value, list) else [value])
    )


def note_unknown_places(project_id: int, properties: Mapping[str, str | list[str]]) -> None:
    """Say on standard error which values are no place's: by a slip a phone would see nobody."""
    for place in places_to_choose(project_id):
        codes = sorted(code for code, _ in place.options)
        given = properties.get(place.name, [])
        for value in [given] if isinstance(given, str) else given:
            if codes and value not in codes:
                known = ", ".join(codes[:_MOST_NAMED]) + (", …" * (len(codes) > _MOST_NAMED))
                click.echo(f"note: {place.name} has no {value} here, but {known}", err=True)


def properties_of(pairs: Sequence[str]) -> dict[str, str | list[str]]:
    """`posyandu=melati` as properties; a name given twice has both values."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise click.UsageError(f"a property is NAME=VALUE, not {pair!r}")
        found.setdefault(name.strip(), []).append(value.strip())
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
