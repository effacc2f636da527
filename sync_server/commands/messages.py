"""Messages about a form or a register as a table: severity, place, text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click


def print_messages(messages: Sequence[Mapping[str, Any]], *, err: bool = False) -> None:
    """One line for each: severity, sheet, cell (or row), and what it says."""
    rows = [
        (
            str(one["severity"]),
            one.get("sheet") or "-",
            _place(one),
            " ".join(str(one["text"]).split()),
        )
        for one in messages
    ]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    for severity, sheet, cell, text in rows:
        line = f"{severity:<{widths[0]}}  {sheet:<{widths[1]}}  {cell:<{widths[2]}}  {text}"
        click.echo(line, err=err)


def _place(message: Mapping[str, Any]) -> str:
    row, column = message.get("row"), message.get("column")
    if row and column:
        return f"{column}{row}"
    return f"row {row}" if row else "-"
