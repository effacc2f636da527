"""Reading what a program sends: a JSON body by its shape, numbers and words of the query."""

from __future__ import annotations

import re
from typing import Any, cast

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import BadRequest as NoJson
from werkzeug.exceptions import NotFound as NoSuchPath

from schemas.base import MISSING, UNKNOWN, is_storable
from sync_server.errors import (
    BadRequest,
    BadValue,
    MissingParameter,
    NotFound,
    SyncError,
    UnexpectedParameter,
    Unparseable,
)

_LARGEST = 2**31 - 1
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROLS_BUT_SPACE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

_MOST_JSON = 16 << 20
MOST_FIELDS = 1 << 20
_FIELDS = ("application/x-www-form-urlencoded",)


def read_body(shape: Schema, *, optional: bool = False) -> dict[str, Any]:
    """The body as its shape says; an empty one reads as {} where it is `optional`.

    Errors    `Unparseable`; `MissingParameter`, `UnexpectedParameter` or `BadValue`, whose
              details name the first field at fault, and all of them.
    """
    plain = {} if optional and not request.get_data() else json_body()
    try:
        return cast("dict[str, Any]", shape.load(plain))
    except ValidationError as exc:
        raise _refusal(exc) from exc


def bound_what_is_read_whole() -> None:
    """Bodies that are read into memory are small, whoever sends them; files are streamed."""
    kind = request.mimetype
    most = _MOST_JSON if kind.endswith("json") else MOST_FIELDS if kind in _FIELDS else None
    if most is not None:
        request.max_content_length = min(most, request.max_content_length or most)


def json_body() -> Any:
    """The body as plain values. Errors: `Unparseable`."""
    try:
        return request.get_json()
    except NoJson as exc:
        raise Unparseable("the body is not JSON", format="json") from exc
    except RecursionError as exc:
        raise Unparseable("the body is nested too deep", format="json") from exc


def _refusal(exc: ValidationError) -> SyncError:
    field, reason = _first(exc.messages)
    details = {"field": field, "fields": exc.messages}
    if reason == MISSING:
        return MissingParameter(f"Required parameter {field} missing.", **details)
    if reason == UNKNOWN:
        return UnexpectedParameter(f"Passed parameter {field} was not expected.", **details)
    return BadValue(f"{field}: {reason}" if field else reason, **details)


def _first(messages: Any, path: tuple[str, ...] = ()) -> tuple[str, str]:
    """The path and the words of the first thing wrong: ("entities.0.label", "…")."""
    if isinstance(messages, dict) and messages:
        name, inner = next(iter(messages.items()))
        here = path if name in ("_schema", "key", "value") else (*path, str(name))
        return _first(inner, here)
    if isinstance(messages, list) and messages:
        return _first(messages[0], path)
    return ".".join(path), str(messages)


def refuse_unstorable_path() -> None:
    """Before a request of any door: a path with a character no database keeps names nothing."""
    if all(is_storable(str(value)) for value in (request.view_args or {}).values()):
        return
    if request.blueprint is None:  # a static file: no door to dress a refusal of ours
        raise NoSuchPath
    raise NotFound("there is no such thing here")


def refuse_unstorable_query() -> None:
    """Before a request: a query with a character no database keeps asks for nothing."""
    for name in request.args:
        if not all(map(is_storable, (name, *request.args.getlist(name)))):
            raise BadRequest("the query has a character that cannot be read", field=name[:50])


def has_controls(text: str) -> bool:
    r"""Whether there is a control character in it that no line of text has.

    >>> has_controls("satu\r\ndua\ttiga"), has_controls("a\x00b"), has_controls("a\x1bb")
    (False, True, True)
    """
    return _CONTROLS_BUT_SPACE.search(text) is not None


def without_controls(text: str, most: int) -> str:
    r"""A word that a program says of itself, as one line of at most `most` characters.

    >>> without_controls("collect:\x00a\r\nb", 10)
    'collect:ab'
    """
    return _CONTROLS.sub("", text)[:most]


def query_number(name: str, default: int | None = None, *, least: int = 0) -> int | None:
    """A whole number of the query. Errors: `BadValue`."""
    text = request.args.get(name)
    if text is None:
        return default
    number = text.isascii() and text.isdigit() and len(text) < 11
    if not (number and least <= int(text) <= _LARGEST):
        raise BadValue(f"{name} is a whole number from {least}", field=name, value=text[:50])
    return int(text)


def query_flag(name: str) -> bool:
    """Whether a word of the query is said: `true`, as JSON has it, or `True`, as pyodk has it."""
    return request.args.get(name, "").lower() == "true"
