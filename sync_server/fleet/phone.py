"""A phone with ODK Collect on it, in match_exactly mode: download, fill without a signal, send.

Source: openrosa.md sections 2.3, 4.6, 5 and 5.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

from odk_forms.definition import FormDefinition
from sync_server.clock import Clock, SystemClock
from sync_server.fleet.blank import Answers, BlankForm, Stamp, Subject, blank_form
from sync_server.fleet.documents import (
    Medium,
    Offered,
    SyncFailed,
    read_form_list,
    read_integrity,
    read_manifest,
)
from sync_server.fleet.local_list import LocalList
from sync_server.fleet.sending import Delivery, Filled, Submitter
from sync_server.fleet.wire import Wire

WIB = timezone(timedelta(hours=7))
USER_AGENT = (
    "org.odk.collect.android/v2026.2.4 Dalvik/2.1.0 "
    "(Linux; U; Android 11; SM-A035F Build/RP1A.200720.012)"
)
_A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Synced:
    """What one sync brought: ids of forms whose XML was new, names of lists that were fetched."""

    forms: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


@dataclass(slots=True)
class _Held:
    """One form on the phone, and the hashes of its files that are no lists."""

    hash: str
    blank: BlankForm
    media: dict[str, str] = field(default_factory=dict)


class Phone:
    """One phone. `clock` has the true time, which the phone's own misses by `clock_off`.

    `server_url` is the address of its QR, token included. Forms wait in `outbox` until the
    server takes them. `line` makes the wire it asks through: a spoilt one, say.
    """

    def __init__(
        self,
        server_url: str,
        device_id: str,
        *,
        clock: Clock | None = None,
        clock_off: timedelta = timedelta(0),
        zone: timezone = WIB,
        user_agent: str = USER_AGENT,
        line: Callable[[str, Callable[[], datetime]], Wire] = Wire,
    ) -> None:
        self.server_url = server_url
        self.device_id = device_id
        self.lists: dict[str, LocalList] = {}
        self.outbox: list[Filled] = []
        self.clock_off = clock_off
        self._clock = clock or SystemClock()
        self._zone = zone
        self._forms: dict[str, _Held] = {}
        self._list_hashes: dict[str, str] = {}
        self._query = f"deviceID={quote(device_id, safe='')}"
        self.wire = line(user_agent, self._shown_time)
        self._submitter = Submitter(self.wire, server_url, self._query)

    def sync(self) -> Synced:
        """Make forms and lists those of the server. Errors: `NoSignal`, `SyncFailed`.

        A form that fails leaves the others synced, and then the sync has failed.
        """
        url = f"{self.server_url.rstrip('/')}/formList"
        offered = read_form_list(self.wire.get(self._addressed(url)))
        removed = tuple(self._forms.keys() - {one.form_id for one in offered})
        for form_id in removed:
            del self._forms[form_id]
        fresh: list[str] = []
        refreshed: list[str] = []
        failures: list[str] = []
        media: dict[str, list[Medium]] = {}
        for one in offered:  # every manifest, before anything is decided
            try:
                media[one.form_id] = self._manifest(one)
            except SyncFailed as exc:
                failures.append(f"{one.form_id}: {exc}")
        for one in offered:
            beside = media.get(one.form_id, [])
            try:
                if self._is_updated(one, beside):
                    fresh += self._take_form(one)
                    refreshed += self._take_media(one, beside)
            except SyncFailed as exc:
                failures.append(f"{one.form_id}: {exc}")
        if failures:
            raise SyncFailed("; ".join(failures))
        return Synced(tuple(fresh), removed, tuple(refreshed))

    def close(self) -> None:
        """Hang up; the phone keeps all it has."""
        self.wire.close()

    def install(self, xml: bytes) -> str:
        """Put a form on the phone by hand, as with a cable; its id."""
        blank = blank_form(xml)
        self._forms[blank.definition.xml_form_id] = _Held("", blank)
        return blank.definition.xml_form_id

    def version_of(self, form_id: str) -> str | None:
        """The version of a form on this phone; None when it has not got the form."""
        held = self._forms.get(form_id)
        return held.blank.definition.version if held else None

    def definitions(self) -> tuple[FormDefinition, ...]:
        """The forms on this phone, by id."""
        return tuple(self._forms[name].blank.definition for name in sorted(self._forms))

    def now(self) -> datetime:
        """The time this phone shows."""
        return self._shown_time()

    def fill(
        self,
        form_id: str,
        answers: Answers,
        *,
        entity: str | None = None,
        label: str | None = None,
        saves: bool = True,
        at: datetime | None = None,
        took: timedelta = _A_MINUTE,
        files: Mapping[str, bytes] | None = None,
    ) -> Filled:
        """Fill a form and finish it: it waits to be sent, and the phone's own list has it.

        `entity`: the record it is about; None makes a new one when the form makes any, and
        then `label` is its name. `saves` False is a form whose condition leaves the record
        alone. `at` is the true time of opening the form, by default now. KeyError when the
        phone has not got the form, ValueError for an answer to nothing in it.
        """
        blank = self._forms[form_id].blank
        bindings = blank.definition.entities
        subject = None
        if bindings:
            known = self._list(bindings[0].list_name).entities.get(entity or "")
            subject = Subject(entity or self._clock.new_id(), known, label, saves)
        started = self._on_this_clock(at or self._clock.now())
        stamp = Stamp(f"uuid:{self._clock.new_id()}", self.device_id, started, started + took)
        xml, blocks = blank.filled(answers, stamp, subject)
        for block in blocks:
            self._list(block.dataset).apply(block)
        title = blank.definition.title
        filled = Filled(
            xml_form_id=form_id,
            instance_id=stamp.instance_id,
            entity=subject.id if subject else None,
            xml=xml,
            file_name=f"{title}_{stamp.finished:%Y-%m-%d_%H-%M-%S}.xml",
            finished=stamp.finished,
            files=dict(files or {}),
        )
        self.outbox.append(filled)
        return filled

    def send(
        self,
        forms: Sequence[Filled] | None = None,
        *,
        answers_lost: bool = False,
        times: int = 1,
    ) -> list[Delivery]:
        """Send what waits, as it was finished, or `forms` in the order given.

        `times` sends each so often, as a line does that gave up on an answer. With
        `answers_lost` the answers never reach the phone: it keeps what it sent.
        """
        waiting = sorted(self.outbox, key=lambda one: one.finished) if forms is None else forms
        deliveries: list[Delivery] = []
        for form in waiting:
            tries = [self._submitter.send(form) for _ in range(times)]
            if answers_lost:
                tries = [Delivery(form, None, "the answer was lost on the way") for _ in tries]
            if any(one.taken for one in tries):
                self.outbox = [one for one in self.outbox if one is not form]
            deliveries += tries
        return deliveries

    def _manifest(self, offered: Offered) -> list[Medium]:
        if offered.manifest_url is None:
            return []
        return read_manifest(self.wire.get(self._addressed(offered.manifest_url)))

    def _is_updated(self, offered: Offered, media: Sequence[Medium]) -> bool:
        """Whether Collect downloads the form again: always, where it has an entity list."""
        held = self._forms.get(offered.form_id)
        if held is None or held.hash != offered.hash:
            return True
        return any(one.entity_list or held.media.get(one.name) != one.hash for one in media)

    def _take_form(self, offered: Offered) -> list[str]:
        """The XML, of which a phone that has it is told no more than that."""
        answer = self.wire.get(self._addressed(offered.download_url))
        if answer.status != 200:
            raise SyncFailed(f"the form could not be fetched: {answer.status}")
        held = self._forms.get(offered.form_id)
        if held is not None and held.hash == offered.hash:
            return []
        if f"md5:{_md5(answer.body)}" != offered.hash:
            raise SyncFailed("the form is not the one its hash in the list names")
        blank = blank_form(answer.body)
        if blank.definition.xml_form_id != offered.form_id:
            raise SyncFailed(f"the form calls itself {blank.definition.xml_form_id}")
        self._forms[offered.form_id] = _Held(offered.hash, blank, held.media if held else {})
        return [offered.form_id]

    def _take_media(self, offered: Offered, media: Sequence[Medium]) -> list[str]:
        """The files of a form; the names of the lists that were fetched."""
        refreshed: list[str] = []
        held = self._forms[offered.form_id]
        for medium in media:
            if medium.entity_list:
                refreshed += self._take_list(medium)
            elif held.media.get(medium.name) != medium.hash:
                held.media[medium.name] = f"md5:{_md5(self._fetched(medium))}"
        return refreshed

    def _take_list(self, medium: Medium) -> list[str]:
        """The list's rows when its hash is another than last time, then the integrity question."""
        local = self._list(medium.name.partition(".csv")[0])
        fetched = self._list_hashes.get(local.name) != medium.hash
        if fetched and local.import_csv(self._fetched(medium)):
            self._list_hashes[local.name] = medium.hash
        made_here = local.offline_ids()
        if made_here and medium.integrity_url is not None:
            url = f"{medium.integrity_url}?id={quote(','.join(made_here), safe='')}"
            local.forget(read_integrity(self.wire.get(self._addressed(url))))
        return [local.name] if fetched else []

    def _fetched(self, medium: Medium) -> bytes:
        answer = self.wire.get(self._addressed(medium.download_url))
        if answer.status != 200:
            raise SyncFailed(f"{medium.name} could not be fetched: {answer.status}")
        return answer.body

    def _list(self, name: str) -> LocalList:
        return self.lists.setdefault(name, LocalList(name, new_branch=self._clock.new_id))

    def _addressed(self, url: str) -> str:
        return f"{url}{'&' if '?' in url else '?'}{self._query}"

    def _on_this_clock(self, moment: datetime) -> datetime:
        return (moment + self.clock_off).astimezone(self._zone)

    def _shown_time(self) -> datetime:
        return self._on_this_clock(self._clock.now())


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
