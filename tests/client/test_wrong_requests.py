"""Wrong input gets its documented answer, and the queue behind it drains all the same."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sync_server.accounts import people
from sync_server.client import Drained, Outbox
from tests.client.test_outbox import Through, fill, mirrored, snapshot
from tests.support.api import administrator
from tests.support.promises import promise
from tests.sync.test_push import GZIP, batch, create, new

PHOTO = b"a photo" * 1000
SHA = hashlib.sha256(PHOTO).hexdigest()
PUSH, PULL, BLOB = "push", "pull", f"blobs/{SHA}"
PIECE = {"Upload-Offset": "0", "Upload-Length": str(len(PHOTO))}
LARGE = {"Upload-Offset": "0", "Upload-Length": str(1 << 40)}


def packed(**more) -> bytes:
    return gzip.compress(json.dumps(batch(create(new()), **more)).encode())


# What is asked, with which body, headers and parameters; the status, code and retry of its answer.
WRONG = {
    "bad gzip": (PUSH, b"\x1f\x8b no gzip", GZIP, {}, 400, 400.39, "never"),
    "gzip cut short": (PUSH, packed()[:-9], GZIP, {}, 400, 400.39, "never"),
    "a bomb": (PUSH, gzip.compress(b" " * (64 << 20)), GZIP, {}, 413, 413.5, "never"),
    "an unknown protocol": (PUSH, packed(protocol=2), GZIP, {}, 400, 400.5, "never"),
    "another project's address": ("/2/push", packed(), GZIP, {}, 403, 403.1, "never"),
    "the address of none": ("/77/push", packed(), GZIP, {}, 403, 403.1, "never"),
    "another project's cursor": (PULL, b"", {}, {"cursor": "foreign"}, 410, 410.5, "after_pull"),
    "a tampered cursor": (PULL, b"", {}, {"cursor": "tampered"}, 410, 410.5, "after_pull"),
    "no cursor at all": (PULL, b"", {}, {"cursor": "\u2603"}, 410, 410.5, "after_pull"),
    "a wrong hash": (BLOB, PHOTO[::-1], PIECE, {}, 409, 409.54, "never"),
    "a blob too large": (BLOB, b"x", LARGE, {}, 413, 413.5, "never"),
    "too many bytes": (PUSH, b"x" * ((1 << 20) + 1), GZIP, {}, 413, 413.5, "never"),
    "too many raw bytes": (PUSH, b" " * ((8 << 20) + 1), {}, {}, 413, 413.5, "never"),
    "too many items": (PUSH, packed(items=[{}] * 501), GZIP, {}, 413, 413.5, "never"),
}
METHODS = {PULL: "GET", BLOB: "PATCH"}


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "out.db") as outbox:
        yield outbox


@pytest.fixture
def cursors(village, client) -> dict[str, str]:
    """A cursor of another project, and one of this client's in which a letter is another."""
    with village.app.app_context():
        other = people.create_project("Garut", by=village.admin, clock=village.clock)
    page = administrator(village.client).done("GET", f"/projects/{other}/sync/pull")
    own = client.pull()["cursor"]
    middle = len(own) // 2
    letter = "A" if own[middle] != "A" else "B"
    return {
        "foreign": page["cursor"],
        "tampered": f"{own[:middle]}{letter}{own[middle + 1 :]}",
    }


@promise("P6", "P14", "P15", "P16", "P74")
def test_the_queue_drains_behind_whatever_is_refused(
    outbox, client, village, phone, cursors, tmp_path
):
    photo, answers = tmp_path / "foto.jpg", {}
    photo.write_bytes(PHOTO)
    headers = {"Authorization": f"Bearer {phone.token}"}
    waiting = iter(WRONG.items())

    def ask_wrongly() -> None:
        name, (path, body, more, asked, *_) = next(waiting)
        url = f"{client.base}/{path}"
        if path.startswith("/"):
            _, project, door = path.split("/")
            url = client.base.replace(f"/projects/{village.project.id}/", f"/projects/{project}/")
            url += f"/{door}"
        answer = requests.request(
            METHODS.get(path, "POST"),
            url,
            data=body,
            params={key: cursors.get(value, value) for key, value in asked.items()},
            headers={"Content-Type": "application/json", **headers, **more},
            timeout=60,
        )
        told = answer.json()
        answers[name] = (answer.status_code, told["code"], told["retry"])

    items = fill(outbox, len(WRONG) - 1)
    outbox.add(create(new()), blobs=[photo])
    drained = outbox.drain(Through(client, before=ask_wrongly, maxItems=1))

    assert answers == {name: one[-3:] for name, one in WRONG.items()}
    assert drained == Drained(len(WRONG), 0, 0)
    assert all(len(village.changes(one["entity"])) == 1 for one in items)
    assert client._place(SHA) == (len(PHOTO), True)
    outbox.pull_into(client)
    assert mirrored(outbox) == snapshot(client)
    assert len(mirrored(outbox)) == len(WRONG)
    assert village.quarantine() == []
