"""`simpul export-batch` and `import-batch`: what came in, by a USB stick or a chat message."""

from __future__ import annotations

from pathlib import Path

import click

from sync_server.accounts.people import current_node, get_project
from sync_server.accounts.roles import ADMIN, MANAGER
from sync_server.commands.common import (
    chosen_project,
    command_app,
    counted,
    disk_in_one_line,
    json_option,
    print_json,
    project_option,
)
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import NotAllowed, NotFound
from sync_server.relay.files import Imported, export_batch, import_batch
from sync_server.stores.people import (
    find_user,
    find_user_by_email,
    list_project_roles,
    list_site_assignments,
    list_site_roles,
)


@click.command("export-batch")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@project_option
@click.option("--since", metavar="CURSOR", help="Only what came after an earlier file.")
@json_option
def export_file(file: Path, project: str | None, since: str | None, as_json: bool) -> None:
    """Write what came in to FILE.syncbatch: forms, changes, what was decided, attachments.

    It prints a cursor: give it as --since next time, and the file has only what came later.
    Guard FILE: it holds the children's records, and is not encrypted.
    """
    with command_app(), disk_in_one_line():
        here, (_, epoch) = context(), current_node()
        done = export_batch(
            get_project(chosen_project(project)),
            file,
            since=since,
            epoch=epoch,
            secret_key=here.settings.secret_key,
            blobs=here.blobs,
        )
    if as_json:
        facts = {"items": done.items, "blobs": done.blobs, "missing": done.missing}
        print_json({**facts, "cursor": done.cursor})
    else:
        told = f"{counted(done.items, 'item')}, {counted(done.blobs, 'attachment')}"
        click.echo(f"{file}: {told}; next time --since {done.cursor}")
    if done.missing:
        count = counted(done.missing, "attachment")
        click.echo(f"Warning: {count} have not come here yet and are not in the file", err=True)


@click.command("import-batch")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@project_option
@click.option("--by", metavar="EMAIL", help="Who brings it. Default: the first administrator.")
@json_option
def import_file(file: Path, project: str | None, by: str | None, as_json: bool) -> None:
    """Take in FILE.syncbatch, made by `simpul export-batch` of the same project elsewhere.

    All of it is checked before any of it is stored. To import a file twice is harmless.
    """
    with command_app(), disk_in_one_line():
        here, (_, epoch) = context(), current_node()
        project_id = chosen_project(project)
        done = import_batch(
            get_project(project_id),
            file,
            by=_actor(project_id, by),
            epoch=epoch,
            blobs=here.blobs,
            clock=here.clock,
        )
    if as_json:
        facts = {"items": done.items, "blobs": done.blobs, "statuses": dict(done.statuses)}
        print_json({**facts, "cursor": done.cursor})
    else:
        click.echo(f"{file}: {_told(done)}")


def _told(done: Imported) -> str:
    words = [f"{count} {word}" for word, count in sorted(done.statuses.items())]
    became = f" ({', '.join(words)})" if words else ""
    return f"{counted(done.items, 'item')}{became}, {counted(done.blobs, 'attachment')}"


def _actor(project_id: int, email: str | None) -> int:
    """The id of who brings a file. Errors: `NotFound`; `NotAllowed` for who does not manage."""
    with read_transaction() as connection:
        if email is None:
            for row in list_site_assignments(connection):
                if row.role == ADMIN.system and find_user(connection, row.actor_id) is not None:
                    return int(row.actor_id)
            raise NotFound("there is no administrator: name who brings the file with --by")
        user = find_user_by_email(connection, email.strip().lower())
        if user is None:
            raise NotFound(f"nobody logs in as {email}")
        roles = {
            *list_site_roles(connection, user.id),
            *(
                r.role
                for r in list_project_roles(connection, user.id)
                if r.project_id == project_id
            ),
        }
    if not roles & {ADMIN.system, MANAGER.system}:
        raise NotAllowed(f"{email} does not manage this project")
    return int(user.id)
