"""An app of this process behind a real socket, so that its clock is the test's own."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.support.serving import free_port


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """What is asked is told by the tests."""


@dataclass
class Listening:
    """`app` at `url`, which stays the same when it is stopped and started again."""

    app: Flask
    port: int = field(default_factory=free_port)
    _server: BaseWSGIServer | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Answer, in threads of their own, as a server with several workers does."""
        self._server = make_server(
            "127.0.0.1", self.port, self.app, threaded=True, request_handler=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Go away; twice is once."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None
