"""Who comes with a name and a password: devices by Digest, people by Basic over https.

Their addresses have no token: `/v1/projects/{id}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request
from werkzeug.datastructures import Authorization

from conflict.areas import Area, area_of
from schemas.base import is_storable
from sync_server.accounts import people
from sync_server.accounts.credentials import password_of_token, unseal
from sync_server.accounts.digest import (
    REALM,
    Claim,
    Counts,
    challenge,
    claim_of,
    is_old,
    is_ours,
    is_proof,
    new_nonce,
)
from sync_server.accounts.roles import Person
from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import MayNotFill, NotAllowed, NotAuthenticated
from sync_server.stores.tokens import find_devices_called
from sync_server.web.auth import bearer_token

_counts = Counts()


@dataclass(frozen=True, slots=True)
class WebUser:
    """A person at the phones' door, with the facts of their project that a device has."""

    project_id: int
    actor_id: int
    uuid: str
    node: str
    area: Area
    revoked_at: None = None
    part_bytes: None = None


def caller(project_id: int, *, fills: bool) -> Any:
    """The device account or the `WebUser` of this request; `fills`: who is to send a form.

    Errors    `NotAuthenticated`, `WrongPassword`, `TooManyTries`; `NotAllowed` for a device that
              is revoked; `MayNotFill` for a person without such a role; `NotFound`.
    """
    said = request.authorization
    if said is not None and said.type == "digest":
        return _device(project_id, said.parameters)
    return _user(project_id, _person(), fills=fills)


def _device(project_id: int, said: dict[str, str | None]) -> Any:
    claim, settings, now = claim_of(said), context().settings, context().clock.now()
    if claim is None or not is_ours(claim.nonce, settings.secret_key):
        raise NotAuthenticated("the nonce is not of this server")
    if not is_storable(claim.name):
        raise NotAuthenticated("nobody has such a name")
    row = _device_of(project_id, claim)
    if row is None:
        raise NotAuthenticated("the name or the password is not right")
    if is_old(claim.nonce, now) or not _counts.take(claim):
        raise NotAuthenticated("the nonce is used up", stale=True)
    if row.revoked_at is not None and request.method != "POST":  # what it brings is kept
        raise NotAllowed("this device is not known here any more")
    return row


def _device_of(project_id: int, claim: Claim) -> Any:
    target = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or request.path
    targets = (str(target), f"{urlsplit(context().settings.public_url).path}{target}")
    with read_transaction() as connection:
        rows = find_devices_called(connection, project_id, claim.name)
    for row in rows:
        password = password_of_token(unseal(row.token_sealed, context().settings.secret_key))
        if is_proof(claim, password, method=request.method, targets=targets):
            return row
    return None


def _person() -> Person:
    said, token, clock = request.authorization, bearer_token(), context().clock
    if token is not None:
        person = people.person_of_token(token, clock=clock)
    elif said is not None and _is_basic(said):
        person = people.person_of_password(said.username or "", said.password or "", clock=clock)
    else:
        person = None
    if person is None:
        raise NotAuthenticated("a device comes by Digest here, a person by Basic over https")
    return person


def _is_basic(said: Authorization) -> bool:
    return said.type == "basic" and request.is_secure and is_storable(said.username or "")


def _user(project_id: int, person: Person, *, fills: bool) -> WebUser:
    known = people.get_project(project_id)
    allowed = person.may_fill(project_id) if fills else person.may_enter(project_id)
    if not allowed:
        raise MayNotFill("this is for people who fill forms of the project")
    return WebUser(
        project_id=known.id,
        actor_id=person.actor_id,
        uuid=known.uuid,
        node=known.node,
        area=_area(project_id, person),
    )


def _area(project_id: int, person: Person) -> Area:
    """What somebody who only fills forms sees is what a device without properties sees."""
    if person.may_view(project_id):
        return person.area(project_id)
    return area_of(person.actor_id, {})


def add_challenges(response: Response, *, stale: bool = False) -> Response:
    """Say how to come back: by Digest, and over https by Basic behind it."""
    nonce = new_nonce(context().clock.now(), context().settings.secret_key)
    response.headers.add("WWW-Authenticate", challenge(nonce, stale=stale))
    if request.is_secure:
        response.headers.add("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"')
    return response
