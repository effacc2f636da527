"""`simpul init`: the home, the database and the first administrator."""

from __future__ import annotations

import click
import flask_migrate
from sqlalchemy.exc import DatabaseError

from sync_server.accounts.people import check_login, set_up
from sync_server.app import MIGRATIONS, create_app
from sync_server.commands.common import (
    loaded_settings,
    no_database,
    refusals_in_one_line,
    revision_of,
)
from sync_server.context import context
from sync_server.db import db
from sync_server.settings import Settings, make_home, make_key


@click.command()
@click.option("--admin-email", required=True, help="Address of the first administrator.")
@click.option(
    "--admin-password",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="At least 10 characters. Asked for when not given.",
)
def init(admin_email: str, admin_password: str) -> None:
    """Make the home folder, the database and the first administrator.

    Run again, it brings the tables up to date and changes nothing else.
    """
    settings = loaded_settings()
    with refusals_in_one_line():
        check_login(admin_email, admin_password)  # before anything is made
    app = create_app(with_key(settings))
    with app.app_context(), refusals_in_one_line():
        try:
            make_store(settings)
            before = revision_of(settings)
            bring_tables()
            made = set_up(admin_email, admin_password, clock=context().clock)
            home = context().settings.home
        finally:
            db.engine.dispose()
    if made:
        click.echo(f"set up in {home}; log in as {admin_email}")
    elif before != revision_of(settings):
        click.echo(f"{home} is set up already; its tables were brought up to date")
    else:
        click.echo(f"{home} is set up already; nothing was changed")


def make_store(settings: Settings) -> None:
    """Make SQLite's file for its owner alone: SQLite would let everybody here read it."""
    file = settings.sqlite_file
    try:
        if file is not None:
            file.touch(mode=0o600)
    except OSError as exc:
        raise click.ClickException(f"{file} cannot be made: {exc.strerror}") from exc


def bring_tables(revision: str = "head") -> None:
    """Make the tables, or bring them up to date; within an app context."""
    try:
        flask_migrate.upgrade(directory=str(MIGRATIONS), revision=revision)
    except DatabaseError as exc:
        raise no_database(exc) from exc


def with_key(settings: Settings) -> Settings:
    """The settings with a home folder and a secret key, made if need be."""
    try:
        make_home(settings.home)
        if settings.secret_key:
            return settings
        make_key(settings.home)
    except OSError as exc:
        raise click.ClickException(f"{settings.home} cannot be made: {exc.strerror}") from exc
    return loaded_settings()
