"""`simpul pack`: a programme's forms and lists, ready to be used."""

from __future__ import annotations

import click

from odk_forms import packs
from sync_server.commands.common import (
    chosen_project,
    command_app,
    json_option,
    print_json,
    project_option,
)
from sync_server.commands.form import published_facts, published_line
from sync_server.context import context
from sync_server.publishing.packs import install_pack


@click.group()
def pack() -> None:
    """Form packs: forms, entity lists, policies and areas of a programme."""


@pack.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """The packs that can be installed."""
    known = {name: packs.load(name).titles["en"] for name in packs.names()}
    if as_json:
        print_json([{"name": name, "title": title} for name, title in known.items()])
        return
    for name, title in known.items():
        click.echo(f"{name}\t{title}")


@pack.command("install")
@click.argument("name")
@project_option
@json_option
def install(name: str, project: str | None, as_json: bool) -> None:
    """Publish the forms of the pack NAME, with its lists, actor properties and access filters.

    Running it again adds what is missing and changes nothing else.
    """
    try:
        wanted = packs.load(name)
    except LookupError as exc:
        raise click.ClickException(str(exc.args[0])) from exc
    with command_app():
        done = install_pack(chosen_project(project), wanted, by=None, clock=context().clock)
    if as_json:
        facts = {"actorProperties": done.actor_properties, "lists": done.lists}
        forms = [published_facts(one) for one in done.forms]
        print_json({"pack": name, **facts, "accessFilters": done.filters, "forms": forms})
        return
    for word, names in (
        ("actor property", done.actor_properties),
        ("list", done.lists),
        ("access filter on", done.filters),
    ):
        for one in names:
            click.echo(f"{word} {one}")
    for form in done.forms:
        click.echo(published_line(form))
