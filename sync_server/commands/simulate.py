"""`simpul simulate`: a fleet of phones, hubs and programs, and whether the six promises held."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click
import requests

from odk_forms import packs
from sync_server.client import SyncRefused, SyncUnreachable
from sync_server.commands.common import print_json
from sync_server.fleet.documents import SyncFailed
from sync_server.fleet.wire import NoSignal
from sync_server.simulator.drill import DrillFailed
from sync_server.simulator.installs import InstallFailed
from sync_server.simulator.office import OfficeRefused
from sync_server.simulator.options import WEEKS_IN_A_MONTH, Options
from sync_server.simulator.running import Where, run
from sync_server.simulator.table import as_data, lines

_DEFAULT = Options(seed=1)
_F = TypeVar("_F", bound=Callable[..., object])


def _number(
    name: str, default: int, help: str, *, least: int = 0, most: int | None = 100_000
) -> Callable[[_F], _F]:
    kind = click.IntRange(least, most)
    return click.option(f"--{name}", type=kind, default=default, show_default=True, help=help)


@click.command()
@_number("seed", _DEFAULT.seed, "What is typed, lost and decided is drawn from it.", most=None)
@_number("phones", _DEFAULT.phones, "Phones; three of them share a village.", least=1)
@_number("hubs", _DEFAULT.hubs, "Hubs, each an install on this machine.")
@_number("programs", _DEFAULT.programs, "Programs that edit records at the sync door.")
@_number("supervisors", _DEFAULT.supervisors, "People who decide reviews.")
@_number("months", 1, "How long they work, of four weeks each.", least=1)
@_number("kills", _DEFAULT.kills, "How often a server that was started here loses its power.")
@click.option(
    "--loss",
    type=click.FloatRange(0, 0.9),
    default=_DEFAULT.loss,
    show_default=True,
    help="Share of requests that meet a trouble on their way.",
)
@_number("lanes", _DEFAULT.lanes, "How many work at the same moment.", least=1)
@click.option("--pack", "pack_name", help="Form pack whose forms are filled. Default: the first.")
@click.option("--database-url", default="", help="An empty database for the server it starts.")
@click.option("--url", help="A running server, instead of one that is started here.")
@click.option("--token", help="At --url: the token of an administrator's session.")
@click.option("--email", help="At --url: an administrator, with --password.")
@click.option("--password", help="At --url: the administrator's password.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def simulate(
    pack_name: str | None,
    database_url: str,
    url: str | None,
    token: str | None,
    email: str | None,
    password: str | None,
    as_json: bool,
    months: int,
    **numbers: float,
) -> None:
    """Let a fleet work against a server, and see whether the six promises held.

    Phones fill forms as ODK Collect does, hubs are installs of their own, programs keep an
    outbox, supervisors decide reviews. Their lines lose requests and answers and send twice;
    forms come in other orders, by other doors and by file; clocks are years off; servers are
    killed and started again. In the end everything is let through, and the doors are asked.

    It starts its own server in a temporary folder, which is gone afterwards. With --url it
    works at a running one, in a project that it makes there and leaves there.

    The same seed types the same values, and loses the same requests of each phone. It does not
    fix timing: who comes first, and so what a list shows when a record is picked from it.

    Exit status: 0 when every promise held, 1 when one did not or the fleet could not go on.
    """
    options = replace(_DEFAULT, weeks=months * WEEKS_IN_A_MONTH, **numbers)  # type: ignore[arg-type]
    where = _where(url, token, email, password, database_url)
    names = packs.names()
    if pack_name is not None and pack_name not in names:
        raise click.UsageError(
            f"no form pack is called {pack_name!r}; there are {', '.join(names)}"
        )
    shown = sys.stderr.isatty() and not as_json
    with tempfile.TemporaryDirectory(prefix="simpul-simulate-") as folder, _in_one_line():
        done = run(
            options,
            packs.load(pack_name or names[0]),
            where,
            Path(folder),
            tell=_tell if shown else lambda _line: None,
        )
    if shown:
        click.echo("\r\x1b[K", nl=False, err=True)
    if as_json:
        print_json(as_data(done.drill, done.verdicts))
    else:
        for line in lines(done.drill, done.verdicts):
            click.echo(line)
    if not all(one.held for one in done.verdicts):
        first = next(one for one in done.verdicts if not one.held)
        raise click.ClickException(
            f"seed {options.seed}: promise {first.number} did not hold: {first.broken[0]}"
        )


def _where(
    url: str | None, token: str | None, email: str | None, password: str | None, database_url: str
) -> Where:
    """The server that is meant. Errors: a usage error for words that do not go together."""
    if url is None:
        if token or email or password:
            raise click.UsageError("--token, --email and --password are for a server at --url")
        return Where(database_url=database_url)
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("--url is a server's address, as http://127.0.0.1:8383")
    if database_url:
        raise click.UsageError("--database-url is for a server that is started here, not for --url")
    if not token and not (email and password):
        raise click.UsageError("--url wants --token, or --email and --password")
    return Where(url, token or "", email or "", password or "")


def _tell(line: str) -> None:
    click.echo(f"\r\x1b[K{line}", nl=False, err=True)


@contextmanager
def _in_one_line() -> Iterator[None]:
    """What keeps the fleet from its end is said in a line, with exit status 1."""
    try:
        yield
    except (InstallFailed, OfficeRefused, DrillFailed, NoSignal, SyncFailed) as exc:
        raise click.ClickException(str(exc)) from exc
    except (SyncRefused, SyncUnreachable) as exc:
        raise click.ClickException(exc.message) from exc
    except requests.RequestException as exc:
        raise click.ClickException(f"the server does not answer: {type(exc).__name__}") from exc
