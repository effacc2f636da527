"""gunicorn's threads, which say nothing of a request that is no HTTP but that it was none."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from odk_forms.openrosa import CONTENT_TYPE, HEADERS, response

LOG = logging.getLogger(__name__)

_WORDS = "Permintaan tidak terbaca. / The request cannot be read."


class QuietThreads(ThreadWorker):  # type: ignore[misc]
    """Such a request may bear the token of a phone: gunicorn would log it, and echo it as HTML."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Refuse what could not be parsed, in what a phone reads."""
        LOG.warning("a request could not be parsed: %s", type(exc).__name__)
        body = response(_WORDS, "submit_error")
        told = {
            **HEADERS,
            "Content-Type": CONTENT_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        with suppress(OSError):
            client.sendall(f"HTTP/1.1 400 Bad Request\r\n{head}\r\n".encode() + body)
