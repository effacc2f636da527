"""At a hub: what its centre set it up with becomes what is declared, published and let in here.

Running it again alters nothing. A form that cannot be published here leaves the others as they
should be, and is tried again at the next contact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conflict.areas import Rule
from conflict.policy import Policy
from sync_server.accounts.adopted import Account, adopt
from sync_server.accounts.credentials import unseal
from sync_server.accounts.devices import add_actor_property
from sync_server.client import SyncUnreachable
from sync_server.clock import Clock
from sync_server.db import read_transaction
from sync_server.errors import SyncError
from sync_server.hubs.link import HubLink
from sync_server.publishing import access
from sync_server.publishing.closing import set_state
from sync_server.publishing.form_files import attach
from sync_server.publishing.mirroring import (
    DeclaredList,
    mirror_lists,
    mirror_version,
)
from sync_server.stores import setup as store
from sync_server.stores.form_devices import list_every_device
from sync_server.stores.projects import list_actor_properties

Plain = Mapping[str, Any]


@dataclass(slots=True)
class SetUp:
    """What a setup altered here, and the forms that could not be published, with the reason."""

    lists: tuple[str, ...] = ()
    forms: list[str] = field(default_factory=list)
    devices: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def set_up(
    project_id: int,
    setup: Plain,
    link: HubLink,
    *,
    of: int,
    hub_token: str,
    secret_key: str,
    clock: Clock,
) -> SetUp:
    """Make this project what `setup` says; `of` is the centre as an actor here.

    Errors    `SyncUnreachable`, `SyncRefused` when a form could not be fetched.
    """
    with read_transaction() as connection:
        borne = set(list_actor_properties(connection, project_id))
    for name in setup["actor_properties"]:
        if name not in borne:
            add_actor_property(project_id, name, by=of, clock=clock)
    done = SetUp()
    wanted = [_declared(one) for one in setup["lists"]]
    done.lists = mirror_lists(project_id, wanted, by=of, clock=clock)
    accounts = [_account(one, hub_token) for one in setup["devices"]]
    done.devices = adopt(project_id, accounts, of=of, clock=clock, secret_key=secret_key)
    _Forms(project_id, link, of, clock, done).take(setup["forms"])
    return done


def _declared(one: Plain) -> DeclaredList:
    try:
        return DeclaredList(
            name=one["name"],
            approval_required=one["approval_required"],
            properties={
                each["name"]: (Policy.parse(each["policy"]), each["phone"])
                for each in one["properties"]
            },
            rules=tuple(
                Rule(each["dataset_property"], each["actor_property"]) for each in one["rules"]
            ),
        )
    except ValueError as exc:  # of a centre that is newer than this hub
        raise SyncUnreachable(
            f"the centre has a policy that this version does not know: {exc}"
        ) from exc


def _account(one: Plain, hub_token: str) -> Account:
    token = None
    if one["sealed"] is not None and not one["revoked"]:
        token = unseal(one["sealed"], hub_token)
    return Account(one["token_hash"], one["name"], one["properties"], token)


class _Forms:
    """The forms of a setup, going into one project: only what is not here yet is fetched."""

    def __init__(self, project_id: int, link: HubLink, of: int, clock: Clock, done: SetUp) -> None:
        self.project_id = project_id
        self.link = link
        self.of = of
        self.clock = clock
        self.done = done
        with read_transaction() as connection:
            rows = store.list_every_version(connection, project_id)
            files = store.list_every_file(connection, project_id)
            given = list_every_device(connection, project_id)
            accounts = store.list_accounts(connection, project_id)
        self.accounts = {row.token_hash for row in accounts}
        self.devices: dict[str, set[str]] = {row.xml_form_id: set() for row in rows if row.given}
        for row in given:
            self.devices.get(row.xml_form_id, set()).add(row.token_hash)
        self.here = {(row.xml_form_id, row.version): row for row in rows}
        self.states = {row.xml_form_id: row.state for row in rows}
        self.files = {(row.xml_form_id, row.version, row.name): row.sha256 for row in files}

    def take(self, forms: list[Plain]) -> None:
        """Publish what is new, in the order it was published at the centre."""
        for form in forms:
            name = form["xml_form_id"]
            try:
                for version in form["versions"]:
                    self._version(name, version)
                if "devices" in form:
                    self._give(name, form["devices"])
                if self.states.get(name, "open") != form["state"]:
                    self._state(name, form["state"])
            except SyncError as exc:
                self.done.failed[name] = exc.message
        for name in self.states.keys() - {form["xml_form_id"] for form in forms}:
            if self.states[name] != "closed":  # it is deleted at the centre
                self._state(name, "closed")

    def _state(self, name: str, state: str) -> None:
        set_state(self.project_id, name, state, by=self.of, clock=self.clock)

    def _give(self, name: str, devices: list[str] | None) -> None:
        """Let the form be for `devices`, as far as they are here; for all, if they are None."""
        wanted = None if devices is None else self.accounts & set(devices)
        if wanted != self.devices.get(name):
            access.mirror(
                self.project_id,
                name,
                given=wanted is not None,
                to=wanted or (),
                by=self.of,
                clock=self.clock,
            )

    def _version(self, name: str, version: Plain) -> None:
        number = version["version"]
        if (name, number) in self.here:
            for file in version["files"]:
                if self.files.get((name, number, file["name"])) != file["sha256"]:
                    self._attach(name, number, file)
            return
        xml = self.link.form_xml(name, number)
        if hashlib.md5(xml, usedforsecurity=False).hexdigest() != version["hash"]:
            raise SyncUnreachable(f"the form {name} came with other bytes than its hash says")
        files = {one["name"]: self._bytes(one) for one in version["files"]}
        mirror_version(self.project_id, xml, files=files, by=self.of, clock=self.clock)
        self.done.forms.append(f"{name} {number}".strip())

    def _attach(self, name: str, version: str, file: Plain) -> None:
        attach(
            self.project_id,
            name,
            file["name"],
            self._bytes(file),
            by=self.of,
            clock=self.clock,
            version=version,
        )

    def _bytes(self, file: Plain) -> bytes:
        content = self.link.form_file(file["sha256"])
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise SyncUnreachable(f"the file {file['name']} came with other bytes than its hash")
        return content
