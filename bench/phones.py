"""What a phone asks at every sync, in a project of eighty thousand children and of a thousand."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Iterator

from bench.load import Answer, Load, Request
from bench.regency import Posyandu, Regency
from bench.stores import Store
from bench.table import Figure, median_ratio

AIM = 1.25  # "does not grow": what is over 1 is what the noise of one machine is given
FORMS = "formList"
LIST = "forms/pengukuran_balita/attachments/anak.csv"
MANIFEST = "forms/pengukuran_balita/manifest"


def measure(
    store: Store,
    small: Regency,
    large: Regency,
    load: Load,
    *,
    port: int,
    rounds: int,
    count: int,
) -> Iterator[Figure]:
    """The same questions of two projects; each phone sees a hundred children, none of which move.

    The first posyandu's phone asks: nothing else is sent from there.
    """

    def ask(request: Request, expect: int) -> Answer:
        return load.send([request] * count, connections=1, expect=expect)

    def compare(
        what: str, request: Request, floor: Request, expect: int = http.client.OK
    ) -> Iterator[Figure]:
        ask(request, expect), ask(floor, expect)
        answers = [(ask(request, expect), ask(floor, expect)) for _ in range(rounds)]
        times = [(one.seconds, other.seconds) for one, other in answers]
        yield Figure(store.name, f"{what}, time", median_ratio(times), AIM)
        one, other = answers[0]
        sizes = f"{what}, bytes ({one.bytes} : {other.bytes})"
        yield Figure(store.name, sizes, one.bytes / other.bytes, AIM)

    here, there = small.posyandu[0], large.posyandu[0]
    children = sum(len(one.children) for one in large.posyandu)
    known = sum(len(one.children) for one in small.posyandu)
    yield from compare(
        f"CSV of 100 of {children} : of {known}", large.get(there, LIST), small.get(here, LIST)
    )
    unchanged = {
        path: (_if_changed(large, there, path, port), _if_changed(small, here, path, port))
        for path in (FORMS, MANIFEST)
    }
    for name, path, beside, floor in (
        ("formList", FORMS, "formList", FORMS),
        ("manifest", MANIFEST, "manifest", MANIFEST),
        ("manifest", MANIFEST, "formList", FORMS),
    ):
        yield from compare(
            f"304 of {name} of {children} : of {beside} of {known}",
            unchanged[path][0],
            unchanged[floor][1],
            http.client.NOT_MODIFIED,
        )


def _if_changed(regency: Regency, posyandu: Posyandu, path: str, port: int) -> Request:
    """The question of a phone that has the answer already."""
    _, target, _, _ = regency.get(posyandu, path)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{target}") as response:
        return regency.get(posyandu, path, response.headers["ETag"])
