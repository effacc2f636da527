"""From what was sent to changes: which submissions are new, and what each says. No writing.

Whatever cannot be used becomes poison with its raw bytes; the rest of the batch goes on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from conflict.types import Change
from odk_forms.changes import Unreadable, attachment_names, derive
from odk_forms.definition import FormDefinition
from odk_forms.errors import InstanceError
from odk_forms.instance import Instance, read
from sync_server.errors import whereabouts
from sync_server.intake.arrival import (
    Arrival,
    Author,
    ChangeResult,
    SentChange,
    SentRaw,
    SentSubmission,
    Status,
    SubmissionResult,
    UnderLock,
)
from sync_server.stores.changes import Origin
from sync_server.stores.forms import FormInfo, find_forms, load_definitions
from sync_server.stores.quarantine import Poison
from sync_server.stores.submissions import find_submissions

LOG = logging.getLogger(__name__)

UNDECIDED = "the server could not decide this; it is kept as it came"

Row = dict[str, Any]
Key = tuple[str, str]
"""A submission: its form and its instance."""


@dataclass(frozen=True, slots=True)
class Derived:
    """One change to decide: where it came from, and which item of the batch it belongs to.

    `xml` is the submission it is in; None for a change that came by itself.
    """

    item: int
    change: Change
    origin: Origin
    xml: bytes | None = None
    note: str = ""
    under_lock: UnderLock | None = None

    @property
    def raw(self) -> bytes:
        """What is kept of it when it cannot be used."""
        return raw_change(self.change, self.note) if self.xml is None else self.xml


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submission of the batch whose changes are to be decided."""

    item: int
    origin: Origin


@dataclass(slots=True)
class Readings:
    """All that was read of a batch, ready to be decided and written."""

    changes: list[Derived] = field(default_factory=list)
    answered: dict[int, SubmissionResult] = field(default_factory=dict)
    unreadable: list[tuple[int, ChangeResult]] = field(default_factory=list)
    poisons: list[Poison] = field(default_factory=list)
    submissions: list[Row] = field(default_factory=list)
    attachments: list[Row] = field(default_factory=list)
    completed: list[Key] = field(default_factory=list)
    blobs: dict[str, int] = field(default_factory=dict)
    submitted: dict[Key, Submitted] = field(default_factory=dict)
    known: Mapping[Key, Any] = field(default_factory=dict)


def parse(arrival: Arrival) -> dict[int, Instance | InstanceError]:
    """The instances of an arrival, by item; no database is needed and no lock is held."""
    parsed: dict[int, Instance | InstanceError] = {}
    for place, sent in enumerate(arrival.sent):
        if isinstance(sent, SentSubmission):
            try:
                parsed[place] = read(sent.raw)
            except InstanceError as exc:
                parsed[place] = exc
            except Exception as exc:  # a bug of our reading must not leave the form on the phone
                size = len(sent.raw)
                LOG.error("a submission of %d bytes was not read: %s", size, whereabouts(exc))
                parsed[place] = InstanceError(UNDECIDED, code="engine_error")
    return parsed


def read_all(
    connection: Connection, arrival: Arrival, parsed: Mapping[int, Instance | InstanceError]
) -> Readings:
    """Read every item against what is known here, in a handful of statements."""
    project_id = arrival.project.id
    instances = [one for one in parsed.values() if isinstance(one, Instance)]
    named = {(i.xml_form_id, i.instance_id) for i in instances}
    edited = {(i.xml_form_id, i.deprecated_id) for i in instances if i.deprecated_id}
    known = find_submissions(connection, project_id, named | edited)
    forms = find_forms(connection, project_id, ((i.xml_form_id, i.version) for i in instances))
    hashes = {h for info in forms.values() for h in info.hashes.values()}
    definitions = load_definitions(connection, project_id, hashes)
    reader = _Reader(arrival, forms, definitions, known, Readings(known=known))
    for place, sent in enumerate(arrival.sent):
        if isinstance(sent, SentChange):
            reader.change(place, sent)
        elif isinstance(sent, SentRaw):
            reader.raw(place, sent)
        else:
            reader.submission(place, sent, parsed[place])
    return reader.readings


@dataclass(slots=True)
class _Reader:
    arrival: Arrival
    forms: Mapping[str, FormInfo]
    definitions: Mapping[str, FormDefinition]
    known: Mapping[Key, Any]
    readings: Readings
    seen: dict[Key, str] = field(default_factory=dict)

    def change(self, place: int, sent: SentChange) -> None:
        author = self.arrival.author
        origin = Origin(author.actor_id, author.device_id)
        self.readings.changes.append(
            Derived(place, sent.change, origin, note=sent.note, under_lock=sent.under_lock)
        )

    def raw(self, place: int, sent: SentRaw) -> None:
        poison, result = kept_raw(self.arrival, sent)
        self.readings.poisons.append(poison)
        self.readings.unreadable.append((place, result))

    def submission(
        self, place: int, sent: SentSubmission, parsed: Instance | InstanceError
    ) -> None:
        self.readings.blobs.update({a.sha256: a.size for a in sent.attachments if a.here})
        if isinstance(parsed, InstanceError):
            self._poison(place, sent, "", "", parsed.code, str(parsed))
            return
        form_id, instance_id = parsed.xml_form_id, parsed.instance_id
        known = self._known_sha(form_id, instance_id)
        if known is not None:
            if known != hashlib.sha256(sent.raw).hexdigest():
                detail = "another content is known under this instanceID"
                self._poison(place, sent, form_id, instance_id, "id_reuse", detail)
                return
            self._again(place, sent, parsed)
            return
        info = self.forms.get(form_id)
        if info is None:
            detail = "no form of this id is published in this project"
            self._poison(place, sent, form_id, instance_id, "unknown_form", detail)
        elif info.state == "closed":
            detail = "the form is closed and takes no more submissions"
            self._poison(place, sent, form_id, instance_id, "not_allowed", detail)
        else:
            self._new(place, sent, parsed, info)

    def _known_sha(self, form_id: str, instance_id: str) -> str | None:
        row = self.known.get((form_id, instance_id))
        return row.sha256 if row is not None else self.seen.get((form_id, instance_id))

    def _again(self, place: int, sent: SentSubmission, instance: Instance) -> None:
        """The same XML once more: another part of it, a resend, or a second chance."""
        key = (instance.xml_form_id, instance.instance_id)
        definition, _ = self._definition(instance)
        self._attach(sent, instance, definition)
        if sent.complete:
            self.readings.completed.append(key)
        if sent.again and definition is not None:
            self._derive(place, sent, instance, definition)
            return
        self.readings.answered[place] = SubmissionResult(
            xml_form_id=key[0], instance_id=key[1], status=Status.DUPLICATE
        )

    def _new(self, place: int, sent: SentSubmission, instance: Instance, info: FormInfo) -> None:
        definition, version_unknown = self._definition(instance)
        digest = hashlib.sha256(sent.raw).hexdigest()
        self.seen[instance.xml_form_id, instance.instance_id] = digest
        changes = self._derive(place, sent, instance, definition) if definition else ()
        author = self.arrival.author
        self.readings.submissions.append(
            {
                "project_id": self.arrival.project.id,
                "xml_form_id": instance.xml_form_id,
                "instance_id": instance.instance_id,
                "form_version": instance.version,
                "version_unknown": version_unknown,
                "xml": sent.raw,
                "sha256": digest,
                "complete": sent.complete,
                "actor_id": author.actor_id,
                "device_id": _device(sent, author),
                "user_agent": author.user_agent,
                "instance_name": instance.instance_name,
                "deprecated_id": instance.deprecated_id,
                "client_time": next((c.client_time for c in changes), None),
                "received_at": self.arrival.at,
                "deleted_at": None,
            }
        )
        self._attach(sent, instance, definition)

    def _definition(self, instance: Instance) -> tuple[FormDefinition | None, bool]:
        """The definition to read an instance with; of an unknown version, the newest one's.

        A 4xx would strand the data on the phone for ever, and a child's weight read by
        the newest form is noticed this month. The submission bears the flag.
        """
        info = self.forms.get(instance.xml_form_id)
        if info is None:
            return None, False
        unknown = instance.version not in info.hashes
        digest = info.hashes[info.version if unknown else instance.version]
        return self.definitions.get(digest), unknown

    def _derive(
        self, place: int, sent: SentSubmission, instance: Instance, definition: FormDefinition
    ) -> list[Change]:
        author = self.arrival.author
        edited = instance.deprecated_id
        origin = Origin(
            author.actor_id,
            _device(sent, author),
            instance.xml_form_id,
            instance.version,
            instance.instance_id,
            edited if edited != instance.instance_id else None,
        )
        key = (instance.xml_form_id, instance.instance_id)
        self.readings.submitted[key] = Submitted(place, origin)
        changes = []
        for one in derive(
            instance,
            definition,
            project=self.arrival.project.uuid,
            author=str(author.actor_id or ""),
        ):
            if isinstance(one, Unreadable):
                self._unreadable(place, sent.raw, origin, one)
            else:
                changes.append(one)
                self.readings.changes.append(Derived(place, one, origin, sent.raw))
        return changes

    def _unreadable(self, place: int, raw: bytes, origin: Origin, one: Unreadable) -> None:
        self.readings.unreadable.append(
            (
                place,
                ChangeResult(
                    change_id=one.change_id,
                    list_name=one.list_name or "",
                    entity=one.entity or "",
                    status=Status.QUARANTINED,
                    code=one.code,
                    detail=one.detail,
                ),
            )
        )
        self.readings.poisons.append(
            poison_of_change(
                self.arrival, one.change_id, origin, raw, code=one.code, detail=one.detail
            )
        )

    def _attach(
        self, sent: SentSubmission, instance: Instance, definition: FormDefinition | None
    ) -> None:
        named = set(attachment_names(instance, definition)) if definition else set()
        self.readings.attachments.extend(
            {
                "project_id": self.arrival.project.id,
                "xml_form_id": instance.xml_form_id,
                "instance_id": instance.instance_id,
                "name": one.name,
                "sha256": one.sha256,
                "content_type": one.content_type,
                "referenced": one.name in named,
                "received_at": self.arrival.at,
            }
            for one in sent.attachments
        )

    def _poison(
        self,
        place: int,
        sent: SentSubmission,
        form_id: str,
        instance_id: str,
        code: str,
        detail: str,
    ) -> None:
        poison, answer = kept_whole(
            self.arrival, sent, form_id, instance_id, code=code, detail=detail
        )
        self.readings.poisons.append(poison)
        self.readings.answered[place] = answer


def _device(sent: SentSubmission, author: Author) -> str:
    return author.device_id if sent.device_id is None else sent.device_id


def kept_whole(
    arrival: Arrival,
    sent: SentSubmission,
    form_id: str,
    instance_id: str,
    *,
    code: str,
    detail: str,
) -> tuple[Poison, SubmissionResult]:
    """A whole submission kept raw, and its answer. The same bytes again are the same poison."""
    author = arrival.author
    device = _device(sent, author)
    origin = Origin(author.actor_id, device, form_id or None, None, instance_id or None)
    poison = Poison(
        quarantine_id=_poison_id(arrival, "submission", hashlib.sha256(sent.raw).hexdigest()),
        kind="submission",
        code=code,
        detail=detail,
        raw=sent.raw,
        content_type="text/xml",
        origin=origin,
        attachments=tuple(
            {"name": one.name, "sha256": one.sha256, "contentType": one.content_type}
            for one in sent.attachments
        ),
    )
    answer = SubmissionResult(
        xml_form_id=form_id,
        instance_id=instance_id,
        status=Status.QUARANTINED,
        code=code,
        detail=detail,
    )
    return poison, answer


def kept_raw(arrival: Arrival, sent: SentRaw) -> tuple[Poison, ChangeResult]:
    """An item of a batch that says what it is and cannot be used, and its answer."""
    author = arrival.author
    poison = poison_of_change(
        arrival,
        sent.change_id,
        Origin(author.actor_id, author.device_id),
        sent.raw,
        code=sent.code,
        detail=sent.detail,
    )
    result = ChangeResult(
        change_id=sent.change_id,
        list_name="",
        entity="",
        status=Status.QUARANTINED,
        code=sent.code,
        detail=sent.detail,
    )
    return poison, result


def kept_request(arrival: Arrival, raw: bytes, content_type: str, detail: str) -> Poison:
    """A request of a known device in which no form could be found, as far as it came."""
    return Poison(
        quarantine_id=_poison_id(arrival, "request", hashlib.sha256(raw).hexdigest()),
        kind="request",
        code="bad_xml",
        detail=detail,
        raw=raw,
        content_type=content_type,
        origin=Origin(arrival.author.actor_id, arrival.author.device_id),
    )


def poison_of_change(
    arrival: Arrival, change_id: str, origin: Origin, raw: bytes, *, code: str, detail: str
) -> Poison:
    """One change kept raw: the whole submission it is in, or its own JSON."""
    return Poison(
        quarantine_id=_poison_id(
            arrival, "change", f"{change_id}\n{hashlib.sha256(raw).hexdigest()}"
        ),
        kind="change",
        code=code,
        detail=detail,
        raw=raw,
        content_type="text/xml" if origin.instance_id else "application/json",
        origin=origin,
        change_id=change_id,
    )


def raw_change(change: Change, note: str = "") -> bytes:
    """A change as the JSON of the sync contract: what is kept when it cannot be used."""
    plain = {
        "kind": "change",
        "changeId": change.change_id,
        "list": change.list_name,
        "entity": change.entity,
        "op": change.op.value,
        "label": change.label,
        "data": dict(change.data),
        "baseVersion": change.base_version,
        "trunkVersion": change.trunk_version,
        "branchId": change.branch_id,
        "clientTime": change.client_time,
        "contenders": list(change.contenders) or None,
        "status": change.status,
        "of": change.of,
        "note": note or None,
    }
    kept = {name: value for name, value in plain.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False).encode()


def _poison_id(arrival: Arrival, kind: str, what: str) -> str:
    return str(uuid.uuid5(uuid.UUID(arrival.project.uuid), f"quarantine\n{kind}\n{what}"))


def keys_to_lock(arrival: Arrival, parsed: Mapping[int, Instance | InstanceError]) -> Sequence[str]:
    """The instances of an arrival and of what they edit, locked before any of them is read."""
    instances = [one for one in parsed.values() if isinstance(one, Instance)]
    edited = [one.deprecated_id for one in instances if one.deprecated_id]
    return [*(one.instance_id for one in instances), *edited]
