"""The one road in: read in bulk, decide in memory, write in bulk, in one write transaction.

Submissions, batches, imports and a supervisor's decisions all come this way. Nothing is
answered before it is on the disk. If deciding raises, what was sent is kept raw in
quarantine by a second transaction, and the answer is still a good one: a bug of ours
must not leave a cadre's morning on a phone that believes it was not sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from conflict.areas import is_placed
from conflict.basis import in_branch_order
from conflict.taking import counts_before
from conflict.types import SettledChange
from odk_forms.changes import submission_key
from odk_forms.errors import InstanceError
from odk_forms.instance import Instance
from sync_server.clock import Clock, instant
from sync_server.db import write_transaction
from sync_server.errors import BadEntity, SyncError, whereabouts
from sync_server.intake.arrival import (
    Arrival,
    Author,
    ChangeResult,
    Project,
    Receipt,
    Result,
    Sent,
    SentChange,
    SentRaw,
    SentSubmission,
    Status,
    SubmissionResult,
    kept_change,
    worst,
)
from sync_server.intake.attachments import keep_attachments
from sync_server.intake.decided import keep_decided
from sync_server.intake.deciding import (
    Decider,
    Decision,
    Outcome,
    Step,
    outcome_of,
)
from sync_server.intake.editing import follow_edits
from sync_server.intake.keeping import (
    UNDECIDED,
    kept_raw,
    kept_request,
    kept_whole,
    poison_of_change,
    raw_change,
)
from sync_server.intake.originals import Originals
from sync_server.intake.reading import keys_to_lock, parse, read_all
from sync_server.intake.readings import Derived, Readings
from sync_server.intake.receipts import is_replayed, keep_answer
from sync_server.intake.relayed import settled_elsewhere
from sync_server.stores import changes as change_store
from sync_server.stores.blobs import keep_blobs
from sync_server.stores.changes import Origin
from sync_server.stores.journal import (
    AGAIN,
    MORE,
    QUARANTINE,
    STEP,
    SUBMISSION,
    Entry,
    append_journal,
)
from sync_server.stores.lists import ListInfo, hold_lists, load_lists, touch_heads
from sync_server.stores.projects import find_first_offset
from sync_server.stores.quarantine import Poison, insert_quarantine
from sync_server.stores.records import load_records, lock_records, save_records, save_scopes
from sync_server.stores.reviews import save_reviews
from sync_server.stores.stamps import stamp_at
from sync_server.stores.submissions import (
    complete_submissions,
    insert_submissions,
)

LOG = logging.getLogger(__name__)


def ingest(
    project: Project,
    sent: Sequence[Sent],
    *,
    author: Author,
    clock: Clock,
    receipt: Receipt | None = None,
) -> list[Result]:
    """Take a batch in; one result per item, in order.

    With a `receipt` the same batch is answered as it was the first time, and nothing is
    returned: the answer is in the receipt.

    Errors    `StoreBusy` when nothing could be written; the same call may be made again.
              `BatchReused` when another batch came under this id.
    """
    arrival = Arrival(project, author, instant(clock.now()), tuple(sent), receipt)
    parsed = parse(arrival)
    try:
        return _retried(arrival, parsed)
    except SyncError:
        raise
    except Exception as exc:
        LOG.error("a batch of %d could not be decided: %s", len(sent), whereabouts(exc))
        return _keep_raw(arrival, parsed)


def _retried(arrival: Arrival, parsed: Mapping[int, Instance | InstanceError]) -> list[Result]:
    """Two identical deliveries may race to one key: one fails, and then sees the other's row."""
    try:
        return _take_in(arrival, parsed)
    except IntegrityError:
        return _take_in(arrival, parsed)


def _take_in(arrival: Arrival, parsed: Mapping[int, Instance | InstanceError]) -> list[Result]:
    with write_transaction() as connection:
        if is_replayed(connection, arrival):
            return []
        hold_lists(connection, arrival.project.id)
        lock_records(connection, arrival.project.id, keys_to_lock(arrival, parsed))
        arrival.at = stamp_at(connection, arrival.project.id, arrival.now)
        readings = read_all(connection, arrival, parsed)
        asked = readings.submitted or readings.changes
        lists = load_lists(connection, arrival.project.id) if asked else {}
        decision = _decide(connection, arrival, readings, lists)
        outcomes = _outcomes(connection, arrival, decision, lists)
        results = _results(arrival, parsed, readings, decision)
        keep_answer(connection, arrival, results)
        _write(connection, arrival, readings, decision, outcomes)
    return results


def _decide(
    connection: Connection, arrival: Arrival, readings: Readings, lists: Mapping[str, ListInfo]
) -> Decision:
    """Load what the changes stand on, then decide them as a set."""
    project_id = arrival.project.id
    changes = [one.change for one in readings.changes]
    if not readings.submitted and not changes:
        return Decision()
    editing = follow_edits(connection, project_id, arrival.project.uuid, readings)
    every = [*changes, *(one.change for one in editing.withdrawn), *editing.stood]
    lock_records(connection, project_id, (change.entity for change in every))
    known = change_store.find_changes(connection, project_id, (c.change_id for c in every))
    copies = _copies(readings, known)
    held = load_records(connection, project_id, every, relayed=_elsewhere(readings), deep=copies)
    first = find_first_offset(connection)
    originals = Originals(editing.here, changes, known)
    decider = Decider(arrival, lists, held, known, originals, first_offset=first)
    derived: dict[int, list[Derived]] = {}
    for one in readings.changes:
        derived.setdefault(id(one.change), []).append(one)
    for change in in_branch_order(changes):  # a batch may name one change twice
        decider.take(derived[id(change)].pop(0))
    for withdrawn in editing.withdrawn:
        decider.withdraw(withdrawn)
    for change in editing.stood:
        decider.note_original(change)
    return decider.decision


def _elsewhere(readings: Readings) -> list[SettledChange]:
    """The changes of a batch that another server settled."""
    return [
        settled_elsewhere(one.change, one.relayed)
        for one in readings.changes
        if one.relayed is not None and one.relayed.settled is not None
    ]


def _copies(readings: Readings, known: Mapping[str, SettledChange]) -> set[str]:
    """The records of which another server's copy of a change takes the place of this one's."""
    return {
        one.change.entity
        for one in _elsewhere(readings)
        if one.change.change_id in known and counts_before(one, known[one.change.change_id])
    }


def _outcomes(
    connection: Connection, arrival: Arrival, decision: Decision, lists: Mapping[str, ListInfo]
) -> list[Outcome]:
    steps: dict[str, list[Step]] = {}
    for one, *_ in decision.taken:
        steps.setdefault(one.change.entity, []).append((one.change.change_id, STEP))
    for one, _ in (*decision.resettled.values(), *decision.copies):
        steps.setdefault(one.change.entity, []).append((one.change.change_id, AGAIN))
    unplaced = [
        entity
        for entity, one in decision.touched.items()
        if not is_placed(lists[one.held.list_name].rules, one.held.record.state)
    ]
    writers = change_store.find_writers(connection, arrival.project.id, unplaced)
    return [
        outcome_of(
            touched, lists[touched.held.list_name], writers.get(entity, set()), steps[entity]
        )
        for entity, touched in decision.touched.items()
    ]


def _write(
    connection: Connection,
    arrival: Arrival,
    readings: Readings,
    decision: Decision,
    outcomes: Sequence[Outcome],
) -> None:
    """Write it all; the project's counter last, so that nobody waits on it longer than needed."""
    project_id, at = arrival.project.id, arrival.at
    insert_submissions(connection, readings.submissions)
    complete_submissions(connection, project_id, readings.completed)
    more = keep_attachments(connection, arrival, readings)
    poisons = [*readings.poisons, *decision.poisons]
    kept = insert_quarantine(connection, project_id, poisons, at=at)
    change_store.insert_changes(connection, project_id, decision.taken, stamp=arrival.stamp)
    change_store.update_copies(connection, project_id, decision.copies, stamp=arrival.stamp)
    change_store.update_settlements(connection, project_id, list(decision.resettled.values()))
    save_records(
        connection,
        project_id,
        [(one.held, one.label, one.data, one.open_reviews) for one in outcomes],
        at=at,
    )
    save_scopes(
        connection,
        project_id,
        [(one.held, one.scopes) for one in outcomes if one.scopes != one.held.scopes],
    )
    save_reviews(connection, project_id, [one.asked for one in outcomes], at=at)
    keep_decided(connection, project_id, (one for one, *_ in decision.taken), at=at)
    entries = [entry for one in outcomes for entry in one.entries]
    entries += [*_without_steps(readings, decision, more), *_of_kept(kept)]
    touch_heads(connection, project_id, append_journal(connection, project_id, entries, at=at))


def _without_steps(
    readings: Readings, decision: Decision, more: Sequence[tuple[str, str]]
) -> list[Entry]:
    """What came and altered no record: the journal tells it too, for whoever relays.

    `more` are forms that have files they had not. What only came again is told to nobody: two
    servers would send it to one another for ever.
    """
    stepped = {(o.xml_form_id, o.instance_id) for _, o, *_ in decision.taken}
    new = [(row["xml_form_id"], row["instance_id"]) for row in readings.submissions]
    kinds = {**dict.fromkeys(more, MORE), **dict.fromkeys(new, SUBMISSION)}
    return [
        Entry("", "", None, kind=kind, ref=submission_key(*key))
        for key, kind in kinds.items()
        if key not in stepped
    ]


def _of_kept(ids: Iterable[str]) -> list[Entry]:
    return [Entry("", "", None, kind=QUARANTINE, ref=one) for one in ids]


def _results(
    arrival: Arrival,
    parsed: Mapping[int, Instance | InstanceError],
    readings: Readings,
    decision: Decision,
) -> list[Result]:
    by_item: dict[int, list[ChangeResult]] = {}
    for place, result in (*readings.unreadable, *decision.results):
        by_item.setdefault(place, []).append(result)
    results: list[Result] = []
    for place, sent in enumerate(arrival.sent):
        mine = by_item.get(place, [])
        if isinstance(sent, (SentChange, SentRaw)):
            results.append(mine[0])
        elif place in readings.answered:
            results.append(readings.answered[place])
        else:
            whole = _submission_result(parsed[place], mine, resent=place in readings.resent)
            code, detail = readings.remarks.get(place, (None, None))
            results.append(replace(whole, code=code, detail=detail))
    return results


def _submission_result(
    parsed: Instance | InstanceError, changes: Sequence[ChangeResult], *, resent: bool
) -> SubmissionResult:
    statuses = [one.status for one in changes]
    form_id, instance_id = _ids(parsed)
    return SubmissionResult(
        xml_form_id=form_id,
        instance_id=instance_id,
        status=worst([Status.DUPLICATE, *statuses] if resent else statuses),
        changes=tuple(changes),
    )


def _ids(parsed: Instance | InstanceError | None) -> tuple[str, str]:
    return (parsed.xml_form_id, parsed.instance_id) if isinstance(parsed, Instance) else ("", "")


def _keep_raw(arrival: Arrival, parsed: Mapping[int, Instance | InstanceError]) -> list[Result]:
    """The second transaction: every item raw into quarantine, and a good answer for each."""
    poisons: list[Poison] = []
    results: list[Result] = []
    blobs: dict[str, int] = {}
    for place, sent in enumerate(arrival.sent):
        poison, result = _kept(arrival, sent, parsed.get(place))
        poisons.append(poison)
        results.append(result)
        if isinstance(sent, SentSubmission):
            blobs.update({one.sha256: one.size for one in sent.attachments if one.here})
    with write_transaction() as connection:
        if is_replayed(connection, arrival):
            return []
        arrival.at = stamp_at(connection, arrival.project.id, arrival.now)
        keep_answer(connection, arrival, results)
        keep_blobs(
            connection,
            arrival.project.id,
            blobs,
            at=arrival.at,
            sender=arrival.author.actor_id,
        )
        kept = insert_quarantine(connection, arrival.project.id, poisons, at=arrival.at)
        append_journal(connection, arrival.project.id, _of_kept(kept), at=arrival.at)
    return results


def _kept(
    arrival: Arrival, sent: Sent, parsed: Instance | InstanceError | None
) -> tuple[Poison, Result]:
    code = "engine_error"
    if isinstance(sent, SentSubmission):
        form_id, instance_id = _ids(parsed)
        return kept_whole(arrival, sent, form_id, instance_id, code=code, detail=UNDECIDED)
    if isinstance(sent, SentRaw):
        return kept_raw(arrival, sent)
    change, author = sent.change, arrival.author
    poison = poison_of_change(
        arrival,
        change.change_id,
        Origin(author.actor_id, author.device_id),
        raw_change(change, sent.note) if sent.item is None else sent.item,
        code=code,
        detail=UNDECIDED,
        relayed=sent.relayed is not None,
    )
    return poison, kept_change(change, code=code, detail=UNDECIDED)


def keep_request(
    project: Project, raw: bytes, content_type: str, *, author: Author, clock: Clock
) -> None:
    """Keep a request of a known device in which no form could be found, for a person to look at."""
    arrival = Arrival(project, author, instant(clock.now()))
    poison = kept_request(arrival, raw, content_type, "no form could be found in this request")
    with write_transaction() as connection:
        arrival.at = stamp_at(connection, project.id, arrival.now)
        kept = insert_quarantine(connection, project.id, [poison], at=arrival.at)
        append_journal(connection, project.id, _of_kept(kept), at=arrival.at)


def ingest_or_refuse(
    project: Project, sent: Sequence[SentChange], *, author: Author, clock: Clock
) -> list[ChangeResult]:
    """Take changes of somebody in who waits for the answer at a screen or in a program.

    Errors    what `under_lock` of any of them raises, and then nothing is written;
              `BadEntity` when one could not be used: it is kept in quarantine, and whoever
              asked must not believe that it stands.
    """
    results = ingest(project, sent, author=author, clock=clock)
    changes = [one for one in results if isinstance(one, ChangeResult)]
    for one in changes:
        if one.status is Status.QUARANTINED:
            raise BadEntity(
                f"kept in quarantine: {one.detail}", changeId=one.change_id, reason=one.code
            )
    return changes
