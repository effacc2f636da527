"""From what was sent to changes: which submissions are new, and what each says. No writing.

Whatever cannot be used becomes poison with its raw bytes; the rest of the batch goes on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from conflict.types import Change
from odk_forms.changes import Unreadable, attachment_names, derive, has_more_entities
from odk_forms.definition import FormDefinition
from odk_forms.errors import InstanceError
from odk_forms.file_names import Named
from odk_forms.instance import Instance, read
from sync_server.errors import whereabouts
from sync_server.intake.arrival import (
    Arrival,
    Author,
    ChangeResult,
    Relayed,
    SentChange,
    SentRaw,
    SentSubmission,
    Status,
    SubmissionResult,
)
from sync_server.intake.keeping import (
    REVOKED,
    UNDECIDED,
    device_of,
    kept_raw,
    kept_whole,
    poison_of_change,
)
from sync_server.intake.readings import Derived, Key, Readings, Submitted
from sync_server.intake.relayed import taken_back
from sync_server.stores.changes import Origin
from sync_server.stores.form_devices import find_kept_from
from sync_server.stores.forms import FormInfo, find_forms, load_definitions
from sync_server.stores.submissions import find_files, find_submissions
from sync_server.stores.tokens import find_actors

LOG = logging.getLogger(__name__)

MOST_ENTITIES = 500
"""Entities of one form that are decided while others wait: a posyandu has a hundred children."""
_FEWER_BYTES = 10_000  # than so many entities can be said in


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
    actors = find_actors(connection, project_id, _keys(arrival))
    reader = _Reader(arrival, forms, definitions, known, actors, Readings(known=known))
    if arrival.author.revoked:
        reader.files = find_files(connection, project_id, named)
    if any(info.given for info in forms.values()):
        sender = arrival.author.actor_id
        reader.kept_from = find_kept_from(connection, project_id, forms, sender)
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
    actors: Mapping[str, int]
    readings: Readings
    seen: dict[Key, str] = field(default_factory=dict)
    files: frozenset[tuple[str, str, str, str]] = frozenset()
    kept_from: frozenset[str] = frozenset()

    def change(self, place: int, sent: SentChange) -> None:
        author, relayed = self.arrival.author, sent.relayed
        origin = Origin(author.actor_id, author.device_id)
        if relayed is not None:
            actor = self._account(relayed)
            name = relayed.author_name if actor is None else None
            origin = replace(
                sent.origin or Origin(None), actor_id=actor, path=relayed.path, author_name=name
            )
        self.readings.changes.append(
            Derived(
                place,
                sent.change,
                origin,
                note=sent.note,
                under_lock=sent.under_lock,
                relayed=relayed,
                json=sent.item,
            )
        )

    def raw(self, place: int, sent: SentRaw) -> None:
        poison, result = kept_raw(self.arrival, sent, first=self.actors.get(sent.actor or ""))
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
            elif self._brings_more(sent, (form_id, instance_id)):
                self._poison(place, sent, form_id, instance_id, "revoked_device", REVOKED)
            else:
                self._again(place, sent, parsed)
            return
        info = self.forms.get(form_id)
        verdict = sent.relayed.verdict if sent.relayed is not None else None
        if verdict is not None:
            self._poison(place, sent, form_id, instance_id, verdict.code, verdict.detail)
        elif self.arrival.author.revoked:
            self._poison(place, sent, form_id, instance_id, "revoked_device", REVOKED)
        elif info is None:
            detail = "no form of this id is published in this project"
            self._poison(place, sent, form_id, instance_id, "unknown_form", detail)
        elif info.state == "closed" and sent.relayed is None:
            detail = "the form is closed and takes no more submissions"
            self._poison(place, sent, form_id, instance_id, "not_allowed", detail)
        elif form_id in self.kept_from and sent.relayed is None:
            detail = "the form is not given to this device"
            self._poison(place, sent, form_id, instance_id, "not_allowed", detail)
        elif self._has_too_many(sent, parsed):
            detail = f"the form is about more than {MOST_ENTITIES} entities"
            self._poison(place, sent, form_id, instance_id, "bad_data", detail)
        else:
            self._new(place, sent, parsed, info)

    def _has_too_many(self, sent: SentSubmission, instance: Instance) -> bool:
        """Whether a phone's form would hold all others up; a manager may take it in even so."""
        if sent.again or sent.relayed is not None or len(sent.raw) < _FEWER_BYTES:
            return False
        return has_more_entities(instance, MOST_ENTITIES)

    def _brings_more(self, sent: SentSubmission, key: Key) -> bool:
        """Whether a revoked device brings files of a known submission that are not here."""
        if not self.arrival.author.revoked:
            return False
        return any((*key, one.name, one.sha256) not in self.files for one in sent.attachments)

    def _known_sha(self, form_id: str, instance_id: str) -> str | None:
        row = self.known.get((form_id, instance_id))
        return row.sha256 if row is not None else self.seen.get((form_id, instance_id))

    def _again(self, place: int, sent: SentSubmission, instance: Instance) -> None:
        """The same XML once more: another part of it, a resend, or a second chance."""
        key = (instance.xml_form_id, instance.instance_id)
        definition, version_unknown = self._definition(instance)
        self._note_version(place, instance, unknown=version_unknown)
        self._attach(sent, instance, definition)
        if sent.complete:
            self.readings.completed.append(key)
        if (sent.again or self.arrival.receipt is not None) and definition is not None:
            self.readings.resent.add(place)
            self._derive(place, sent, instance, definition)
            return
        self.readings.answered[place] = SubmissionResult(
            xml_form_id=key[0], instance_id=key[1], status=Status.DUPLICATE
        )

    def _new(self, place: int, sent: SentSubmission, instance: Instance, info: FormInfo) -> None:
        definition, version_unknown = self._definition(instance)
        self._note_version(place, instance, unknown=version_unknown)
        digest = hashlib.sha256(sent.raw).hexdigest()
        self.seen[instance.xml_form_id, instance.instance_id] = digest
        changes = self._derive(place, sent, instance, definition) if definition else ()
        path = sent.relayed.path if sent.relayed is not None else ()
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
                "actor_id": self._actor(sent),
                "author_name": self._author_name(sent),
                "device_id": device_of(sent, self.arrival.author),
                "user_agent": _user_agent(sent, self.arrival.author),
                "instance_name": instance.instance_name,
                "deprecated_id": instance.deprecated_id,
                "client_time": next((c.client_time for c in changes), None),
                "received_at": self._received_at(sent),
                "path": [*path, self.arrival.stamp],
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

    def _note_version(self, place: int, instance: Instance, *, unknown: bool) -> None:
        if unknown:
            told = f"no version {instance.version[:40]!r} of this form is known here"
            self.readings.remarks[place] = ("unknown_version", f"{told}: read by the newest")

    def _derive(
        self, place: int, sent: SentSubmission, instance: Instance, definition: FormDefinition
    ) -> list[Change]:
        actor, edited = self._actor(sent), instance.deprecated_id
        origin = Origin(
            actor,
            device_of(sent, self.arrival.author),
            instance.xml_form_id,
            instance.version,
            instance.instance_id,
            edited if edited != instance.instance_id else None,
            author_name=self._author_name(sent),
        )
        key = (instance.xml_form_id, instance.instance_id)
        self.readings.submitted[key] = Submitted(place, origin, sent.relayed is not None)
        changes = []
        for one in derive(
            instance,
            definition,
            project=self.arrival.project.uuid,
            author=str(actor or ""),
        ):
            if isinstance(one, Unreadable):
                self._unreadable(place, sent.raw, origin, one)
            else:
                changes.append(one)
                self._derived(place, sent, one, origin)
        for one in taken_back(sent, {one.change_id for one in changes}, origin):
            self._derived(place, sent, one, origin)
        return changes

    def _derived(self, place: int, sent: SentSubmission, change: Change, origin: Origin) -> None:
        relayed = sent.changes.get(change.change_id)
        if relayed is not None:
            origin = replace(origin, path=relayed.path)
        self.readings.changes.append(Derived(place, change, origin, sent.raw, relayed=relayed))

    def _actor(self, sent: SentSubmission) -> int | None:
        if sent.relayed is None:
            return self.arrival.author.actor_id
        return self._account(sent.relayed)

    def _received_at(self, sent: SentSubmission) -> str:
        if sent.relayed is not None:
            return sent.relayed.received_at
        return sent.received_at or self.arrival.at

    def _account(self, relayed: Relayed) -> int | None:
        """The account here of whoever sent something first."""
        return self.actors.get(relayed.actor or "")

    def _author_name(self, sent: SentSubmission) -> str | None:
        """What they are called who have no account here."""
        relayed = sent.relayed
        return relayed.author_name if relayed and self._account(relayed) is None else None

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
        named = Named(attachment_names(instance, definition) if definition else ())
        self.readings.attachments.extend(
            {
                "project_id": self.arrival.project.id,
                "xml_form_id": instance.xml_form_id,
                "instance_id": instance.instance_id,
                "name": one.name,
                "sha256": one.sha256,
                "content_type": one.content_type,
                "referenced": named.of(one.name) is not None,
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
        first = None if sent.relayed is None else self._account(sent.relayed)
        poison, answer = kept_whole(
            self.arrival, sent, form_id, instance_id, code=code, detail=detail, first=first
        )
        self.readings.poisons.append(poison)
        self.readings.answered[place] = answer


def _keys(arrival: Arrival) -> list[str]:
    """The keys of the accounts that relayed items came from first."""
    found = []
    for one in arrival.sent:
        actor = one.actor if isinstance(one, SentRaw) else one.relayed and one.relayed.actor
        if actor:
            found.append(actor)
    return found


def _user_agent(sent: SentSubmission, author: Author) -> str:
    return author.user_agent if sent.user_agent is None else sent.user_agent


def keys_to_lock(arrival: Arrival, parsed: Mapping[int, Instance | InstanceError]) -> Sequence[str]:
    """The instances of an arrival and of what they edit, locked before any of them is read."""
    instances = [one for one in parsed.values() if isinstance(one, Instance)]
    edited = [one.deprecated_id for one in instances if one.deprecated_id]
    return [*(one.instance_id for one in instances), *edited]
