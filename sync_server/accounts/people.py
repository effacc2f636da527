"""Who there is: people who log in, projects, and the roles people hold in them.

Device accounts are in `devices`. Every act of an administrator leaves an audit row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from sync_server.accounts.credentials import (
    RightPasswords,
    check_password,
    fits,
    hash_of_token,
    hash_password,
    new_token,
)
from sync_server.accounts.devices import bearable
from sync_server.accounts.roles import ADMIN, Person, person, role_named
from sync_server.clock import Clock, instant, moment
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import AlreadyThere, BadValue, NotFound, TooManyTries, WrongPassword
from sync_server.intake import arrival
from sync_server.stores import logins, projects
from sync_server.stores import people as store
from sync_server.stores.audits import add_audit

SESSION_LASTS = timedelta(hours=24)  # as in Central
_FREE_TRIES = 5
_LONGEST_WAIT = timedelta(minutes=15)
_FAILURES_REST = timedelta(days=1)
_passwords = RightPasswords()
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Login:
    """A session just begun. `token` is told once and kept only as its hash."""

    token: str = field(repr=False)
    csrf: str = field(repr=False)
    created_at: str
    expires_at: str
    person: Person


def log_in(email: str, password: str, *, clock: Clock) -> Login:
    """Begin a session.

    Errors    `WrongPassword`, in the same time and words whether the address is known or
              not; `TooManyTries` after five wrong ones, for a time that doubles.
    """
    now, address = clock.now(), _address(email)
    with read_transaction() as connection:
        _refuse_hasty(logins.find_failure(connection, address), now)
        user = store.find_user_by_email(connection, address)
    _count_try(address, now)
    if not fits(password, user.password_hash if user else None):
        raise WrongPassword("the e-mail address or the password is not right")
    token, csrf = new_token(), new_token()
    row = {
        "token_hash": hash_of_token(token),
        "actor_id": user.id,
        "csrf": csrf,
        "created_at": instant(now),
        "expires_at": instant(now + SESSION_LASTS),
    }
    with write_transaction() as connection:
        logins.clear_failures(connection, address)
        logins.insert_session(connection, row)
        add_audit(connection, "user.session.create", at=instant(now), by=user.id)
        someone = _person(
            connection, logins.find_session(connection, row["token_hash"], at=instant(now))
        )
    return Login(token, csrf, row["created_at"], row["expires_at"], someone)


def person_of_password(email: str, password: str, *, clock: Clock) -> Person:
    """Who this is, for a client that says the password each time; no session is begun.

    One that was right is remembered for a while by this process, as checking takes long.
    Errors    as `log_in`.
    """
    now, address = clock.now(), _address(email)
    with read_transaction() as connection:
        failures = logins.find_failure(connection, address)
        user = store.find_user_by_email(connection, address)
    kept = user.password_hash if user else None
    if not _passwords.knows(password, kept, now):
        _refuse_hasty(failures, now)
        _count_try(address, now)
        if not fits(password, kept):
            raise WrongPassword("the e-mail address or the password is not right")
        with write_transaction() as connection:
            logins.clear_failures(connection, address)
        _passwords.remember(password, kept, now)
    with read_transaction() as connection:
        return _person(connection, user)


def _address(email: str) -> str:
    return email.strip().lower()[:320]


def _count_try(address: str, now: datetime) -> None:
    """Count a try as wrong before its password is looked at; a right one clears the count.

    Counted afterwards, passwords tried at the same time would all be looked at.
    """
    at, rested = instant(now), instant(now - _FAILURES_REST)
    with write_transaction() as connection:
        counted = logins.lock_failure(connection, address, at=at, forgotten_before=rested)
        _refuse_hasty(counted, now)
        logins.add_failure(connection, address, at=at)


def _refuse_hasty(failure: Any, now: datetime) -> None:
    if failure is None or failure.count < _FREE_TRIES:
        return
    doubled = timedelta(seconds=15) * 2 ** min(failure.count - _FREE_TRIES, 10)
    wait = moment(failure.last_at) + min(doubled, _LONGEST_WAIT) - now
    if wait > timedelta(0):
        seconds = int(wait.total_seconds()) + 1
        raise TooManyTries("too many wrong passwords; wait a little", retryAfter=seconds)


def person_of_token(token: str, *, clock: Clock) -> Person | None:
    """Who holds this session token; None when nobody does, or no longer."""
    with read_transaction() as connection:
        row = logins.find_session(connection, hash_of_token(token), at=instant(clock.now()))
        return _person(connection, row) if row else None


def csrf_of_token(token: str, *, clock: Clock) -> str | None:
    """What the forms of this session's pages must carry; None when there is no session."""
    with read_transaction() as connection:
        row = logins.find_session(connection, hash_of_token(token), at=instant(clock.now()))
    return row.csrf if row else None


def log_out(token: str, *, clock: Clock) -> bool:
    """End the session of a token; False when there is none."""
    with write_transaction() as connection:
        actor_id = logins.delete_session(connection, hash_of_token(token))
        if actor_id is not None:
            add_audit(connection, "user.session.end", at=instant(clock.now()), by=actor_id)
    return actor_id is not None


def _person(connection: Connection, row: Any) -> Person:
    roles = store.list_site_roles(connection, row.actor_id)
    return person(row, roles, store.list_project_roles(connection, row.actor_id))


def check_login(email: str, password: str) -> None:
    """Refuse a login that could not be made. Errors: `BadValue`, `PasswordTooShort`."""
    _checked(email)
    check_password(password)


def set_up(email: str, password: str, *, clock: Clock) -> bool:
    """Make this node and its first administrator; False when that was done before."""
    with read_transaction() as connection:
        if projects.find_node(connection) is not None:
            return False
    address, hashed, at = _checked(email), hash_password(password), instant(clock.now())
    with write_transaction() as connection:
        projects.insert_node(connection, node=clock.new_id(), epoch=clock.new_id())
        actor_id = _insert_user(connection, address, hashed, address, None, at)
        store.put_site_assignment(connection, actor_id, ADMIN.system)
        add_audit(connection, "user.create", at=at, details={"actorId": actor_id, "role": "admin"})
    return True


def current_node() -> tuple[str, str]:
    """This install's (node, epoch). Errors: `NotFound` before `simpul init`."""
    with read_transaction() as connection:
        row = projects.find_node(connection)
    if row is None:
        raise NotFound("this server is not set up yet; run `simpul init`")
    return row.node, row.epoch


def create_user(
    email: str,
    password: str | None,
    *,
    display_name: str = "",
    language: str | None = None,
    by: int | None = None,
    clock: Clock,
) -> int:
    """A new person who logs in; their actor id. Without a password they cannot yet.

    Errors    `BadValue` for an address that is none or a short password; `AlreadyThere`.
    """
    address, at = _checked(email), instant(clock.now())
    hashed = None if password is None else hash_password(password)
    try:
        with write_transaction() as connection:
            actor_id = _insert_user(
                connection, address, hashed, display_name.strip() or address, language, at
            )
            add_audit(connection, "user.create", at=at, by=by, details={"actorId": actor_id})
    except IntegrityError as exc:
        raise AlreadyThere(
            "somebody has this e-mail address already", fields=["email"], values=[address]
        ) from exc
    return actor_id


def _insert_user(
    connection: Connection, email: str, hashed: str | None, name: str, language: str | None, at: str
) -> int:
    actor_id = store.insert_actor(connection, kind="user", display_name=name, at=at)
    store.insert_user(connection, actor_id, email=email, password_hash=hashed, language=language)
    return actor_id


def _checked(email: str) -> str:
    address = _address(email)
    if not _EMAIL.fullmatch(address):
        raise BadValue("this is not an e-mail address", field="email", value=address)
    return address


def update_user(
    actor_id: int, changed: Mapping[str, str | None], *, by: int | None, clock: Clock
) -> None:
    """Alter display_name, email or language of a person; what is not named stays."""
    at = instant(clock.now())
    named = {n: v for n, v in changed.items() if n in ("email", "language")}
    if named.get("email") is not None:
        named["email"] = _checked(str(named["email"]))
    try:
        with write_transaction() as connection:
            _get_user(connection, actor_id)
            if changed.get("display_name"):
                name = str(changed["display_name"]).strip()
                store.update_actor(connection, actor_id, {"display_name": name})
            if named:
                store.update_user(connection, actor_id, named)
            store.update_actor(connection, actor_id, {"updated_at": at})
            details = {"actorId": actor_id, "fields": sorted(changed)}
            add_audit(connection, "user.update", at=at, by=by, details=details)
    except IntegrityError as exc:
        raise AlreadyThere("somebody has this e-mail address already", fields=["email"]) from exc


def set_password(actor_id: int, password: str, *, by: int | None, clock: Clock) -> None:
    """Give a person another password, and end every session begun with the old one."""
    hashed, at = hash_password(password), instant(clock.now())
    with write_transaction() as connection:
        user = _get_user(connection, actor_id)
        store.update_user(connection, actor_id, {"password_hash": hashed})
        logins.delete_sessions_of(connection, actor_id)
        logins.clear_failures(connection, user.email)
        details = {"actorId": actor_id, "fields": ["password"]}
        add_audit(connection, "user.update", at=at, by=by, details=details)


def _get_user(connection: Connection, actor_id: int) -> Any:
    row = store.find_user(connection, actor_id)
    if row is None:
        raise NotFound("there is no such user")
    return row


def create_project(
    name: str,
    *,
    description: str | None = None,
    uuid: str | None = None,
    clock: Clock,
    by: int | None = None,
) -> int:
    """A new project; its id. `uuid` is that of a project which is elsewhere already."""
    if not name.strip():
        raise BadValue("a project has a name", field="name", value=name)
    at = instant(clock.now())
    with write_transaction() as connection:
        project_id = projects.insert_project(
            connection,
            uuid=uuid or clock.new_id(),
            name=name.strip(),
            description=description,
            at=at,
        )
        add_audit(connection, "project.create", at=at, by=by, project_id=project_id)
    return project_id


def update_project(
    project_id: int, changed: Mapping[str, Any], *, by: int | None, clock: Clock
) -> None:
    """Alter name, description or archived of a project; what is not named stays."""
    at = instant(clock.now())
    with write_transaction() as connection:
        if projects.find_project(connection, project_id) is None:
            raise NotFound("there is no such project")
        projects.update_project(connection, project_id, {**changed, "updated_at": at})
        details = {"fields": sorted(changed)}
        add_audit(
            connection, "project.update", at=at, by=by, project_id=project_id, details=details
        )


def get_project(project_id: int) -> arrival.Project:
    """A project as the one road knows it. Errors: `NotFound`."""
    with read_transaction() as connection:
        row = projects.find_project(connection, project_id)
        node = projects.find_node(connection)
    if row is None or node is None:
        raise NotFound("there is no such project")
    return arrival.Project(row.id, row.uuid, node.node)


def assign(
    actor_id: int,
    role: str | int,
    project_id: int | None,
    *,
    properties: Mapping[str, Any] | None = None,
    by: int | None = None,
    clock: Clock,
) -> None:
    """Give somebody a role in a project, or everywhere; `properties` bind a viewer to an area.

    Errors    `NotFound` for an unknown role, person or project; `BadValue` for properties
              the project has not, or that are of no use with the role.
    """
    system, at = role_named(role).system, instant(clock.now())
    if properties and (project_id is None or system != "viewer"):
        raise BadValue("an area binds a viewer of one project", field="properties")
    with write_transaction() as connection:
        if store.find_actor(connection, actor_id) is None:
            raise NotFound("there is no such person")
        if project_id is None:
            store.put_site_assignment(connection, actor_id, system)
        elif projects.find_project(connection, project_id) is None:
            raise NotFound("there is no such project")
        else:
            borne = bearable(connection, project_id, properties or {})
            store.put_assignment(connection, project_id, actor_id, system, borne)
        details = {"actorId": actor_id, "role": system, "properties": dict(properties or {})}
        add_audit(
            connection, "assignment.create", at=at, by=by, project_id=project_id, details=details
        )


def unassign(
    actor_id: int, role: str | int, project_id: int | None, *, by: int | None = None, clock: Clock
) -> None:
    """Take a role away. Errors: `NotFound` when it was not held."""
    system, at = role_named(role).system, instant(clock.now())
    with write_transaction() as connection:
        if not store.delete_assignment(connection, project_id, actor_id, system):
            raise NotFound("this role is not held")
        details = {"actorId": actor_id, "role": system}
        add_audit(
            connection, "assignment.delete", at=at, by=by, project_id=project_id, details=details
        )
