"""A pull of ten thousand records over HTTP, against the driver's SELECT and json.dumps of them."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from bench.load import Load, Request
from bench.regency import Regency, session_token
from bench.stores import Store
from bench.table import Figure, median_of, median_ratio

PAGE = 5_000  # as many as one answer may have
_SHOWN = "list_name, entity, version, label, data, status, open_reviews, waiting, updated_at"


def measure(
    store: Store, regency: Regency, load: Load, *, port: int, rounds: int, records: int
) -> Iterator[Figure]:
    """A snapshot from its beginning, plain and as gzip."""
    headers = {"Authorization": f"Bearer {session_token()}"}
    size = min(PAGE, records)
    paths = list(_pages(regency, port, headers, size, records // size))
    pages: list[Request] = [("GET", path, headers, "") for path in paths]
    packed: list[Request] = [
        ("GET", path, {**headers, "Accept-Encoding": "gzip"}, "") for path in paths
    ]
    for words, requests in (("", pages), (", as gzip", packed)):
        pairs = []
        for number in range(rounds + 1):
            floor = _floor(store, regency, records)
            answer = load.send(requests, connections=1, expect=http.client.OK)
            if number > 0:
                pairs.append((answer.seconds, floor))
        what = f"pull of {records} records{words} : SELECT and json.dumps of them"
        yield Figure(store.name, what, median_ratio(pairs), each=median_of(pairs, records))


def measure_bytes(store: Store, regency: Regency, load: Load) -> Figure:
    """The bytes of a record, of a project where no child is the copy of another."""
    path = f"/v1/projects/{regency.project.id}/sync/pull?limit={PAGE}"
    headers = {"Authorization": f"Bearer {session_token()}"}
    asked = [{**headers, "Accept-Encoding": kind} for kind in ("gzip", "identity")]
    packed, plain = (
        load.send([("GET", path, one, "")], connections=1, expect=http.client.OK).bytes
        for one in asked
    )
    count = len(regency.posyandu[0].children)
    what = f"bytes of a record, as gzip : plain ({packed / count:.0f} : {plain / count:.0f})"
    return Figure(store.name, what, packed / plain)


def _pages(
    regency: Regency, port: int, headers: Mapping[str, str], size: int, count: int
) -> Iterator[str]:
    """The addresses of the first pages of a snapshot; they stay good while they are asked again."""
    path = f"/v1/projects/{regency.project.id}/sync/pull?limit={size}"
    cursor = ""
    for _ in range(count):
        yield path + cursor
        asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}{cursor}", headers=headers)
        with urllib.request.urlopen(asked) as response:  # noqa: S310
            page = json.load(response)
        assert len(page["records"]) == size
        cursor = f"&cursor={page['cursor']}"


def _floor(store: Store, regency: Regency, records: int) -> float:
    """Seconds to read the same rows with the driver and write them as JSON."""
    connection = store.connect()
    began = time.perf_counter()
    rows = connection.execute(
        f"SELECT {_SHOWN} FROM records WHERE project_id = {regency.project.id}"  # noqa: S608
        f" ORDER BY entity LIMIT {records}"
    ).fetchall()
    json.dumps([_plain(row) for row in rows], ensure_ascii=False).encode()
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:4], json.loads(row[4]), *row[5:])
