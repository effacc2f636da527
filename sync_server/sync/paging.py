"""Cursors of lists that people page through: a place, not a promise; no secret is in them."""

from __future__ import annotations

import base64
import binascii
import json

from flask import request

from schemas.base import is_storable
from sync_server.errors import BadValue
from sync_server.web.bodies import query_number

Place = tuple[str, str]


def cursor_of(place: Place | None) -> str | None:
    """A place as the text that a program gives back."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode("ascii")


def place_asked() -> Place | None:
    """The place named by `cursor`. Errors: `BadValue` for a text that is no cursor of ours."""
    text = request.args.get("cursor")
    if not text:
        return None
    try:
        plain = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (binascii.Error, ValueError, RecursionError) as exc:
        raise BadValue("this is no cursor", field="cursor") from exc
    match plain:
        case [str(at), str(wanted)] if is_storable(at + wanted):
            return at, wanted
    raise BadValue("this is no cursor", field="cursor")


def limit_asked(default: int = 100, most: int = 1000) -> int:
    """How many of a list are wanted. Errors: `BadValue`."""
    limit = query_number("limit", default, least=1) or default
    if limit > most:
        raise BadValue(f"limit is at most {most}", field="limit", value=limit)
    return limit
