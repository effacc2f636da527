"""The six promises of docs and README, held against the book and what the doors answered.

Each check is a pure function: it may be tried with a book that lies.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from odk_forms.packs import PackList
from sync_server.simulator.book import Book, Typed
from sync_server.simulator.evidence import Evidence, View
from sync_server.simulator.office import Plain

TAKEN = (200, 201, 202)
_FATES = ("current", "superseded", "contender", "settled", "unchanged", "quarantined")
_LISTED = ("active", "disputed")
_SAW_ONE = ("review", "latest")
"""Policies under which a write takes the place of the very value its author was shown."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise: how many of what were looked at, and what was broken, by ids."""

    number: int
    promise: str
    checked: Mapping[str, int]
    broken: tuple[str, ...]

    @property
    def held(self) -> bool:
        return not self.broken


def judge(book: Book, seen: Evidence, main: PackList) -> tuple[Verdict, ...]:
    """All six."""
    return (
        nothing_acknowledged_lost(book, seen),
        nothing_typed_lost(book, seen, main),
        order_does_not_matter(seen),
        no_phone_waits(book),
        own_village_only(book, seen, main),
        numbers_with_their_age(book, seen),
    )


def nothing_acknowledged_lost(book: Book, seen: Evidence) -> Verdict:
    """Every form and change that was answered 2xx is there under its id, byte for byte."""
    broken: list[str] = []
    counts = Counter[str]()
    for key, by in book.acknowledged.items():
        sent = book.forms.get(key)
        counts["forms" if key.startswith("uuid:") else "changes"] += 1
        if key in seen.kept:
            counts["of them in quarantine"] += 1
            if sent is not None and sent not in (seen.kept[key], _xml_of(seen.kept[key])):
                broken.append(f"form {key} of {by} is in quarantine with other bytes")
        elif sent is not None and seen.forms.get(key) != sent:
            word = "with other bytes" if key in seen.forms else "nowhere"
            broken.append(f"form {key} of {by} is {word}")
        elif sent is None and key not in seen.changes:
            broken.append(f"{_word(key)} {key} of {by} is nowhere")
    for sha256, size in book.files.items():
        counts["attachments"] += 1
        if seen.blobs.get(sha256) != size:
            broken.append(f"attachment {sha256} is not whole")
    return Verdict(1, "nothing acknowledged is lost", dict(counts), tuple(broken))


def nothing_typed_lost(book: Book, seen: Evidence, main: PackList) -> Verdict:
    """Every value has a fate in the history of its record, and took no place it had not seen."""
    broken: list[str] = []
    counts = Counter[str]()
    policies = {one.name: one.policy.kind for one in main.properties}
    on_phones = {one.name for one in main.properties if one.phone}
    by_key = _changes_by_key(seen.histories.values())
    for key, typed in book.typed.items():
        change = by_key.get((typed.entity, key))
        counts["values"] += len(typed.values)
        if change is None:
            if key in seen.kept:
                counts["quarantined"] += len(typed.values)
            else:
                broken.append(f"{_word(key)} {key} is not in the history of {typed.entity}")
            continue
        fields = {one["name"]: one for one in change["fields"]}
        for name, value in typed.values.items():
            fates = _fates(fields, name, value, policies[name])
            if fates is None:
                broken.append(f"{name} of {key} in {typed.entity} has no fate")
            counts.update(fates or ())
        history = seen.histories[typed.entity]
        for name in _replaced_unseen(typed, change, history, policies, on_phones):
            broken.append(f"{name} of {key} in {typed.entity} took the place of a value unseen")
    broken += _undecided(book, seen)
    counts["decisions"] = len(book.decided)
    return Verdict(2, "no typed value is lost", dict(counts), tuple(broken))


def order_does_not_matter(seen: Evidence) -> Verdict:
    """Every route and order made the same records; who never read anew has what is read anew."""
    broken: list[str] = []
    counts = Counter[str]()
    for other in seen.others:
        count, differing = _compare(seen.centre, other)
        counts["records compared"] += count
        counts["servers beside the centre"] += 1
        broken += [f"{other.name}: {one}" for one in differing]
    for name, (kept, fresh) in seen.copies.items():
        counts["copies of pullers"] += 1
        differing = [one for one in kept.keys() | fresh.keys() if kept.get(one) != fresh.get(one)]
        broken += [f"{name}: record {one} is another than in a snapshot" for one in differing]
    waiting = [one for one, record in seen.centre.records.items() if record["waiting"]]
    broken += [f"record {one} waits, though all has come" for one in waiting]
    counts["reviews open"] = len(seen.centre.reviews)
    return Verdict(3, "arrival order does not matter", dict(counts), tuple(broken))


def no_phone_waits(book: Book) -> Verdict:
    """Every answer to a form or batch was a yes, and in the end nothing waited on a phone."""
    refused = [one for one in book.posts if one.status not in TAKEN]
    broken = [f"{one.about} was answered {one.status}" for one in refused]
    waiting = [key for key in book.typed if key not in book.acknowledged]
    broken += [f"{_word(key)} {key} was never acknowledged" for key in waiting]
    counts = {
        "posts answered": len(book.posts),
        "refused": len(refused),
        "worst answer": max((one.status for one in book.posts), default=0),
        "still waiting": len(waiting),
    }
    return Verdict(4, "the phone never waits on a person", counts, tuple(broken))


def own_village_only(book: Book, seen: Evidence, main: PackList) -> Verdict:
    """No row of another village, no column kept off phones, nothing anew without news.

    In the end each phone has the records of its village and no other, whoever moved.
    """
    polls = book.polls
    filters = [rule.property_name for rule in main.access]
    listed = {
        entity: {one["data"].get(name, "") for name in filters}
        for entity, one in seen.centre.records.items()
        if one["list"] == main.name and one["status"] in _LISTED
    }
    broken = [f"record {one} went to a phone of another village" for one in polls.foreign]
    broken += [f"a phone was given the column {one}" for one in polls.kept_off]
    broken += [f"{one} came anew without news" for one in polls.needless]
    for phone, (village, held) in book.held.items():
        own = {entity for entity, villages in listed.items() if villages == {village}}
        differing = (own ^ held) - seen.centre.moving
        broken += [
            f"record {one} is {'not on' if one in own else 'still on'} phone {phone}"
            for one in sorted(differing)
        ]
    counts = {
        "rows looked at": polls.rows,
        "of other villages": len(polls.foreign),
        "polls": polls.asked,
        "answered 304": polls.unchanged,
        "syncs without news": polls.idle_syncs,
        "anew all the same": len(polls.needless),
        "phones whose rows are those of their village": len(book.held),
    }
    title = "a phone downloads its own village, when it changed"
    return Verdict(5, title, counts, tuple(broken))


def numbers_with_their_age(book: Book, seen: Evidence) -> Verdict:
    """Every cell of the sync board says how sure it is, and the page how old it is."""
    broken: list[str] = []
    cells = 0
    for row in seen.board["devices"]:
        for name, cell in _cells(row):
            cells += 1
            if not cell.get("certainty"):
                broken.append(f"{name} of device {row['id']} does not say how sure it is")
            elif cell["certainty"] == "unknown" and cell["value"] is not None:
                broken.append(f"{name} of device {row['id']} is shown and said to be unknown")
    if not seen.board.get("serverTime"):
        broken.append("the sync board does not say when it was read")
    unheard = [one["id"] for one in seen.hubs["hubs"] if one["pairedAt"] and not one["lastSeenAt"]]
    broken += [f"hub {one} worked and has never been heard of" for one in unheard]
    counts = {
        "devices on the board": len(seen.board["devices"]),
        "cells with their certainty": cells,
        "hubs with when they were heard": len(seen.hubs["hubs"]) - len(unheard),
    }
    return Verdict(6, "a number is shown with its age", counts, tuple(broken))


def _cells(row: Plain) -> Iterator[tuple[str, Plain]]:
    for name, cell in row.items():
        if isinstance(cell, dict) and "value" in cell:
            yield name, cell
    for form in row["forms"]:
        for name, cell in form.items():
            if isinstance(cell, dict):
                yield f"{name} of {form['xmlFormId']}", cell


def _changes_by_key(histories: Iterable[Plain]) -> dict[tuple[str, str], Plain]:
    found = {}
    for history in histories:
        for change in history["changes"]:
            for key in (change["instanceId"], change["changeId"]):
                if key:
                    found[history["entity"], key] = change
    return found


def _fates(fields: Mapping[str, Plain], name: str, value: str, policy: str) -> list[str] | None:
    """What became of a value; of each option of a `union`. None when it cannot be found."""
    named = [f"{name}/{one}" for one in value.split()] if policy == "union" else [name]
    found = [fields.get(one) for one in named]
    if any(one is None or one["outcome"] not in _FATES for one in found):
        return None
    if policy != "union" and found[0] is not None and found[0]["value"] != value:
        return None
    return [one["outcome"] for one in found if one is not None]


def _replaced_unseen(
    typed: Typed,
    change: Plain,
    history: Plain,
    policies: Mapping[str, str],
    on_phones: set[str],
) -> Iterator[str]:
    """Properties in which a form took the place of a value its author's screen had not shown."""
    values = {
        one["changeId"]: {f["name"]: f["value"] for f in one["fields"]}
        for one in history["changes"]
    }
    for one in change["fields"]:
        name = one["name"]
        asked = policies.get(name) in _SAW_ONE and name in on_phones
        if asked and one["outcome"] != "unchanged" and typed.shown is not None:
            shown = typed.shown.get(name, "")
            if any(values.get(cid, {}).get(name) != shown for cid in one["replaces"]):
                yield name


def _undecided(book: Book, seen: Evidence) -> Iterator[str]:
    notes = {
        (history["entity"], change["note"])
        for history in seen.histories.values()
        for change in history["changes"]
        if change["note"]
    }
    for note, (entity, name) in book.decided.items():
        if (entity, note) not in notes:
            yield f"a decision of {name or 'a deletion'} is not in the history of {entity}"


def _compare(centre: View, other: View) -> tuple[int, list[str]]:
    """How many records two servers should share, and in which they differ."""
    ours = _of_villages(centre.records, other.villages)
    theirs = other.records
    # A hub keeps what it had of a record that moved away, and is told no more of it.
    shared = ours.keys() if other.villages is not None else ours.keys() | theirs.keys()
    found = [
        f"record {one}: {_difference(ours.get(one), theirs.get(one))}"
        for one in sorted(shared)
        if ours.get(one) != theirs.get(one)
    ]
    if other.villages is None:
        found += [
            f"review {one} has other contenders"
            for one in sorted(centre.reviews.keys() | other.reviews.keys())
            if centre.reviews.get(one) != other.reviews.get(one)
        ]
    return len(ours), found


def _of_villages(
    records: Mapping[str, Plain], villages: frozenset[str] | None
) -> Mapping[str, Plain]:
    if villages is None:
        return records
    return {entity: one for entity, one in records.items() if villages & {*one["data"].values()}}


def _difference(ours: Any, theirs: Any) -> str:
    """Which parts differ, by their names: never what a child is called."""
    if ours is None or theirs is None:
        return "is not on both"
    return "differs in " + ", ".join(name for name in ours if ours[name] != theirs[name])


def _xml_of(kept: bytes) -> bytes | None:
    """The form in an item that a hub could not use either and passed on as it was."""
    try:
        plain = json.loads(kept)
    except ValueError:
        return None
    return str(plain.get("xml", "")).encode() if isinstance(plain, dict) else None


def _word(key: str) -> str:
    return "form" if key.startswith("uuid:") else "change"
