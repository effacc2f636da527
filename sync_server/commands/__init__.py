"""`simpul`: every command, a module per noun."""

from __future__ import annotations

import click

from sync_server.commands.serve import serve


@click.group()
@click.version_option(package_name="simpul")
def main() -> None:
    """Simpul: server sinkronisasi data posyandu / sync server for posyandu data."""


main.add_command(serve)
