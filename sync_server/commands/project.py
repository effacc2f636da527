"""`simpul project`: programmes of one regency each."""

from __future__ import annotations

import click

from sync_server.accounts import devices, people
from sync_server.commands.common import (
    chosen_project,
    command_app,
    counted,
    json_option,
    print_json,
    project_option,
)
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.stores.projects import list_projects


@click.group()
def project() -> None:
    """Projects, and the properties their devices and people may bear."""


@project.command("create")
@click.argument("name")
@click.option("--property", "properties", multiple=True, help="An actor property, as posyandu.")
@json_option
def create_project(name: str, properties: tuple[str, ...], as_json: bool) -> None:
    """Make a project called NAME."""
    with command_app():
        clock = context().clock
        project_id = people.create_project(name, clock=clock)
        for one in properties:
            devices.add_actor_property(project_id, one, clock=clock)
    if as_json:
        print_json({"id": project_id, "name": name})
    else:
        click.echo(f"project {project_id}: {name}")


@project.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """Every project."""
    with command_app(), read_transaction() as connection:
        rows = list_projects(connection)
    if as_json:
        print_json([{"id": r.id, "uuid": r.uuid, "name": r.name} for r in rows])
        return
    for row in rows:
        held = f"{counted(row.app_users, 'device')}\t{counted(row.forms, 'form')}"
        click.echo(f"{row.id}\t{row.name}\t{held}")


@project.command("add-property")
@click.argument("name")
@project_option
def add_property(name: str, project: str | None) -> None:
    """Let devices and people bear the property NAME, such as posyandu."""
    with command_app():
        devices.add_actor_property(chosen_project(project), name, clock=context().clock)
    click.echo(f"devices and people may bear {name}")
