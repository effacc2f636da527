"""`simpul user`: people who log in."""

from __future__ import annotations

import click

from sync_server.accounts import people
from sync_server.accounts.roles import ADMIN, FORMFILL, MANAGER, VIEWER
from sync_server.commands.common import (
    chosen_project,
    command_app,
    json_option,
    print_json,
    project_option,
    properties_of,
)
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.stores.people import find_user_by_email, list_users

_password = click.option(
    "--password",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="At least 10 characters. Asked for when not given.",
)


@click.group()
def user() -> None:
    """People who log in: administrators, managers, supervisors."""


@user.command("create")
@click.argument("email")
@_password
@click.option("--name", default="", help="What people call them. Default: the address.")
@click.option("--language", type=click.Choice(["id", "en"]), help="Language of their pages.")
@click.option(
    "--role",
    type=click.Choice([ADMIN.system, MANAGER.system, VIEWER.system, FORMFILL.system]),
    help="viewer is a supervisor. admin holds everywhere; the others in one project.",
)
@project_option
@click.option("--property", "pairs", multiple=True, help="Area of a viewer, as posyandu=melati.")
@json_option
def create_user(
    email: str,
    password: str,
    name: str,
    language: str | None,
    role: str | None,
    project: str | None,
    pairs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Let EMAIL log in."""
    properties = properties_of(pairs)
    with command_app():
        clock = context().clock
        where = None if role in (None, ADMIN.system) else chosen_project(project)
        actor_id = people.create_user(
            email, password, display_name=name, language=language, clock=clock
        )
        if role is not None:
            people.assign(actor_id, role, where, properties=properties, clock=clock)
    if as_json:
        print_json({"id": actor_id, "email": email.strip().lower()})
    else:
        click.echo(f"{email} may log in (user {actor_id})")


@user.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """Everybody who may log in."""
    with command_app(), read_transaction() as connection:
        rows = list_users(connection)
    if as_json:
        print_json([{"id": r.id, "email": r.email, "displayName": r.display_name} for r in rows])
        return
    for row in rows:
        click.echo(f"{row.id}\t{row.email}\t{row.display_name}")


@user.command("set-password")
@click.argument("email")
@_password
def set_password(email: str, password: str) -> None:
    """Give EMAIL another password, and end their sessions."""
    with command_app():
        with read_transaction() as connection:
            row = find_user_by_email(connection, email.strip().lower())
        if row is None:
            raise NotFound(f"nobody logs in as {email}")
        people.set_password(row.id, password, by=None, clock=context().clock)
    click.echo(f"{email} has a new password; their sessions have ended")
