"""One contact of a hub with its centre: greet, be set up, send, fetch.

Every contact measures how far this clock is off from the centre's, which corrects the stamps
of what comes in here. One contact at a time for each project: a lock in the home says whose.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sync_server.accounts.credentials import unseal
from sync_server.accounts.people import current_node, get_project
from sync_server.client import SyncRefused, SyncUnreachable
from sync_server.clock import Clock, instant, moment
from sync_server.context import context
from sync_server.errors import SyncError
from sync_server.hubs import upstream as up
from sync_server.hubs.adopting import set_up
from sync_server.hubs.fetching import fetch
from sync_server.hubs.link import HubLink
from sync_server.hubs.reconciling import Reconciler
from sync_server.hubs.sending import CentreRestored, Sender

_UNSURE = timedelta(seconds=30)
"""A time that took so long to come says little about the clock."""

Tell = Callable[[str, int], None]
"""Progress: (`sent` or `fetched`, how many more)."""


class RelayFailed(Exception):
    """A contact ended early; the text is one plain line for the operator."""


@dataclass(slots=True)
class Relayed:
    """What one contact did. `waiting` is what could not be sent."""

    sent: int = 0
    refused: int = 0
    blobs: int = 0
    fetched: int = 0
    forms: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    devices: int = 0
    waiting: int = 0


def relay(
    project_id: int, *, sends: bool = True, fetches: bool = True, tell: Tell = lambda *_: None
) -> Relayed:
    """Speak with the centre of a project once, to the end.

    Errors    `RelayFailed` when the centre is away or lets this hub in no more, or another
              process speaks with it just now; `NotFound` when this install is no hub.
    """
    upstream, here = up.get_upstream(project_id), context()
    with _alone(project_id):
        up.note(project_id, tried_at=instant(here.clock.now()))
        try:
            done = _speak(project_id, upstream, sends=sends, fetches=fetches, tell=tell)
        except (SyncRefused, SyncUnreachable, SyncError, CentreRestored) as exc:
            line = _plainly(exc, upstream)
            up.note(project_id, trouble=line)
            raise RelayFailed(line) from exc
        up.note(project_id, trouble=None)
    done.waiting = up.count_waiting(project_id, secret_key=here.settings.secret_key)
    return done


def _speak(project_id: int, upstream: Any, *, sends: bool, fetches: bool, tell: Tell) -> Relayed:
    here = context()
    contact = _Contact(project_id, here.clock, here.settings.secret_key, tell)
    with up.link_to(upstream, secret_key=here.settings.secret_key) as link:
        limits = contact.greet(link)["limits"]
        contact.be_set_up(link)
        try:
            contact.exchange(link, limits, sends=sends, fetches=fetches)
        except CentreRestored as exc:  # this very minute
            up.begin_anew(project_id, exc.epoch)
            contact.exchange(link, limits, sends=sends, fetches=fetches)
    return contact.done


class _Contact:
    """One contact as it goes on."""

    def __init__(self, project_id: int, clock: Clock, secret_key: str, tell: Tell) -> None:
        self.project = get_project(project_id)
        self.clock = clock
        self.secret_key = secret_key
        self.tell = tell
        self.done = Relayed()
        _, self.own_epoch = current_node()

    @property
    def upstream(self) -> Any:
        return up.get_upstream(self.project.id)

    def greet(self, link: HubLink) -> dict[str, Any]:
        """Ask who is there and what time it is. Errors: `SyncUnreachable` for another server."""
        before = self.clock.now()
        info = link.info()
        after, upstream = self.clock.now(), self.upstream
        if info.get("node") != upstream.node or info.get("project") != self.project.uuid:
            raise SyncUnreachable(f"another server answers at {upstream.url} than was paired with")
        if info["epoch"] != upstream.epoch:
            up.begin_anew(self.project.id, info["epoch"])
        if self.own_epoch != upstream.own_epoch:  # this hub was restored: it may have lost some
            anew = {"push_cursor": None, "pull_cursor": None}
            up.note(self.project.id, own_epoch=self.own_epoch, **anew)
        up.note(
            self.project.id,
            heard_at=instant(after),
            clock_offset_ms=_offset(before, after, info["serverTime"], upstream.clock_offset_ms),
        )
        return info

    def be_set_up(self, link: HubLink) -> None:
        """Have lists, forms and accounts as the centre has them now."""
        upstream = self.upstream
        found = link.setup(upstream.setup_tag, sent_at=instant(self.clock.now()))
        if found is None:
            return
        setup, tag = found
        altered = set_up(
            self.project.id,
            setup,
            link,
            of=upstream.actor_id,
            hub_token=unseal(upstream.token_sealed, self.secret_key),
            secret_key=self.secret_key,
            clock=self.clock,
        )
        self.done.forms += altered.forms
        self.done.failed |= altered.failed
        self.done.devices += altered.devices
        up.note(self.project.id, setup_tag=None if altered.failed else tag, hub_name=setup["hub"])

    def exchange(
        self, link: HubLink, limits: dict[str, int], *, sends: bool, fetches: bool
    ) -> None:
        """Send what waits and fetch what is new; what only one of the two has, after a restore.

        Errors    `CentreRestored` when its epoch has moved since it was greeted.
        """
        upstream = self.upstream
        sends_anew, fetches_anew = upstream.push_cursor is None, upstream.pull_cursor is None
        if (sends and sends_anew) or (fetches and fetches_anew):
            self._reconcile(
                link, limits, sends=sends and sends_anew, fetches=fetches and fetches_anew
            )
        if sends:
            self._drain(link, limits)
        if fetches:
            self.fetch(link)
            if sends:  # past what was fetched: none of it goes back
                self._drain(link, limits)

    def _reconcile(
        self, link: HubLink, limits: dict[str, int], *, sends: bool, fetches: bool
    ) -> None:
        with self._sender(link) as sender:
            reconciler = Reconciler(
                project=self.project,
                upstream=self.upstream,
                link=link,
                sender=sender,
                own_epoch=self.own_epoch,
                clock=self.clock,
                secret_key=self.secret_key,
                limits=limits,
                sends=sends,
                fetches=fetches,
            )
            for what, count in reconciler.run():
                self.done.fetched += count if what == "fetched" else 0
                self.tell(what, count)

    def _drain(self, link: HubLink, limits: dict[str, int]) -> None:
        with self._sender(link) as sender:
            for count in sender.drain(limits):
                self.tell("sent", count)

    @contextmanager
    def _sender(self, link: HubLink) -> Iterator[Sender]:
        """A sender whose counts are those of this contact, however it ends."""
        sender = Sender(
            self.project,
            self.upstream,
            link,
            own_epoch=self.own_epoch,
            blobs=context().blobs,
            clock=self.clock,
            secret_key=self.secret_key,
        )
        try:
            yield sender
        finally:
            self.done.sent += sender.sent
            self.done.refused += sender.refused
            self.done.blobs += sender.blobs

    def fetch(self, link: HubLink) -> None:
        found = fetch(self.project, self.upstream, link, own_epoch=self.own_epoch, clock=self.clock)
        for count in found:
            self.done.fetched += count
            self.tell("fetched", count)


def _offset(before: datetime, after: datetime, told: str, known: int) -> int:
    """The centre's clock less this one's in milliseconds, by the middle of question and answer."""
    if after - before > _UNSURE:
        return known
    middle = before + (after - before) / 2
    return round((moment(told) - middle).total_seconds() * 1000)


def _plainly(exc: Exception, upstream: Any) -> str:
    if isinstance(exc, SyncUnreachable):
        return f"the centre at {upstream.url} is away: {exc.message}"
    if isinstance(exc, SyncRefused):
        return f"the centre at {upstream.url} refuses: {exc.message}"
    if isinstance(exc, SyncError):
        return exc.message
    return str(exc)


@contextmanager
def _alone(project_id: int) -> Iterator[None]:
    """Hold the project's contact. Errors: `RelayFailed` when another process has it."""
    path = context().settings.home / f"relay-{project_id}.lock"
    with path.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise RelayFailed("another process speaks with the centre just now") from exc
        yield
