"""The real server with one route more: it parses the same multipart body, and does nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from flask import Flask, Response, request

from odk_forms.openrosa import CONTENT_TYPE, HEADERS, SUCCESS, response
from sync_server.commands.serve import Server
from sync_server.openrosa.parts import XML_PART
from sync_server.settings import load

PARSE_ONLY = "/bench/parse"


class ServerWithFloor(Server):
    """The server as `simpul serve` runs it, and the floor beside it."""

    def load(self) -> Flask:
        app = super().load()
        app.add_url_rule(PARSE_ONLY, view_func=parse_only, methods=["POST"])
        return app


def parse_only() -> Response:
    request.files[XML_PART].stream.read()
    return Response(response(SUCCESS), status=201, content_type=CONTENT_TYPE, headers=HEADERS)


def with_floor(port: int) -> list[str]:
    """The command of that server."""
    return [sys.executable, "-m", "bench.server", str(port)]


class Served:
    """A server in a process of its own, ready when this returns."""

    def __init__(self, environ: Mapping[str, str], command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("listening on"), line

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)


if __name__ == "__main__":
    ServerWithFloor(load(os.environ), host="127.0.0.1", port=int(sys.argv[1]), workers=1).run()
