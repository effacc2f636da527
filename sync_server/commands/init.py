"""`simpul init`: the home, the database and the first administrator."""

from __future__ import annotations

import click
import flask_migrate
from sqlalchemy.exc import DatabaseError

from sync_server.accounts.people import set_up
from sync_server.app import MIGRATIONS, create_app
from sync_server.commands.common import loaded_settings, no_database, refusals_in_one_line
from sync_server.context import context
from sync_server.settings import Settings, make_key


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
    app = create_app(with_key(loaded_settings()))
    with app.app_context(), refusals_in_one_line():
        bring_tables()
        made = set_up(admin_email, admin_password, clock=context().clock)
        home = context().settings.home
    if made:
        click.echo(f"set up in {home}; log in as {admin_email}")
    else:
        click.echo(f"{home} is set up already; nothing was changed")


def bring_tables() -> None:
    """Make the tables, or bring them up to date; within an app context."""
    try:
        flask_migrate.upgrade(directory=str(MIGRATIONS))
    except DatabaseError as exc:
        raise no_database(exc) from exc


def with_key(settings: Settings) -> Settings:
    """The settings with a home folder and a secret key, made if need be."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        if settings.secret_key:
            return settings
        make_key(settings.home)
    except OSError as exc:
        raise click.ClickException(f"{settings.home} cannot be made: {exc.strerror}") from exc
    return loaded_settings()
