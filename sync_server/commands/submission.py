"""`simpul submission`: see what came of a form, and open what is encrypted."""

from __future__ import annotations

from pathlib import Path

import click

from odk_forms.encryption import DecryptionError, private_key
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
from sync_server.reports.decrypted import Opened, open_into
from sync_server.reports.submissions import Filled, submission, submissions_of_form

_AT_ONCE = 250


@click.group("submission")
def submission_group() -> None:
    """Submissions: filled forms as they came."""


@submission_group.command()
@click.argument("form")
@click.argument("instances", nargs=-1)
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The owner's private key, a PEM file. It is read here and kept nowhere.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The zip to write: a folder for each submission.",
)
@click.option("--passphrase", is_flag=True, help="Ask for the passphrase of the key.")
@project_option
@json_option
def decrypt(
    form: str,
    instances: tuple[str, ...],
    key_file: Path,
    output: Path,
    passphrase: bool,
    project: str | None,
    as_json: bool,
) -> None:
    """Open the encrypted submissions of FORM, or those of its INSTANCES that are named.

    Exit status 1 when one of them could not be opened, or not the whole of it.
    """
    word = click.prompt("Passphrase", hide_input=True, err=True) if passphrase else ""
    try:
        key = private_key(key_file.read_bytes(), word)
    except DecryptionError as exc:
        raise click.ClickException(f"{key_file}: {exc}") from None
    with command_app(), disk_in_one_line():
        project_id = chosen_project(project)
        chosen = _chosen(project_id, form, instances)
        if not chosen:
            raise click.ClickException(f"no encrypted submission of {form!r} is here")
        with output.open("xb") as out:
            done = open_into(out, chosen, key, context().blobs)
    _tell(done, output, as_json=as_json)
    if not all(_is_whole(one) for one in done):
        raise SystemExit(1)


def _chosen(project_id: int, form: str, instances: tuple[str, ...]) -> list[Filled]:
    if instances:
        return [submission(project_id, form, one) for one in instances]
    found: list[Filled] = []
    offset = 0
    while page := submissions_of_form(project_id, form, limit=_AT_ONCE, offset=offset):
        found += [one for one in page if one.encrypted]
        offset += _AT_ONCE
    return found


def _is_whole(one: Opened) -> bool:
    report = one.report
    if report is None or report.signed is False:
        return False
    return not (report.missing or report.broken)


def _tell(done: list[Opened], output: Path, *, as_json: bool) -> None:
    if as_json:
        print_json([_facts(one) for one in done])
        return
    for one in done:
        click.echo(f"{one.instance_id}: {_words(one)}")
    opened = sum(one.report is not None for one in done)
    click.echo(f"{counted(opened, 'submission')} opened into {output}")


def _words(one: Opened) -> str:
    report = one.report
    if report is None:
        return one.error
    words = [counted(len(report.opened), "file")]
    words += [f"missing: {name}" for name in report.missing]
    words += [f"damaged: {name}" for name in report.broken]
    if report.signed is False:
        words.append("the signature is not of these files")
    return ", ".join(words)


def _facts(one: Opened) -> dict[str, object]:
    report = one.report
    if report is None:
        return {"instanceId": one.instance_id, "error": one.error}
    return {
        "instanceId": one.instance_id,
        "opened": report.opened,
        "missing": report.missing,
        "broken": report.broken,
        "signed": report.signed,
    }
