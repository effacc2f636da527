"""What a number in an address may be: one that a column of the database holds."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import IntegerConverter


class RowId(IntegerConverter):
    """The `int` of every route: a larger number names nothing, and is no error of ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max": 2**31 - 1, **kwargs})
