"""`//` in a path is one slash, without a redirect.

A server address typed with slashes at its end makes Collect post to `//submission`; a
redirect would cost the body a second trip over a bad link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MANY = re.compile("//+")


class OneSlash:
    """WSGI middleware in front of the app."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = _MANY.sub("/", environ.get("PATH_INFO", ""))
        return self.app(environ, start_response)
