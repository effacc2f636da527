"""`simpul push`, `simpul pull`: a hub speaks with its centre once."""

from __future__ import annotations

import sys
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
from sync_server.hubs.relaying import Relayed, RelayFailed, relay


@click.command()
@project_option
@json_option
def push(project: str | None, as_json: bool) -> None:
    """Send the centre all that came in here; ends with status 0 when nothing waits any more."""
    _relay(project, as_json, fetches=False)


@click.command()
@project_option
@json_option
def pull(project: str | None, as_json: bool) -> None:
    """Fetch from the centre forms, lists, accounts, and what was changed elsewhere."""
    _relay(project, as_json, sends=False)


def _relay(project: str | None, as_json: bool, *, sends: bool = True, fetches: bool = True) -> None:
    with command_app():
        done = relay_once(chosen_project(project), quiet=as_json, sends=sends, fetches=fetches)
    if as_json:
        print_json(_facts(done))
    elif sends:
        click.echo(told_of_sending(done))
    else:
        click.echo(told_of_fetching(done))
    if sends and done.waiting:
        raise click.ClickException(f"{counted(done.waiting, 'item')} came in meanwhile: push again")


def relay_once(project_id: int, *, quiet: bool, **wanted: bool) -> Relayed:
    """One contact, with its progress on a terminal; one line and status 1 when it ends early."""
    counts = {"sent": 0, "fetched": 0}
    shown = not quiet and sys.stderr.isatty()

    def tell(what: str, more: int) -> None:
        counts[what] += more
        if shown and more:
            click.echo(f"\r{what} {counts[what]} ", nl=False, err=True)

    try:
        return relay(project_id, tell=tell, **wanted)
    except RelayFailed as exc:
        raise click.ClickException(str(exc)) from exc
    finally:
        if shown and any(counts.values()):
            click.echo(err=True)


def told_of_sending(done: Relayed) -> str:
    """What a push did, in a line."""
    files = f", {counted(done.blobs, 'file')}" if done.blobs else ""
    refused = f"; {done.refused} refused, see `simpul hub status`" if done.refused else ""
    return f"sent {counted(done.sent, 'item')}{files}{refused}"


def told_of_fetching(done: Relayed) -> str:
    """What a pull did, in a line or more."""
    forms = f", {counted(len(done.forms), 'form version')}" if done.forms else ""
    # Forms for nobody: an area that is no place's, or the devices are made later.
    devices = f", {counted(done.devices, 'device account')}" if done.devices or forms else ""
    lines = [f"fetched {counted(done.fetched, 'item')}{forms}{devices}"]
    lines += [f"{name} cannot be published here: {text}" for name, text in done.failed.items()]
    return "\n".join(lines)


def _facts(done: Relayed) -> dict[str, Any]:
    return {
        "sent": done.sent,
        "refused": done.refused,
        "blobs": done.blobs,
        "fetched": done.fetched,
        "forms": done.forms,
        "failed": done.failed,
        "devices": done.devices,
        "waiting": done.waiting,
    }
