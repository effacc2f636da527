"""`simpul hub`: invite hubs at a centre, and become one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import click

from sync_server.accounts.people import current_node
from sync_server.client import SyncRefused, SyncUnreachable
from sync_server.commands.common import (
    chosen_project,
    command_app,
    in_pairs,
    json_option,
    note_unknown_places,
    print_json,
    project_option,
    properties_of,
)
from sync_server.commands.relay import relay_once, told_of_fetching
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.hubs import book
from sync_server.hubs.link import ask_to_pair
from sync_server.hubs.upstream import become_hub, count_waiting, get_upstream
from sync_server.stores.hubs import list_hubs
from sync_server.stores.upstreams import list_refused


@click.group()
def hub() -> None:
    """Hubs: laptops in villages that work without their centre, and relay when they can."""


@hub.command()
@project_option
@click.option("--name", required=True, help="What the hub is called, as Puskesmas Tanjung.")
@click.option("--property", "pairs", multiple=True, help="Its area, as posyandu=melati.")
@json_option
def invite(project: str | None, name: str, pairs: tuple[str, ...], as_json: bool) -> None:
    """Print a code that makes one install a hub of this centre: once, and within a day."""
    properties = properties_of(pairs)
    with command_app():
        project_id = chosen_project(project)
        made = book.invite(project_id, name, properties, by=None, clock=context().clock)
        note_unknown_places(project_id, properties)
    if as_json:
        print_json({"id": made.actor_id, "code": made.code, "expiresAt": made.expires_at})
    else:
        click.echo(f"{made.code}\ngood once, until {made.expires_at}: `simpul hub pair URL CODE`")


@hub.command()
@click.argument("url")
@click.argument("code", nargs=-1, required=True)
@json_option
def pair(url: str, code: tuple[str, ...], as_json: bool) -> None:
    """Become a hub of the centre at URL by the CODE it gave, and fetch what phones need."""
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("URL is the centre's address, as https://simpul.example.go.id")
    if not _is_private(url):
        click.echo("warning: over http everybody on the way can read along; use https", err=True)
    with command_app():
        here, (node, _) = context(), current_node()
        try:
            paired = ask_to_pair(url, " ".join(code), node)
        except SyncRefused as exc:
            raise click.ClickException(f"the centre refuses: {exc.message}") from exc
        except SyncUnreachable as exc:
            raise click.ClickException(exc.message) from exc
        secret_key = here.settings.secret_key
        project_id = become_hub(url, paired, clock=here.clock, secret_key=secret_key)
        if not as_json:
            click.echo(f"this is the hub {paired['hub']} of {paired['project']['name']} now")
        done = relay_once(project_id, quiet=as_json, sends=False)
    if as_json:
        project = {"project": paired["project"]["uuid"], "projectId": project_id}
        print_json({"hub": paired["hub"], **project, "fetched": done.fetched})
    else:
        click.echo(told_of_fetching(done))


def _is_private(url: str) -> bool:
    """Whether nobody on the way can read along: https, or a server on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


@hub.command("list")
@project_option
@json_option
def list_all(project: str | None, as_json: bool) -> None:
    """The hubs of a project and when each was last heard, revoked ones too."""
    with command_app():
        project_id = chosen_project(project)
        with read_transaction() as connection:
            rows = list_hubs(connection, project_id)
    if as_json:
        print_json([_facts(row) for row in rows])
        return
    for row in rows:
        area = in_pairs(row.properties)
        state = "revoked" if row.revoked_at else f"last heard {row.last_seen_at or 'never'}"
        click.echo(f"{row.actor_id}\t{row.display_name}\t{area}\t{state}")


def _facts(row: Any) -> dict[str, Any]:
    return {
        "id": row.actor_id,
        "name": row.display_name,
        "properties": row.properties,
        "node": row.node,
        "pairedAt": row.paired_at,
        "lastSeenAt": row.last_seen_at,
        "clockOffsetMs": row.clock_offset_ms,
        "revokedAt": row.revoked_at,
    }


@hub.command()
@click.argument("hub_id", type=int, metavar="ID")
@project_option
def revoke(hub_id: int, project: str | None) -> None:
    """Let hub ID in no more. What it still holds can be imported from a file."""
    with command_app():
        book.revoke(chosen_project(project), hub_id, by=None, clock=context().clock)
    click.echo(f"hub {hub_id} is revoked")


@hub.command()
@project_option
@json_option
def status(project: str | None, as_json: bool) -> None:
    """At a hub: how many items wait, when it last reached its centre, what was refused there."""
    with command_app():
        project_id, secret_key = chosen_project(project), context().settings.secret_key
        upstream = get_upstream(project_id)
        waiting = count_waiting(project_id, secret_key=secret_key)
        with read_transaction() as connection:
            refused = list_refused(connection, project_id)
    if as_json:
        print_json(
            {
                "url": upstream.url,
                "hub": upstream.hub_name,
                "waiting": waiting,
                "heardAt": upstream.heard_at,
                "pushedAt": upstream.pushed_at,
                "trouble": upstream.trouble,
                "clockOffsetMs": upstream.clock_offset_ms,
                "refused": [dict(row._mapping) for row in refused],
            }
        )
        return
    click.echo(f"{upstream.hub_name}, hub of {upstream.url}")
    click.echo(f"{waiting} waiting, last sent {upstream.pushed_at or 'never'}")
    if upstream.trouble:
        click.echo(upstream.trouble)
    for row in refused:
        click.echo(f"refused: {row.kind} {row.named}: {row.detail} ({row.code})")
