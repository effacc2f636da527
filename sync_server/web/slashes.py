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

_MANY = re.compile("//+")
_ESCAPED = re.compile("%2f", re.IGNORECASE)
_HOST = re.compile("^[a-z]+://[^/]*", re.IGNORECASE)


class OneSlash:
    """WSGI middleware in front of the app."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = _MANY.sub("/", _with_names_whole(environ))
        environ["PATH_INFO"] = path.rstrip("/") or "/"
        return self.app(environ, start_response)


def _with_names_whole(environ: WSGIEnvironment) -> str:
    """The path, as WSGI has paths, with the slashes of names told from those between segments."""
    sent = str(environ.get("RAW_URI") or "").partition("?")[0]
    if environ.get("SCRIPT_NAME") or not _ESCAPED.search(sent):
        return str(environ.get("PATH_INFO", ""))
    raw = _ESCAPED.sub(SLASH_OF_A_NAME, _HOST.sub("", sent))
    return unquote_to_bytes(raw.encode("latin-1", "replace")).decode("latin-1")
