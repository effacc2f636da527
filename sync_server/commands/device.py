"""`simpul device`: the accounts that phones send under, and their QR codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from odk_forms import collect
from sync_server.accounts import devices
from sync_server.accounts.devices import phone_settings, reveal_token, server_url
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
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.stores.people import list_app_users

_url = click.option(
    "--url", help="Address phones reach this server at. Needed unless SIMPUL_PUBLIC_URL is set."
)


_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def device() -> None:
    """Device accounts: one for each cadre's phone."""


@device.command("create")
@click.argument("name")
@project_option
@click.option("--property", "pairs", multiple=True, help="Its area, as posyandu=melati.")
@_url
@json_option
def create_device(
    name: str, project: str | None, pairs: tuple[str, ...], url: str | None, as_json: bool
) -> None:
    """Make an account called NAME and print the address its phone connects to.

    Phones must know where this server is: give --url, or set SIMPUL_PUBLIC_URL.
    """
    properties = properties_of(pairs)
    with command_app():
        here, base = context(), _base(url)
        project_id = chosen_project(project)
        made = devices.create_app_user(
            project_id,
            name,
            properties,
            by=None,
            clock=here.clock,
            secret_key=here.settings.secret_key,
        )
        address = server_url(base, made.token, project_id)
        note_unknown_places(project_id, properties)
    if as_json:
        facts = {"id": made.actor_id, "displayName": made.display_name, "properties": properties}
        print_json({**facts, "projectId": project_id, "token": made.token, "url": address})
    else:
        click.echo(f"device {made.actor_id}: {made.display_name}\n{address}")


@device.command("list")
@project_option
@json_option
def list_all(project: str | None, as_json: bool) -> None:
    """The device accounts of a project, revoked ones too."""
    with command_app():
        project_id = chosen_project(project)
        with read_transaction() as connection:
            rows = list_app_users(connection, project_id)
    if as_json:
        print_json([_facts(row) for row in rows])
        return
    for row in rows:
        area = in_pairs(row.properties)
        state = "revoked" if row.revoked_at else f"last seen {row.last_used or 'never'}"
        click.echo(f"{row.actor_id}\t{row.display_name}\t{area}\t{state}")


def _facts(row: Any) -> dict[str, Any]:
    return {
        "id": row.actor_id,
        "displayName": row.display_name,
        "properties": row.properties,
        "createdAt": row.created_at,
        "lastUsed": row.last_used,
        "revokedAt": row.revoked_at,
    }


@device.command("qr")
@click.argument("actor_id", type=int, metavar="ID")
@project_option
@_url
@click.option("--png", type=_FILE, help="Draw it into a file.")
@click.option("--svg", type=_FILE, help="Draw it into a file, as lines.")
@json_option
def show_qr(
    actor_id: int,
    project: str | None,
    url: str | None,
    png: Path | None,
    svg: Path | None,
    as_json: bool,
) -> None:
    """Print the settings address of device ID and the text of its QR code.

    Phones must know where this server is: give --url, or set SIMPUL_PUBLIC_URL.
    """
    with command_app():
        project_id, here = chosen_project(project), context().settings
        reveal_token(project_id, actor_id, secret_key=here.secret_key)  # no such device: told first
        wanted = phone_settings(
            project_id,
            actor_id,
            base_url=_base(url),
            secret_key=here.secret_key,
            admin_password=here.collect_password,
        )
    text = collect.qr_text(wanted)
    if png is not None:
        _draw(png, collect.qr_png(text))
    if svg is not None:
        _draw(svg, collect.qr_svg(text, whole_file=True).encode())
    address = wanted["general"]["server_url"]
    if as_json:
        print_json({"id": actor_id, "url": address, "settings": wanted, "qr": text})
    else:
        click.echo(f"{address}\n{text}")


def _draw(file: Path, picture: bytes) -> None:
    try:
        file.write_bytes(picture)
    except OSError as exc:
        raise click.ClickException(f"{file} cannot be written: {exc.strerror}") from exc


@device.command("rotate")
@click.argument("actor_id", type=int, metavar="ID")
@project_option
@_url
@json_option
def rotate_device(actor_id: int, project: str | None, url: str | None, as_json: bool) -> None:
    """Give device ID another address, and print it. The one before is let in no more.

    Phones must know where this server is: give --url, or set SIMPUL_PUBLIC_URL.
    """
    with command_app():
        here, project_id = context(), chosen_project(project)
        reveal_token(project_id, actor_id, secret_key=here.settings.secret_key)
        base = _base(url)
        made = devices.rotate_token(
            project_id,
            actor_id,
            by=None,
            clock=here.clock,
            secret_key=here.settings.secret_key,
        )
        address = server_url(base, made.token, project_id)
    if as_json:
        print_json({"id": actor_id, "projectId": project_id, "token": made.token, "url": address})
    else:
        click.echo(address)


@device.command("revoke")
@click.argument("actor_id", type=int, metavar="ID")
@project_option
def revoke_device(actor_id: int, project: str | None) -> None:
    """Let device ID in no more. What it wrote stays."""
    with command_app():
        devices.revoke_app_user(chosen_project(project), actor_id, by=None, clock=context().clock)
    click.echo(f"device {actor_id} is revoked")


def _base(url: str | None) -> str:
    base = (url or context().settings.public_url).rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise click.UsageError(
            "say where phones reach this server: --url https://… or SIMPUL_PUBLIC_URL"
        )
    return base
