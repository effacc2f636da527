"""Where this server is, as those see it who ask it."""

from __future__ import annotations

from urllib.parse import quote

from flask import request

from sync_server.context import context
from sync_server.errors import BadRequest


def public_root() -> str:
    """Scheme, host and port of every address that is given out, without a slash at the end.

    Errors    `BadRequest` when it has to be told from a request that names no host that could be.
    """
    told = context().settings.public_url
    if told:
        return told
    if not request.host or request.scheme not in ("http", "https"):
        raise BadRequest("no address of this server can be told from this request")
    return f"{request.scheme}://{request.host}{quote(request.root_path)}"
