"""The books of a district against its stores: all there, once, the same at hub and centre."""

from __future__ import annotations

import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.hubs.district import District
from tests.hubs.field import instance_of, sha_of

Item = dict[str, Any]
_SAID = ("list", "entity", "op", "data", "baseVersion")
_QUEUES = ("outgoing_batches", "owed_blobs", "refused_items")


def compare(district: District) -> None:
    """Everything that was acknowledged, after a drain; an `AssertionError` says what is wrong."""
    book = district.book
    assert not book.strange, f"answers that nobody should be given: {book.strange[:3]}"
    feed = district.admin[district.centre].pulled("changes")
    _same_forms(district, feed)
    _same_changes(district, feed)
    _same_files(district, feed)
    left = {name: district.rows(district.hub, name) for name in _QUEUES}
    assert not any(left.values()), f"the hub's queues are not empty: {left}"
    there, here = (
        {one["entity"]: one | {"updatedAt": ""} for one in district.admin[server].pulled("records")}
        for server in (district.centre, district.hub)
    )
    unlike = {one: (there.get(one), here.get(one)) for one in {*there, *here}}
    unlike = {one: both for one, both in unlike.items() if both[0] != both[1]}
    assert not unlike, f"centre and hub differ: {unlike}"
    _right_versions(there, feed)
    beyond = _ids(district.admin[district.hub].pulled("changes"))
    assert beyond == _ids(feed), f"known at one alone: {beyond ^ _ids(feed)}"


def compare_stores(district: District) -> Counter[str]:
    """Kill everything and look at the files it leaves; how much there is in them."""
    for sha256, content in district.book.blobs.items():
        _same_blob(district, sha256, content)
    status = district.hub.json("hub", "status", "--json")
    assert (status["waiting"], status["refused"]) == (0, [])
    district.cut_power()
    for server in (district.centre, district.hub):
        said = server.everything()
        assert "Traceback" not in said, f"the {server.home.name} stumbled: {said[-3000:]}"
        if server.database_url.startswith("sqlite"):
            _sound(server.database_url.removeprefix("sqlite:///"))
    book = district.book
    return Counter(
        {
            "forms": len(book.forms),
            "changes": len(book.changes),
            "files": len(book.blobs),
            "requests kept for a person": len(district.rows(district.centre, "quarantine")),
            "starts of a server": district.centre.starts + district.hub.starts,
        }
    )


def _same_forms(district: District, feed: Iterable[Item]) -> None:
    found = [one for one in feed if one["kind"] == "submission"]
    _once([instance_of(_xml(one)) for one in found], district.book.forms, "forms")
    for one in found:
        instance = instance_of(_xml(one))
        assert _xml(one) == district.book.forms[instance], f"{instance} has other bytes"


def _same_changes(district: District, feed: Iterable[Item]) -> None:
    book, project = district.book, uuid.UUID(district.project)
    of_forms = {
        str(uuid.uuid5(project, f"{_form_of(xml)}\n{instance}\n0"))
        for instance, xml in book.forms.items()
    }
    _once(list(_every_id(feed)), {*of_forms, *book.changes}, "changes")
    for one in feed:
        assert one["kind"] == "request" or "verdict" not in one, f"quarantined: {one}"
        if one["kind"] == "change":
            sent = book.changes[one["changeId"]]
            assert {n: one.get(n) for n in _SAID} == {n: sent.get(n) for n in _SAID}


def _same_files(district: District, feed: Iterable[Item]) -> None:
    named = {
        (one["instanceId"], file["name"]): file["sha256"]
        for one in feed
        if one["kind"] == "submission"
        for file in one["attachments"]
    }
    assert named == district.book.files
    for sha256 in district.book.blobs.keys() - district.compared:
        _same_blob(district, sha256, district.book.blobs[sha256])
        district.compared.add(sha256)


def _same_blob(district: District, sha256: str, content: bytes) -> None:
    got = district.admin[district.centre].get(f"sync/blobs/{sha256}").content
    assert sha_of(got) == sha256, f"{sha256} has other bytes"
    assert got == content


def _right_versions(records: Mapping[str, Item], feed: Iterable[Item]) -> None:
    """A version counts every change of its record, once."""
    counted: Counter[str] = Counter()
    for one in feed:
        if one["kind"] == "submission":
            counted.update(each["entity"] for each in one["changes"])
        elif one["kind"] == "change":
            counted[one["entity"]] += 1
    assert {entity: one["version"] for entity, one in records.items()} == counted


def _once(found: list[str], wanted: Iterable[str], what: str) -> None:
    twice = [one for one, count in Counter(found).items() if count > 1]
    missing, more = {*wanted} - {*found}, {*found} - {*wanted}
    assert not missing, f"acknowledged {what} that are missing: {missing}"
    assert not twice, f"{what} that are there twice: {twice}"
    assert not more, f"{what} that nobody sent: {more}"


def _every_id(feed: Iterable[Item]) -> Iterable[str]:
    for one in feed:
        if one["kind"] == "submission":
            yield from (each["changeId"] for each in one["changes"])
        elif one["kind"] == "change":
            yield one["changeId"]


def _ids(feed: Iterable[Item]) -> set[str]:
    return set(_every_id(feed))


def _xml(item: Item) -> bytes:
    return str(item["xml"]).encode()


def _form_of(xml: bytes) -> str:
    return "daftar" if b"id='daftar'" in xml else "ukur"


def _sound(path: str) -> None:
    with sqlite3.connect(path) as store:
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert store.execute("PRAGMA foreign_key_check").fetchall() == []
    store.close()
