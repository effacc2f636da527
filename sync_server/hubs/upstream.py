"""This install as a hub: the project it has from its centre, and the line to it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from conflict.areas import UNBOUND
from sync_server.accounts.credentials import seal, unseal
from sync_server.accounts.people import create_project, get_project
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import BadValue, CursorGone, NotFound
from sync_server.hubs.link import USER_AGENT, HubLink
from sync_server.intake.arrival import Project
from sync_server.relay import cursors
from sync_server.relay.pull import begun
from sync_server.stores import upstreams as store
from sync_server.stores.people import insert_actor
from sync_server.stores.projects import find_node


def become_hub(url: str, paired: Mapping[str, Any], *, clock: Clock, secret_key: str) -> int:
    """Keep what a centre said when it took this install as its hub; the project's id here.

    The project has the same uuid here, so that the same form makes the same changes at both.
    Paired anew, everything is gone through once more: what was known stays known.

    Errors    `BadValue` when the project is this install's own.
    """
    at = instant(clock.now())
    with read_transaction() as connection:
        here = find_node(connection)
        project_id = store.find_project_by_uuid(connection, paired["project"]["uuid"])
        known = None if project_id is None else store.find_upstream(connection, project_id)
    if paired["node"] == here.node:
        raise BadValue("a server is no hub of itself", field="url", value=url)
    if project_id is None:
        project = paired["project"]
        project_id = create_project(project["name"], uuid=project["uuid"], clock=clock)
    first = first_cursor(get_project(project_id), here.epoch, secret_key)
    with write_transaction() as connection:
        centre = paired["project"]["name"]
        actor_id = (
            insert_actor(connection, kind="centre", display_name=centre, at=at)
            if known is None
            else known.actor_id
        )
        store.drop_outgoing(connection, project_id)
        store.save_upstream(
            connection,
            {
                "project_id": project_id,
                "url": url.rstrip("/"),
                "remote_project_id": paired["project"]["id"],
                "hub_name": paired["hub"],
                "actor_id": actor_id,
                "token_sealed": seal(paired["token"], secret_key),
                "node": paired["node"],
                "epoch": paired["epoch"],
                "own_epoch": here.epoch,
                "setup_tag": None,
                "push_cursor": first if known is None else None,
                "pull_cursor": None,
                "clock_offset_ms": 0,
                "paired_at": at,
                "tried_at": None,
                "heard_at": None,
                "pushed_at": None,
                "trouble": None,
            },
        )
    return project_id


def first_cursor(project: Project, epoch: str, secret_key: str) -> str:
    """Where a new hub's own feed begins: at the first step of its journal.

    Without a cursor the feed begins with a snapshot, which would give the centre its own
    records back.
    """
    begin = begun(project, epoch, cursors.CHANGES, None, cursors.reader_of(UNBOUND), 0)
    return cursors.sign(begin.tail(0, {}), secret_key)


def get_upstream(project_id: int) -> Any:
    """The centre of a project. Errors: `NotFound` where this install is no hub of it."""
    with read_transaction() as connection:
        row = store.find_upstream(connection, project_id)
    if row is None:
        raise NotFound("this install is no hub of a centre for this project; run `simpul hub pair`")
    return row


def link_to(upstream: Any, *, secret_key: str) -> HubLink:
    """The line to a centre, with the token of this hub."""
    token = unseal(upstream.token_sealed, secret_key)
    return HubLink(upstream.url, upstream.remote_project_id, token, user_agent=USER_AGENT)


def note(project_id: int, **changed: Any) -> None:
    """Keep how far this hub has got with its centre."""
    with write_transaction() as connection:
        store.update_upstream(connection, project_id, changed)


def begin_anew(project_id: int, epoch: str) -> None:
    """The centre goes on from a backup: what the two hold is to be compared, or all sent anew."""
    changed = {"epoch": epoch, "push_cursor": None, "pull_cursor": None, "setup_tag": None}
    with write_transaction() as connection:
        store.drop_outgoing(connection, project_id)
        store.update_upstream(connection, project_id, changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a hub stands with its centre: what waits, when something was last sent or tried."""

    name: str
    url: str
    waiting: int
    refused: int
    tried_at: str | None
    pushed_at: str | None
    trouble: str | None


def standing(project_id: int, *, secret_key: str) -> Standing | None:
    """How this install stands with the centre of a project; None where it has none."""
    with read_transaction() as connection:
        row = store.find_upstream(connection, project_id)
        refused = store.count_refused(connection, project_id)
    if row is None:
        return None
    return Standing(
        name=row.hub_name,
        url=row.url,
        waiting=count_waiting(project_id, secret_key=secret_key),
        refused=refused,
        tried_at=row.tried_at,
        pushed_at=row.pushed_at,
        trouble=row.trouble,
    )


def count_waiting(project_id: int, *, secret_key: str) -> int:
    """How many forms and changes came in here and are not at the centre yet, as far as known."""
    upstream, after = get_upstream(project_id), 0
    if upstream.push_cursor is not None:
        with suppress(CursorGone):  # of another secret key: all is gone through again
            after = cursors.read(upstream.push_cursor, secret_key).seq
    with read_transaction() as connection:
        behind = store.count_unsent(connection, project_id, after=after, node=upstream.node)
        return behind + store.count_outgoing_items(connection, project_id)
