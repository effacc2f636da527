"""`simpul export`: what came in, as tables for an office."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EEXIST
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile, mkstemp
from typing import IO

import click

from sync_server.commands.common import (
    chosen_project,
    command_app,
    disk_in_one_line,
    project_option,
)
from sync_server.context import context
from sync_server.reports.entries import Options
from sync_server.reports.exports import bundle, write_root
from sync_server.reports.filters import parse_filter


@click.group("export")
def export() -> None:
    """Tables of what came in."""


@export.command()
@click.argument("form")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--without-files", is_flag=True, help="Leave photos and other files out of a zip.")
@click.option("--deleted-fields", is_flag=True, help="Add what only older versions asked.")
@click.option("--split-choices", is_flag=True, help="A column for each choice where many may be.")
@click.option("--without-groups", is_flag=True, help="Name columns by their question alone.")
@click.option("--safe", is_flag=True, help="Let no spreadsheet take a cell for a formula.")
@click.option("--filter", "said", default="", help="As $filter of the API.")
@project_option
def submissions(
    form: str,
    file: Path,
    without_files: bool,
    deleted_fields: bool,
    split_choices: bool,
    without_groups: bool,
    safe: bool,
    said: str,
    project: str | None,
) -> None:
    """Write the submissions of FORM to FILE.csv, or to FILE.zip with its repeats and files.

    Guard FILE: it holds the children's records, and is not encrypted.
    """
    if file.suffix.lower() not in (".csv", ".zip"):
        raise click.UsageError(f"{file}: the name of the file ends in .csv or .zip")
    with command_app(), disk_in_one_line():
        options = Options(
            group_paths=not without_groups,
            deleted_fields=deleted_fields,
            split_many=split_choices,
            safe=safe,
            terms=parse_filter(said),
        )
        project_id = chosen_project(project)
        with _new(file) as out:
            if file.suffix.lower() == ".csv":
                write_root(project_id, form, options, out)
            else:
                _write_zip(project_id, form, options, out, file.parent, files=not without_files)
            size = out.tell()
    click.echo(f"{file}: {size} bytes")


def _write_zip(
    project_id: int, form: str, options: Options, out: IO[bytes], folder: Path, *, files: bool
) -> None:
    made = bundle(
        project_id,
        form,
        options,
        attachments=files,
        blobs=context().blobs,
        new_file=partial(_nameless, folder),
    )
    try:
        for piece in made.pieces():
            out.write(piece)
    finally:
        made.close()


def _nameless(folder: Path) -> IO[bytes]:
    """A file without a name, on the disk that the export goes to."""
    return TemporaryFile(dir=folder)


@contextmanager
def _new(file: Path) -> Iterator[IO[bytes]]:
    """A file that is not there yet; it has its name once all of it is on the disk."""
    if file.exists():
        raise FileExistsError(EEXIST, "it is there already", str(file))
    handle, name = mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        Path(name).rename(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
