"""Two worker processes against one, on PostgreSQL: `simpul serve --workers` and pushing clients.

Writers of one project take turns at its counter, from there to the commit; writers of two
projects meet nowhere. The clients, the workers and PostgreSQL share the cores of the machine.
"""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

from bench.batches import batch_of, update
from bench.load import Load, Request
from bench.regency import Regency, environ_of, session_token
from bench.server import Served
from bench.stores import Store
from bench.table import Figure, median_of, median_ratio
from tests.support.serving import free_port

CLIENTS = 8
ITEMS = 100


def measure(
    store: Store, regency: Regency, twin: Regency, *, rounds: int, batches: int
) -> Iterator[Figure]:
    """How much longer one worker takes than two; `batches` of a hundred updates in a round."""
    ports = {workers: free_port() for workers in (1, 2)}
    with ExitStack() as stack:
        loads = {}
        for workers, port in ports.items():
            command = [sys.executable, "-m", "sync_server", "serve", "--port", str(port)]
            command += ["--workers", str(workers)]
            stack.enter_context(closing(Served(environ_of(store), command)))
            loads[workers] = stack.enter_context(closing(Load(port)))
        token = session_token()
        last_first = {one.project.id: _children(one) for one in (regency, twin)}
        for words, projects in (("one project", [regency]), ("two projects", [regency, twin])):
            pairs = []
            for number in range(rounds + 1):
                seconds = {}
                for workers in (1, 2) if number % 2 else (2, 1):
                    sent = [
                        _push(one, last_first[one.project.id], token)
                        for _ in range(batches // len(projects))
                        for one in projects
                    ]
                    answer = loads[workers].send(sent, connections=CLIENTS, expect=http.client.OK)
                    seconds[workers] = answer.seconds
                if number > 0:
                    pairs.append((seconds[2], seconds[1]))
            what = f"{CLIENTS} clients push to {words}, two workers : one"
            count = batches * ITEMS
            yield Figure(store.name, what, median_ratio(pairs), each=median_of(pairs, count))


def _children(regency: Regency) -> Iterator[str]:
    """Children at version 1: of the last posyandu first, the others are measured elsewhere."""
    places = [one for one in reversed(regency.posyandu) if not one.token]
    return iter([entity for one in places for entity in one.children])


def _push(regency: Regency, children: Iterator[str], token: str) -> Request:
    items: Sequence[dict[str, object]] = [update(regency, next(children)) for _ in range(ITEMS)]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = batch_of(regency, items).decode()
    return "POST", f"/v1/projects/{regency.project.id}/sync/push", headers, body
