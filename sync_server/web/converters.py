"""What a number or a name in an address may be: what a column of the database holds."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import IntegerConverter, PathConverter

from sync_server.web.slashes import SLASH_OF_A_NAME


class RowId(IntegerConverter):
    """The `int` of every route: a larger number names nothing, and is no error of ours."""

    regex = "[0-9]{1,10}"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max": 2**31 - 1, **kwargs})


class Name(PathConverter):
    """The `path` of every route: a name with slashes in it, whether escaped or not, or lines."""

    regex = r"[^/](?:.|\n)*?"

    def to_python(self, value: str) -> str:
        return value.replace(SLASH_OF_A_NAME, "/")
