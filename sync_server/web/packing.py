"""Answers as gzip, for whoever says it takes that: on 2G, bytes are minutes."""

from __future__ import annotations

import gzip

from flask import Response, request

_FROM_BYTES = 600
_LEVEL = 6


def pack(response: Response) -> Response:
    """The answer as gzip where it is asked for and pays; which one it is depends on who asks."""
    response.vary.add("Accept-Encoding")
    if response.status_code != 200 or response.is_streamed:
        return response
    if request.accept_encodings["gzip"] > 0:
        body = response.get_data()
        if len(body) >= _FROM_BYTES:
            response.set_data(gzip.compress(body, _LEVEL, mtime=0))
            response.headers["Content-Encoding"] = "gzip"
    return response


def pack_json(response: Response) -> Response:
    """The same for JSON, and for nothing else: a blob is read by ranges of its own bytes."""
    return pack(response) if response.is_json else response
