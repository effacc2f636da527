"""A slash in a path ends a segment once; one that is written `%2F` is a letter like any other.

A server address typed with slashes at its end makes Collect post to `//submission`; a redirect
would cost the body a second trip over a bad link. And form ids, versions and file names may have
slashes of their own, which would be taken for ends of segments once the path is unescaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SLASH_OF_A_NAME = "\x01"
"""What stands for `%2F` until a route has been found: no name has this character."""

AS_SENT = "simpul.path"
"""Where the path of a request is with all its slashes, and else like the path itself."""

_MOST_CHARACTERS = 1 << 15
_MOST_SLASHES = 32
_NOWHERE = "\x00"

_MANY = re.compile("//+")
_ESCAPED = re.compile("%2f", re.IGNORECASE)
_HOST = re.compile("^[a-z]+://[^/]*", re.IGNORECASE)


class OneSlash:
    """WSGI middleware in front of the app."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[AS_SENT] = sent = _with_names_whole(environ)
        path = _MANY.sub("/", sent)
        environ["PATH_INFO"] = _of_reason(path.rstrip("/") or "/")
        return self.app(environ, start_response)


def _of_reason(path: str) -> str:
    """The path; instead of one that no route could be told from in time, one that has none.

    Where a name ends and the next segment begins is found by trying: that takes the square of
    the length, or more, in a path that is made for it.
    """
    if len(path) <= _MOST_CHARACTERS and path.count("/") <= _MOST_SLASHES:
        return path
    return "/".join([*path.split("/", 3)[:3], _NOWHERE])


def _with_names_whole(environ: WSGIEnvironment) -> str:
    """The path, as WSGI has paths, with the slashes of names told from those between segments."""
    sent = str(environ.get("RAW_URI") or "").partition("?")[0]
    if environ.get("SCRIPT_NAME") or not _ESCAPED.search(sent):
        return str(environ.get("PATH_INFO", ""))
    raw = _ESCAPED.sub(SLASH_OF_A_NAME, _HOST.sub("", sent))
    return unquote_to_bytes(raw.encode("latin-1", "replace")).decode("latin-1")
