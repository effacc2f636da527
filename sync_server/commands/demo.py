"""`simpul demo`: a regency with a past, made through the real doors and then served."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import datetime

import click
from flask import Flask
from sqlalchemy.exc import OperationalError

from odk_forms import packs
from odk_forms.packs import Pack
from sync_server.accounts.devices import server_url
from sync_server.accounts.people import current_node
from sync_server.app import create_app
from sync_server.clock import SystemClock, instant, moment
from sync_server.commands.common import (
    counted,
    loaded_settings,
    refusals_in_one_line,
    revision_of,
)
from sync_server.commands.init import bring_tables, make_store, with_key
from sync_server.commands.serve import Server, port_option, refuse_taken, workers_option
from sync_server.context import context
from sync_server.db import db
from sync_server.demo import regency
from sync_server.demo.incidents import arrange
from sync_server.demo.kept import Kept, erase, find, keep
from sync_server.demo.loading import StoryClock, listening
from sync_server.demo.story import Story, beginning
from sync_server.settings import Settings

_HOME = "./instance/demo"
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - recognised, so that a reachable address is shown


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@port_option
@workers_option
@click.option("--fresh", is_flag=True, help="Make the demo anew; what was in it is erased.")
@click.option("--no-serve", is_flag=True, help="Only make it.")
def demo(host: str, port: int, workers: int, fresh: bool, no_serve: bool) -> None:
    """Make a demo regency with months of history, and serve it.

    It lives in SIMPUL_HOME, by default ./instance/demo. What an earlier run made is used again.
    """
    os.environ.setdefault("SIMPUL_HOME", _HOME)
    if not no_serve:
        refuse_taken(host, port)  # before the regency is made, not half a minute later
    settings = with_key(loaded_settings())
    kept = _reused(settings, fresh=fresh) or _made(settings)
    _tell(settings, kept, host, port)
    if not no_serve:
        Server(settings, host=host, port=port, workers=workers).run()


def _reused(settings: Settings, *, fresh: bool) -> Kept | None:
    """The demo that is here; None when there is none, or it had to go."""
    kept = find(settings.home)
    if revision_of(settings) is None:
        return None
    app = create_app(settings)
    with app.app_context(), refusals_in_one_line():
        try:
            if kept is None or (kept.node is not None and kept.node != current_node()[0]):
                raise click.ClickException(
                    f"{settings.home} and its database hold something else than a demo: "
                    "give the demo a SIMPUL_HOME (and SIMPUL_DATABASE_URL) of its own"
                )
            if kept.complete and not fresh:
                bring_tables()
                age = (SystemClock().now() - moment(kept.made_at)).days
                made = f"{counted(age, 'day')} ago in {settings.home}"
                click.echo(f"using the demo made {made}; --fresh makes it anew")
                return kept
            erase(settings.home, db.engine)
        except OperationalError as exc:
            raise click.ClickException(f"the demo is in use: {exc.orig}") from exc
        finally:
            db.engine.dispose()
    return None


def _made(settings: Settings) -> Kept:
    """Make the regency and live its months, against a server of this process."""
    started = time.monotonic()
    click.echo("making a demo regency: five months of forms are sent, this takes a moment …")
    pack = packs.load("posyandu")
    until = SystemClock().now()
    clock = StoryClock(beginning(pack, until))
    # Phones that load the past reach this process alone, whatever address is public.
    app = create_app(replace(settings, public_url=""), clock=clock)
    keep(settings.home, Kept())
    with app.app_context(), refusals_in_one_line():
        try:
            make_store(settings)
            bring_tables()
            kept = _lived(app, pack, clock, settings, until)
        finally:
            db.engine.dispose()
    keep(settings.home, kept)
    click.echo(f"made in {time.monotonic() - started:.0f} s, in {settings.home}")
    return kept


def _lived(app: Flask, pack: Pack, clock: StoryClock, settings: Settings, until: datetime) -> Kept:
    made = regency.set_up(pack, clock=clock, secret_key=settings.secret_key)
    kept = Kept(node=current_node()[0])
    keep(settings.home, kept)
    with listening(app) as url:
        story = Story(made, pack, url=url, clock=clock, until=until)
        arrange(story)
        told = story.tell()
    context().contacts.flush()
    phone = made.cadres[0]
    return replace(
        kept,
        complete=True,
        made_at=instant(until),
        project_id=made.project_id,
        device_id=phone.actor_id,
        device=phone.name,
        device_token=phone.token,
        admin=(made.admin.email, made.admin.password),
        midwife=(made.midwife.email, made.midwife.password),
        posyandu=len(made.posts),
        devices=len(made.cadres),
        children=told.children,
        forms=told.forms,
    )


def _tell(settings: Settings, kept: Kept, host: str, port: int) -> None:
    """Where to log in and as whom, and the address of one phone."""
    shown = "127.0.0.1" if host in _EVERYWHERE else host
    base = settings.public_url or f"http://{shown}:{port}"
    card = f"{base}/projects/{kept.project_id}/devices/{kept.device_id}/card"
    lines = (
        f"{kept.posyandu} posyandu, {counted(kept.devices, 'device')}, "
        f"{counted(kept.children, 'child', 'children')}, {counted(kept.forms, 'form')}",
        "",
        f"  Log in at      {base}/login",
        f"  Administrator  {kept.admin[0]}   {kept.admin[1]}",
        f"  Midwife        {kept.midwife[0]}   {kept.midwife[1]}   (sees two of the posyandu)",
        f"  A phone        {kept.device}",
        f"                 {server_url(base, kept.device_token, kept.project_id)}",
        f"  Its QR card    {card}",
        "",
    )
    for line in lines:
        click.echo(line)
