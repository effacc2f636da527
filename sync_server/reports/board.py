"""The sync board and the rollout of forms: what has and has not arrived, and how sure that is.

What a server cannot know is not guessed: it is unknown, and the page says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from conflict.areas import Area, scopes_of_actor
from sync_server.clock import Clock, instant, moment
from sync_server.db import read_transaction
from sync_server.reports.clocks import ClockError, clock_error
from sync_server.reports.held import FormHeld, Holdings, ListHeld, installs_in_use
from sync_server.reports.labels import Place, name_places
from sync_server.reports.routes import hubs_on
from sync_server.stores import devices as device_store
from sync_server.stores.hubs import name_nodes
from sync_server.stores.lists import ListInfo, load_lists
from sync_server.stores.report import Visible

_COLLECT = re.compile(r"org\.odk\.collect\.android/v?(\S+)")
_ANDROID = re.compile(r"Android[ /](\d+(?:\.\d+)*)")


class Health(StrEnum):
    """How a device stands; the worst first."""

    LATE = "late"  # silent for longer than it may
    CHECK = "check"  # something of it needs a person, or an old form is on it
    NEVER = "never"  # its account has never been used
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """One device account on the board. Times are instants; None is never, or not known."""

    actor_id: int
    name: str
    places: tuple[tuple[str, str, str], ...]  # (actor property, value, what the value stands for)
    created_at: str
    last_contact: str | None
    last_submission: str | None
    through: str | None  # the hub that the last submission came through
    forms: tuple[FormHeld, ...]
    lists: tuple[ListHeld, ...]
    clock: ClockError | None
    waiting: int
    quarantined: int
    open_reviews: int
    bytes_up: int
    bytes_down: int
    phones: int
    collect: str | None
    android: str | None
    health: Health

    @property
    def lags(self) -> tuple[FormHeld, ...]:
        """The forms of which an older version is on the device."""
        return tuple(one for one in self.forms if one.behind)

    @property
    def forms_known(self) -> bool:
        return any(one.version is not None for one in self.forms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One page of devices, worst first, and how many there are of each health."""

    rows: tuple[DeviceRow, ...]
    counts: Mapping[Health, int]
    found: int
    page: int
    pages: int
    at: str
    late_days: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class FormRow:
    """One form, its newest version, and which devices are known to hold it."""

    xml_form_id: str
    title: str
    state: str
    version: str
    versions: tuple[Any, ...]
    current: tuple[DeviceRow, ...]
    behind: tuple[tuple[DeviceRow, FormHeld], ...]
    unknown: tuple[DeviceRow, ...]


def visible_to(lists: Mapping[str, ListInfo], area: Area) -> Visible:
    """The scopes of each list that somebody of `area` may see; None for everything."""
    if not area.bound:
        return None
    return {name: scopes_of_actor(info.rules, area) for name, info in lists.items()}


def device_in_area(
    properties: Mapping[str, Any], area: Area, lists: Mapping[str, ListInfo]
) -> bool:
    """Whether a device belongs to an area: they share a value of each property that filters.

    A person who bears none of the properties that filters use is held to all they bear.
    """
    if not area.bound:
        return True
    filtering = {rule.actor_property for info in lists.values() for rule in info.rules}
    names = area.properties.keys() & filtering or area.properties.keys()
    return bool(names) and all(
        set(_values(properties.get(name))) & set(area.properties[name]) for name in names
    )


def actors_in_area(connection: Connection, project_id: int, area: Area) -> list[int] | None:
    """The device accounts of an area, revoked ones too; None for every one."""
    if not area.bound:
        return None
    lists = load_lists(connection, project_id)
    devices = device_store.list_devices(connection, project_id, also_revoked=True)
    return [one.actor_id for one in devices if device_in_area(one.properties, area, lists)]


def sync_board(
    project_id: int,
    area: Area,
    *,
    clock: Clock,
    late_days: int,
    health: str = "",
    search: str = "",
    by_name: bool = False,
    page: int = 1,
    per_page: int = 100,
) -> Board:
    """The devices of an area, worst first: those of a health, those whose name or place fits."""
    with read_transaction() as connection:
        rows = load_devices(connection, project_id, area, clock=clock, late_days=late_days)
    fitting = [row for row in rows if _fits(row, search)]
    counts = {one: sum(row.health is one for row in fitting) for one in Health}
    wanted = [row for row in fitting if not health or row.health == health]
    if by_name:
        wanted.sort(key=lambda row: (row.name.casefold(), row.actor_id))
    pages = max(1, -(-len(wanted) // per_page))
    page = min(max(1, page), pages)
    return Board(
        rows=tuple(wanted[(page - 1) * per_page : page * per_page]),
        counts=counts,
        found=len(wanted),
        page=page,
        pages=pages,
        at=instant(clock.now()),
        late_days=late_days,
    )


def rollout(project_id: int, area: Area, *, clock: Clock, late_days: int) -> list[FormRow]:
    """Every form of a project, with the devices that hold its newest version and those that lag."""
    with read_transaction() as connection:
        rows = load_devices(connection, project_id, area, clock=clock, late_days=late_days)
        versions = device_store.list_forms_in_use(connection, project_id)
    forms: dict[str, list[Any]] = {}
    for version in versions:
        forms.setdefault(version.xml_form_id, []).append(version)
    return [_form_row(mine, rows) for mine in forms.values()]


def _form_row(versions: Sequence[Any], devices: Sequence[DeviceRow]) -> FormRow:
    newest = next(one for one in versions if one.version == one.newest)
    held = [
        (device, one)
        for device in devices
        for one in device.forms
        if one.xml_form_id == newest.xml_form_id
    ]
    return FormRow(
        xml_form_id=newest.xml_form_id,
        title=newest.name,
        state=newest.state,
        version=newest.version,
        versions=tuple(versions),
        current=tuple(device for device, one in held if one.behind == 0),
        behind=tuple((device, one) for device, one in held if one.behind),
        unknown=tuple(device for device, one in held if one.behind is None),
    )


def load_devices(
    connection: Connection, project_id: int, area: Area, *, clock: Clock, late_days: int
) -> list[DeviceRow]:
    """Every device account in use of an area, worst first; twelve statements, however many."""
    lists = load_lists(connection, project_id)
    devices = [
        row
        for row in device_store.list_devices(connection, project_id)
        if device_in_area(row.properties, area, lists)
    ]
    named = {place for row in devices for place in places_of(row.properties)}
    known = _Known(connection, project_id, name_places(connection, project_id, lists, named))
    late = clock.now() - timedelta(days=late_days)
    rows = [known.row(device, late) for device in devices]
    return sorted(rows, key=_worst_first)


def _worst_first(row: DeviceRow) -> tuple[int, str, str, int]:
    return list(Health).index(row.health), row.last_contact or "", row.name, row.actor_id


class _Known:
    """What the store knows of all devices of a project, read in bulk."""

    def __init__(
        self, connection: Connection, project_id: int, places: Mapping[Place, str]
    ) -> None:
        self.places = places
        self.contacts: dict[int, list[Any]] = {}
        for contact in device_store.list_contacts(connection, project_id):
            self.contacts.setdefault(contact.actor_id, []).append(contact)
        self.holdings = Holdings(connection, project_id)
        self.last = {
            row.actor_id: row for row in device_store.list_last_submissions(connection, project_id)
        }
        self.hubs = name_nodes(connection, project_id)
        self.waiting = device_store.count_waiting(connection, project_id)
        self.quarantined = device_store.count_quarantined(connection, project_id)
        self.contending = device_store.count_contending(connection, project_id)

    def row(self, device: Any, late: datetime) -> DeviceRow:
        actor_id = device.actor_id
        contacts = self.contacts.get(actor_id, [])
        last = self.last.get(actor_id)
        sent = [c.last_submission_at for c in contacts if c.last_submission_at]
        sent += [last.received_at] if last else []
        last_contact = max([*(c.last_at for c in contacts), *sent], default=None)
        agent = next((c.user_agent for c in reversed(contacts) if c.user_agent), "")
        in_use = installs_in_use(contacts, instant(late))
        forms = self.holdings.forms(actor_id, in_use, last)
        waiting = self.waiting.get(actor_id, 0)
        quarantined = self.quarantined.get(actor_id, 0)
        contending = self.contending.get(actor_id, 0)
        to_check = waiting or quarantined or contending or any(one.behind for one in forms)
        return DeviceRow(
            actor_id=actor_id,
            name=device.display_name,
            places=tuple(
                (name, value, self.places.get((name, value), value))
                for name, value in places_of(device.properties)
            ),
            created_at=device.created_at,
            last_contact=last_contact,
            last_submission=max(sent, default=None),
            through=self._through(last, contacts),
            forms=forms,
            lists=self.holdings.lists(actor_id, in_use),
            clock=_clock(contacts, last),
            waiting=waiting,
            quarantined=quarantined,
            open_reviews=contending,
            bytes_up=sum(c.bytes_up for c in contacts),
            bytes_down=sum(c.bytes_down for c in contacts),
            phones=len({c.device_id for c in contacts if c.device_id}),
            collect=_found(_COLLECT, agent),
            android=_found(_ANDROID, agent),
            health=_health(last_contact, instant(late), bool(to_check)),
        )

    def _through(self, last: Any, contacts: Sequence[Any]) -> str | None:
        """The hub of the last submission; none when the phone has sent here itself since."""
        sent = max((c.last_submission_at or "" for c in contacts), default="")
        if last is None or last.received_at < sent:
            return None
        return next((name for name, _ in hubs_on(last.path, self.hubs)), None)


def _clock(contacts: Sequence[Any], last: Any) -> ClockError | None:
    """Of the phone that was heard last, and of the last form that its account sent."""
    told = [one for one in contacts if one.clock_at is not None]
    ahead = max(told, key=lambda one: str(one.clock_at)).clock_ahead if told else None
    end = None
    if last is not None and last.client_time is not None:
        late = moment(last.client_time) - moment(last.received_at)
        end = round(late.total_seconds())
    return clock_error(ahead, end)


def _health(last_contact: str | None, late: str, to_check: bool) -> Health:
    if last_contact is None:
        return Health.CHECK if to_check else Health.NEVER
    if last_contact < late:
        return Health.LATE
    return Health.CHECK if to_check else Health.HEALTHY


def _found(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[1] if match else None


def _fits(row: DeviceRow, search: str) -> bool:
    texts = [row.name, *(text for place in row.places for text in place[1:])]
    return search.casefold() in "\n".join(texts).casefold()


def places_of(properties: Mapping[str, Any]) -> list[Place]:
    """What a device belongs to: each property with each of its values."""
    return [(name, value) for name, held in properties.items() for value in _values(held)]


def _values(held: Any) -> list[str]:
    if isinstance(held, list):
        return [str(one) for one in held]
    return [str(held)] if held else []
