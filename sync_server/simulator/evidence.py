"""What the doors answer at the end: all that the promises are judged by."""

from __future__ import annotations

import base64
import random
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests

from sync_server.client import SyncClient, batches
from sync_server.simulator.hubs import Hub
from sync_server.simulator.office import Office, OfficeRefused, Plain
from sync_server.simulator.programs import Copy, Program

_INSTANCE_ID = re.compile(r"instanceID>\s*([^<\s]+)\s*<")
_COMPARED = ("list", "label", "data", "version", "status", "reviews", "waiting")
_LANES = 6

T = TypeVar("T")
Histories = Mapping[str, Plain]


@dataclass(frozen=True, slots=True)
class View:
    """Records and open reviews of one server, as a manager there is told them."""

    name: str
    records: Mapping[str, Plain]
    reviews: Mapping[str, frozenset[str]]
    villages: frozenset[str] | None = None
    """Which of the records it is meant to have; None for all."""
    moving: frozenset[str] = frozenset()
    """Records of which it is asked where they belong: all who contend have them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """`forms` are the bytes a server has of a form, by instanceID; `changes` the ids it has;
    `kept` the bytes of what is in quarantine, by either id."""

    forms: Mapping[str, bytes]
    changes: frozenset[str]
    kept: Mapping[str, bytes]
    histories: Histories
    centre: View
    others: Sequence[View]
    copies: Mapping[str, tuple[Copy, Copy]]
    board: Plain
    hubs: Plain
    blobs: Mapping[str, int]
    feed: Sequence[Plain] = field(default=())


def gather(
    centre: Office,
    hubs: Sequence[Hub],
    programs: Sequence[Program],
    *,
    entities: Iterable[str],
    blobs: Iterable[str],
) -> Evidence:
    """Ask the centre, the hubs and the programs; the second server is asked by `second_view`."""
    feed = list(_feed(centre))
    forms = {
        found[1]: xml
        for xml in map(_xml, feed)
        if xml is not None and (found := _INSTANCE_ID.search(xml.decode("utf-8", "replace")))
    }
    return Evidence(
        forms=forms,
        changes=frozenset(str(one["changeId"]) for one in feed if one.get("changeId")),
        kept=_kept(centre),
        histories=_each(centre, entities, _history),
        centre=view("the centre", centre),
        others=[
            view(hub.name, hub.office(), villages=[v for vs in hub.areas.values() for v in vs])
            for hub in hubs
        ],
        copies={one.name: one.copies() for one in programs},
        board=centre.of_project("GET", "sync/devices"),
        hubs=centre.of_project("GET", "sync/hubs"),
        blobs=_each(centre, blobs, _blob),
        feed=feed,
    )


def view(name: str, office: Office, *, villages: Sequence[str] = ()) -> View:
    """The records and open reviews of a server."""
    cursor, records = None, dict[str, Plain]()
    with SyncClient(office.url, office.project_id, office.token) as client:
        while True:
            page = client.pull(cursor=cursor, limit=1000)
            for one in page["records"]:
                records[one["entity"]] = {key: one[key] for key in _COMPARED}
            cursor = page["cursor"]
            if not page["more"]:
                break
    asked = list(office.pages("reviews", "reviews", state="open"))
    reviews = {
        one["id"]: frozenset(each["changeId"] for each in one["contenders"]) for one in asked
    }
    moving = frozenset(one["entity"] for one in asked if one["kind"] == "move")
    return View(name, records, reviews, frozenset(villages) or None, moving)


def second_view(second: Hub, feed: Sequence[Plain], rng: random.Random) -> View:
    """Give the second server the same set in another order and other batches; what it makes of it.

    It is told as a hub tells its centre: the items as they came, with what was settled of them.
    """
    office = second.office()
    code = office.of_project("POST", "sync/hubs", json={"name": "other order"})["code"]
    paired = office.ask("POST", "sync/pair", json={"code": code, "node": str(uuid.uuid4())})
    items = list(feed)
    rng.shuffle(items)
    with SyncClient(office.url, office.project_id, paired["token"]) as client:
        limits = client.info()["limits"]
        while items:
            count = rng.randrange(1, 120)
            part, items = items[:count], items[count:]
            for group in batches(part, limits):
                client.push(group)
    return view("a second server, in another order", office)


def _feed(office: Office) -> Iterable[Plain]:
    cursor = None
    with SyncClient(office.url, office.project_id, office.token) as client:
        while True:
            page = client.pull(cursor=cursor, mode="changes", limit=500)
            yield from page["changes"]
            cursor = page["cursor"]
            if not page["more"]:
                return


def _kept(office: Office) -> dict[str, bytes]:
    listed = {
        one["id"]: one["instanceId"] or one["changeId"] or one["id"]
        for one in office.pages("quarantine", "quarantine")
    }
    return {listed[key]: raw for key, raw in _each(office, listed, _raw).items()}


def _raw(office: Office, quarantined: str) -> bytes:
    return _asked(office, "GET", f"quarantine/{quarantined}/raw").content


def _xml(item: Mapping[str, Any]) -> bytes | None:
    if item.get("xmlBase64"):
        return base64.b64decode(item["xmlBase64"])
    return item["xml"].encode() if item.get("xml") is not None else None


def _each(
    office: Office, keys: Iterable[str], ask: Callable[[Office, str], T | None]
) -> dict[str, T]:
    """Ask about many things over a few lines at once; those that were found."""
    wanted = sorted(set(keys))

    def some(place: int) -> list[tuple[str, T | None]]:
        line = office.another()
        return [(key, ask(line, key)) for key in wanted[place::_LANES]]

    with ThreadPoolExecutor(max_workers=_LANES) as pool:
        found = [pair for part in pool.map(some, range(_LANES)) for pair in part]
    return {key: value for key, value in found if value is not None}


def _history(office: Office, entity: str) -> Plain | None:
    try:
        found: Plain = office.of_project("GET", f"sync/entities/{entity}/history")
    except OfficeRefused as exc:
        if exc.status != 404:
            raise
        return None
    return found


def _blob(office: Office, sha256: str) -> int | None:
    """How many bytes of a file are there, if all of them are."""
    answer = _asked(office, "HEAD", f"blobs/{sha256}")
    whole = answer.headers.get("Upload-Complete") == "?1"
    return int(answer.headers["Upload-Offset"]) if whole else None


def _asked(office: Office, method: str, path: str) -> requests.Response:
    """What is no JSON."""
    return requests.request(
        method,
        f"{office.url}/v1/projects/{office.project_id}/sync/{path}",
        headers={"Authorization": f"Bearer {office.token}"},
        timeout=60,
    )
