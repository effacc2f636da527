"""`simpul form`: check forms, publish them, see which are published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from odk_forms.errors import Message
from sync_server.commands.common import (
    chosen_project,
    command_app,
    json_option,
    print_json,
    project_option,
)
from sync_server.commands.messages import print_messages
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import SyncError
from sync_server.publishing import publish as use_case
from sync_server.publishing.closing import STATES, set_state
from sync_server.publishing.publish import Published
from sync_server.stores.forms import list_forms

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def form() -> None:
    """Forms: XLSForm (xlsx, xls, csv, md) or XForm XML."""


@form.command("check")
@click.argument("file", type=_file)
@json_option
def check_form(file: Path, as_json: bool) -> None:
    """Say what is wrong with FILE, by sheet and cell. Nothing is written."""
    with _refused_with_messages(as_json=as_json):
        checked = use_case.check(file.read_bytes(), file.name)
    definition = checked.definition
    if as_json:
        facts = {"xmlFormId": definition.xml_form_id, "version": definition.version}
        print_json({**facts, "messages": _plain(checked.messages)})
        return
    print_messages(_plain(checked.messages))
    click.echo(f"{definition.xml_form_id} {definition.version}: can be published")


@form.command("publish")
@click.argument("file", type=_file)
@project_option
@click.option("--attach", "attached", multiple=True, type=_file, help="A file the form expects.")
@click.option(
    "--confirm-policies",
    is_flag=True,
    help="Change the policies of lists to what the form says, for every form.",
)
@json_option
def publish_form(
    file: Path,
    project: str | None,
    attached: tuple[Path, ...],
    confirm_policies: bool,
    as_json: bool,
) -> None:
    """Publish FILE: from their next sync on, phones are handed it.

    Publishing the same file again changes nothing, and says so.
    """
    with command_app(), _refused_with_messages(as_json=as_json):
        done = use_case.publish(
            chosen_project(project),
            file.read_bytes(),
            file.name,
            by=None,
            clock=context().clock,
            attachments={one.name: one.read_bytes() for one in attached},
            confirm_policies=confirm_policies,
        )
    if as_json:
        print_json(published_facts(done))
        return
    print_messages(_plain(done.messages))
    click.echo(published_line(done))


@form.command("list")
@project_option
@json_option
def list_all(project: str | None, as_json: bool) -> None:
    """The forms of a project with their newest versions."""
    with command_app():
        project_id = chosen_project(project)
        with read_transaction() as connection:
            rows = list_forms(connection, project_id)
    if as_json:
        print_json([_facts(row) for row in rows])
        return
    for row in rows:
        click.echo(f"{row.xml_form_id}\t{row.version}\t{row.state}\t{row.name}")


@form.command("state")
@click.argument("form")
@click.argument("state", type=click.Choice(STATES))
@project_option
def set_form_state(form: str, state: str, project: str | None) -> None:
    """Open FORM, or close it slowly or at once.

    closing: phones lose it from their lists, and what they have of it is still taken. closed: what
    still comes of it is kept for a supervisor. open: phones are handed it again, and what was kept
    since it was closed is taken in.
    """
    with command_app():
        set_state(chosen_project(project), form, state, by=None, clock=context().clock)
    click.echo(f"{form}: {state}")


def published_line(done: Published) -> str:
    """What publishing did, in one line and one more for each file that is missing."""
    name = f"{done.xml_form_id} {done.version}"
    lines = [
        f"{name}: published already, nothing changed" if done.unchanged else f"{name}: published"
    ]
    if done.lists:
        lines[0] += f"; new lists: {', '.join(done.lists)}"
    lines += [f"missing file: {one} (give it with --attach)" for one in done.missing]
    return "\n".join(lines)


def published_facts(done: Published) -> dict[str, Any]:
    return {
        "xmlFormId": done.xml_form_id,
        "version": done.version,
        "hash": done.hash,
        "unchanged": done.unchanged,
        "lists": list(done.lists),
        "missing": list(done.missing),
        "messages": _plain(done.messages),
    }


def _facts(row: Any) -> dict[str, Any]:
    return {
        "xmlFormId": row.xml_form_id,
        "name": row.name,
        "version": row.version,
        "hash": row.hash,
        "state": row.state,
        "publishedAt": row.published_at,
    }


def _plain(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    return [asdict(one) for one in messages]


@contextmanager
def _refused_with_messages(*, as_json: bool) -> Iterator[None]:
    """A refusal that knows sheets and cells is printed as a table; exit status 1."""
    try:
        yield
    except SyncError as exc:
        messages: Any = exc.details.get("messages")
        if as_json:
            print_json({"code": exc.code, "message": exc.message, "details": exc.details})
        elif messages:
            print_messages(messages, err=True)
        else:
            raise click.ClickException(exc.message) from exc
        raise SystemExit(1) from exc
