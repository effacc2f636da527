"""`simpul import`: an existing register into an entity list, after a dry run."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sync_server.commands.common import (
    chosen_project,
    command_app,
    counted,
    json_option,
    print_json,
    project_option,
)
from sync_server.commands.messages import print_messages
from sync_server.context import context
from sync_server.publishing.register import Plan, plan_import, run_import

_SHOWN = 50


@click.command("import")
@click.argument("list_name", metavar="LIST")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@project_option
@click.option("--yes", is_flag=True, help="Import without asking.")
@click.option("--add-properties", is_flag=True, help="Add columns that the list does not have.")
@json_option
def import_register(
    list_name: str,
    file: Path,
    project: str | None,
    yes: bool,
    add_properties: bool,
    as_json: bool,
) -> None:
    """Bring the rows of FILE, a CSV with a column `label`, into LIST.

    First says what it would do. Nothing is written before --yes, or a yes in the terminal.
    A column `name` holds the ids of records; importing the same file twice changes nothing.
    """
    with command_app():
        project_id, content = chosen_project(project), file.read_bytes()
        plan = plan_import(project_id, list_name, content, add_properties=add_properties)
        if not as_json:
            _print_plan(plan)
        if plan.errors:
            if as_json:
                print_json(_facts(plan))
            raise SystemExit(1)
        if not _go_ahead(plan, yes=yes, as_json=as_json):
            return
        done = run_import(
            project_id,
            list_name,
            content,
            by=None,
            clock=context().clock,
            add_properties=add_properties,
        )
    if as_json:
        print_json({**_facts(done.plan), "dryRun": False, "statuses": done.statuses})
        return
    told = ", ".join(f"{count} {word}" for word, count in sorted(done.statuses.items()))
    click.echo(f"imported: {told or 'nothing to do'}")


def _go_ahead(plan: Plan, *, yes: bool, as_json: bool) -> bool:
    if yes:
        return True
    if as_json:
        print_json(_facts(plan))
        return False
    if not plan.changes:
        click.echo("nothing to import")
        return False
    if sys.stdin.isatty():
        return click.confirm("Import?")
    click.echo("nothing is written yet: run it again with --yes to import")
    return False


def _print_plan(plan: Plan) -> None:
    print_messages([asdict(one) for one in plan.messages[:_SHOWN]], err=True)
    if len(plan.messages) > _SHOWN:
        click.echo(f"… and {len(plan.messages) - _SHOWN} more", err=True)
    if plan.errors:
        click.echo(f"{counted(len(plan.errors), 'error')}: nothing can be imported", err=True)
        return
    told = f"{plan.create} to create, {plan.update} to update, {plan.unchanged} unchanged"
    click.echo(f"{plan.list_name}: {told}")
    if plan.new_properties:
        click.echo(f"new properties: {', '.join(plan.new_properties)}")


def _facts(plan: Plan) -> dict[str, Any]:
    return {
        "list": plan.list_name,
        "dryRun": True,
        "create": plan.create,
        "update": plan.update,
        "unchanged": plan.unchanged,
        "newProperties": list(plan.new_properties),
        "messages": [asdict(one) for one in plan.messages],
    }
