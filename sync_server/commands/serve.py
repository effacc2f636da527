"""`simpul serve`: every door, under gunicorn, in one process group."""

from __future__ import annotations

import gc
import resource
import socket
import sys
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.http import message

from sync_server.app import create_app, start_writing_contacts
from sync_server.commands.common import loaded_settings, refuse_if_not_initialised
from sync_server.jobs.schedule import start_in_background
from sync_server.settings import Settings
from sync_server.web.turns import take_turns

# Each phone whose body trickles in for a quarter of an hour has a thread that sleeps (ADR 0023).
_THREADS = 512
_CONNECTIONS = 2000
_WAITING_TO_CONNECT = 2048
_OPEN_FILES = 8192
_REQUEST_LINE_BYTES = 1 << 20  # an integrity question names hundreds of ids, or thousands
_WORKER_ALIVE_WITHIN_SECONDS = 300  # its loop, not its requests: a body may take as long as it does
# A phone that went out of reach never says so: it is asked, and hung up after five minutes.
_ASK_AFTER_SECONDS, _ASK_EVERY_SECONDS, _ASK_TIMES = 120, 30, 6

port_option = click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="Port to listen at.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes; more than one wants PostgreSQL.",
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@port_option
@workers_option
def serve(host: str, port: int, workers: int) -> None:
    """Serve phones, pages and programs until told to stop."""
    settings = loaded_settings()
    refuse_if_not_initialised(settings)
    refuse_taken(host, port)
    Server(settings, host=host, port=port, workers=workers).run()


def refuse_taken(host: str, port: int) -> None:
    """Stop with one line when nothing can listen there; gunicorn tries for six seconds."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[4])
    except OSError as exc:
        reason = exc.strerror or exc
        raise click.ClickException(f"cannot listen at {host}:{port}: {reason}") from exc


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings instead of a file of its own."""

    def __init__(self, settings: Settings, *, host: str, port: int, workers: int) -> None:
        self.settings = settings
        self.address = f"http://{host}:{port}"
        self.options: dict[str, Any] = {
            "bind": f"{host}:{port}",
            "workers": workers,
            "worker_class": "sync_server.web.threads.QuietThreads",
            "threads": _THREADS,
            "worker_connections": _CONNECTIONS,
            "backlog": _WAITING_TO_CONNECT,
            "timeout": _WORKER_ALIVE_WITHIN_SECONDS,
            "graceful_timeout": 20,
            "keepalive": 15,
            "limit_request_line": _REQUEST_LINE_BYTES,
            "forwarded_allow_ips": "",  # what proxies write is read as the settings say
            "loglevel": "warning",
            "when_ready": self.say_ready,
            "worker_exit": flush_contacts,
        }
        super().__init__()

    def load_config(self) -> None:
        message.MAX_REQUEST_LINE = _REQUEST_LINE_BYTES  # which else makes it 8 kB, whatever is set
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        allow_many_files()
        app = create_app(self.settings)
        app.extensions["simpul"].blobs.sweep()
        take_turns(app)
        start_writing_contacts(app)
        if self.options["workers"] == 1:
            start_in_background(app)
        collect_seldom()
        return app

    def say_ready(self, server: Any) -> None:
        for listener in server.LISTENERS:
            notice_the_gone(listener.sock)
        click.echo(f"listening on {self.address}")
        sys.stdout.flush()


def allow_many_files() -> None:
    """As many open files as there may be connections: many systems begin with 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def notice_the_gone(listener: socket.socket) -> None:
    """Let every connection taken from here end when the other side is no longer there.

    Without it the thread of a phone that went out of reach in the middle of a body waits for ever.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _ASK_AFTER_SECONDS),
        ("TCP_KEEPINTVL", _ASK_EVERY_SECONDS),
        ("TCP_KEEPCNT", _ASK_TIMES),
    ):
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def collect_seldom() -> None:
    """Let the garbage collector rest while a batch is decided.

    A batch makes many small values and few cycles; looking through all of them again and
    again cost two fifths of its time. What the program itself is made of is not looked at any more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def flush_contacts(_server: Any, worker: Any) -> None:
    """The last seconds of telemetry, when a worker goes."""
    app = getattr(worker, "wsgi", None)
    if isinstance(app, Flask):
        contacts = app.extensions["simpul"].contacts
        contacts.stop()
        with app.app_context():
            contacts.flush()
