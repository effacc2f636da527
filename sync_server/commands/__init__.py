"""`simpul`: every command, a module per noun."""

from __future__ import annotations

import click

from sync_server.commands.backup import backup, restore
from sync_server.commands.batches import export_file, import_file
from sync_server.commands.demo import demo
from sync_server.commands.device import device
from sync_server.commands.export import export
from sync_server.commands.form import form
from sync_server.commands.hub import hub
from sync_server.commands.import_ import import_register
from sync_server.commands.init import init
from sync_server.commands.pack import pack
from sync_server.commands.project import project
from sync_server.commands.relay import pull, push
from sync_server.commands.serve import serve
from sync_server.commands.simulate import simulate
from sync_server.commands.submission import submission_group
from sync_server.commands.user import user
from sync_server.commands.worker import worker


@click.group()
@click.version_option(package_name="simpul")
def main() -> None:
    """Simpul: server sinkronisasi data posyandu / sync server for posyandu data."""


_COMMANDS = (
    *(init, serve, demo, user, project, device, form, import_register, pack),
    *(backup, restore, hub, push, pull, worker, export_file, import_file),
    *(submission_group, export, simulate),
)
for command in _COMMANDS:
    main.add_command(command)
