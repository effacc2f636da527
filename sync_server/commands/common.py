"""What commands share: settings or one clear line, an app, the store's readiness."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from sync_server.app import create_app
from sync_server.settings import Settings, SettingsError, load


def loaded_settings() -> Settings:
    """The settings in force; one line and exit status 2 when they cannot be used."""
    try:
        return load(os.environ)
    except SettingsError as exc:
        raise click.UsageError(str(exc)) from exc


def refuse_if_not_initialised(settings: Settings) -> None:
    """Stop with one line when `simpul init` has not been run here."""
    if not settings.secret_key or not _has_tables(settings):
        raise click.ClickException(
            f"nothing is set up in {settings.home}: run "
            "`simpul init --admin-email YOU --admin-password PASSWORD` first"
        )


def _has_tables(settings: Settings) -> bool:
    if settings.database_url.startswith("sqlite") and not settings.home.exists():
        return False
    engine = create_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() is not None
    except OperationalError as exc:
        raise click.ClickException(f"the database cannot be reached: {exc.orig}") from exc
    finally:
        engine.dispose()


@contextmanager
def command_app() -> Iterator[Flask]:
    """An app within its context, for a command that works on a store that is set up."""
    settings = loaded_settings()
    refuse_if_not_initialised(settings)
    app = create_app(settings)
    with app.app_context():
        yield app
