"""QR cards: what a cadre's phone scans to become a device of a project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from odk_forms.collect import qr_svg, qr_text
from sync_server.accounts.credentials import unseal
from sync_server.accounts.devices import server_url, settings_for
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.reports.board import places_of
from sync_server.reports.labels import name_places
from sync_server.stores import projects
from sync_server.stores.devices import list_devices
from sync_server.stores.lists import ListInfo, load_lists
from sync_server.stores.report import list_records


@dataclass(frozen=True, slots=True)
class Card:
    """One device's card. Whoever holds it may send in its name."""

    actor_id: int
    name: str
    places: tuple[str, ...]
    url: str = field(repr=False)
    svg: str = field(repr=False)


def cards(
    project_id: int,
    *,
    public_root: str,
    secret_key: str,
    admin_password: str = "",
    only: Iterable[int] | None = None,
) -> list[Card]:
    """The cards of the devices in use, by name; of those in `only`, if given.

    `admin_password` locks Collect's settings, as `phone_settings` does.

    Errors    `NotFound` when one of `only` is not in use.
    """
    wanted = None if only is None else set(only)
    with read_transaction() as connection:
        project = projects.find_project(connection, project_id)
        devices = [
            row
            for row in list_devices(connection, project_id)
            if wanted is None or row.actor_id in wanted
        ]
        if project is None or (wanted is not None and len(devices) < len(wanted)):
            raise NotFound("there is no such device")
        lists = load_lists(connection, project_id)
        borne = {place for row in devices for place in places_of(row.properties)}
        named = name_places(connection, project_id, lists, borne)
    return [
        _card(
            row,
            tuple(named.get(place, place[1]) for place in places_of(row.properties)),
            project.name,
            admin_password,
            server_url(public_root, unseal(row.token_sealed, secret_key), project_id),
        )
        for row in devices
    ]


def _card(
    device: Any, places: tuple[str, ...], project_name: str, admin_password: str, url: str
) -> Card:
    svg = qr_svg(qr_text(settings_for(project_name, url, admin_password)))
    return Card(device.actor_id, device.display_name, places, url, svg)


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """An actor property and the (value, label) a device may be given; none where no list says."""

    name: str
    options: tuple[tuple[str, str], ...]


_OPTIONS_AT_MOST = 500


def places_to_choose(project_id: int) -> list[PlaceChoice]:
    """The actor properties of a project, those that devices are most often bound by first."""
    with read_transaction() as connection:
        lists = load_lists(connection, project_id)
        filtering = {rule.actor_property for info in lists.values() for rule in info.rules}
        names = projects.list_actor_properties(connection, project_id)
        names.sort(key=lambda name: (name not in filtering, name))
        return [
            PlaceChoice(name, _options(connection, project_id, lists.get(name))) for name in names
        ]


def _options(
    connection: Connection, project_id: int, info: ListInfo | None
) -> tuple[tuple[str, str], ...]:
    """The values that records of the list called like the property have for it."""
    if info is None or len(info.rules) != 1 or info.rules[0].actor_property != info.name:
        return ()
    found = list_records(
        connection, project_id, info.name, visible=None, limit=_OPTIONS_AT_MOST + 1
    )
    if len(found) > _OPTIONS_AT_MOST:
        return ()
    code = info.rules[0].dataset_property
    return tuple((row.data[code], row.label) for row in found if row.data.get(code))
