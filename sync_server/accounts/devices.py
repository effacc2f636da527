"""Device accounts ("app users"): a token that a QR carries to a phone, and the area it is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from odk_forms import collect
from sync_server.accounts.centre import refuse_at_a_hub
from sync_server.accounts.credentials import hash_of_token, new_token, seal, unseal
from sync_server.clock import Clock, instant
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import BadValue, NotFound
from sync_server.stores import people as store
from sync_server.stores import projects
from sync_server.stores.audits import add_audit
from sync_server.stores.tokens import keep_former
from sync_server.stores.upstreams import find_upstream

_COLOR = "#1b6e53"  # of the project's icon in Collect
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class AppUser:
    """A device account just made, with the token of its QR."""

    actor_id: int
    display_name: str
    token: str = field(repr=False)


def create_app_user(
    project_id: int,
    display_name: str,
    properties: Mapping[str, Any] | None = None,
    *,
    by: int | None,
    clock: Clock,
    secret_key: str,
) -> AppUser:
    """A device account of a project. `properties`: name -> a text, or a list of texts.

    Errors    `NotFound` for an unknown project; `BadValue` for a blank name or a property
              that the project has not.
    """
    name, token, at = display_name.strip(), new_token(), instant(clock.now())
    if not name:
        raise BadValue("a device has a name", field="displayName", value=display_name)
    with write_transaction() as connection:
        if projects.find_project(connection, project_id) is None:
            raise NotFound("there is no such project")
        refuse_at_a_hub(connection, project_id, by=by)
        borne = bearable(connection, project_id, properties or {})
        actor_id = store.insert_actor(connection, kind="app_user", display_name=name, at=at)
        row = {
            "project_id": project_id,
            "actor_id": actor_id,
            "token_hash": hash_of_token(token),
            "token_sealed": seal(token, secret_key),
            "properties": borne,
            "created_by": by,
            "revoked_at": None,
        }
        store.insert_app_user(connection, row)
        details = {"actorId": actor_id, "properties": borne}
        add_audit(
            connection, "field_key.create", at=at, by=by, project_id=project_id, details=details
        )
    return AppUser(actor_id, name, token)


def reveal_token(project_id: int, actor_id: int, *, secret_key: str) -> str:
    """The token of a device account, to show its QR again. Errors: `NotFound`, also if revoked."""
    with read_transaction() as connection:
        row = _get(connection, project_id, actor_id)
    if row.revoked_at is not None:
        raise NotFound("this device is revoked; make a new one")
    return unseal(row.token_sealed, secret_key)


def rotate_token(
    project_id: int, actor_id: int, *, by: int | None, clock: Clock, secret_key: str
) -> AppUser:
    """Another token for a device account; the one before is let in no more.

    What a phone still sends under the one before is kept in quarantine.
    Errors    `NotFound`, also for a revoked device.
    """
    token, at = new_token(), instant(clock.now())
    with write_transaction() as connection:
        row = _get(connection, project_id, actor_id)
        if row.revoked_at is not None:
            raise NotFound("this device is revoked; make a new one")
        refuse_at_a_hub(connection, project_id, by=by)
        before = hash_of_token(unseal(row.token_sealed, secret_key))
        keep_former(connection, project_id, actor_id, before, at=at)
        values = {"token_hash": hash_of_token(token), "token_sealed": seal(token, secret_key)}
        store.update_app_user(connection, project_id, actor_id, values)
        store.update_actor(connection, actor_id, {"updated_at": at})
        details = {"actorId": actor_id}
        add_audit(
            connection, "field_key.rotate", at=at, by=by, project_id=project_id, details=details
        )
    return AppUser(actor_id, row.display_name, token)


def phone_settings(
    project_id: int, actor_id: int, *, base_url: str, secret_key: str, admin_password: str = ""
) -> dict[str, Any]:
    """What the QR of a device carries: Collect's settings. `base_url` has no slash at its end.

    With `admin_password` what would silence the phone is locked behind it.

    Errors    `NotFound`, also for a revoked device.
    """
    token = reveal_token(project_id, actor_id, secret_key=secret_key)
    with read_transaction() as connection:
        project = projects.find_project(connection, project_id)
    return settings_for(project.name, server_url(base_url, token, project_id), admin_password)


def settings_for(project_name: str, address: str, admin_password: str = "") -> dict[str, Any]:
    """Collect's settings for the device whose token is in `address`."""
    return collect.settings(
        server_url=address,
        project_name=project_name,
        color=_COLOR,
        icon=project_name[:1].upper(),
        admin_password=admin_password or None,
    )


def server_url(base_url: str, token: str, project_id: int) -> str:
    """The address a phone knows this server by; its token is all the phone needs."""
    return f"{base_url.rstrip('/')}/v1/key/{token}/projects/{project_id}"


def revoke_app_user(project_id: int, actor_id: int, *, by: int | None, clock: Clock) -> None:
    """Let a device in no more. What it still sends is kept in quarantine. Twice is once.

    At a hub it is let in no more at that hub, whatever its centre says: a phone is lost in the
    village, and the centre cannot be reached.
    """
    _revoke(project_id, actor_id, "field_key.session.end", by=by, at=instant(clock.now()))


def delete_app_user(project_id: int, actor_id: int, *, by: int | None, clock: Clock) -> None:
    """Revoke a device and list it no more; what it wrote stays under its name."""
    at = instant(clock.now())
    _revoke(project_id, actor_id, "field_key.delete", by=by, at=at, gone={"deleted_at": at})


def _revoke(
    project_id: int,
    actor_id: int,
    action: str,
    *,
    by: int | None,
    at: str,
    gone: Mapping[str, str] | None = None,
) -> None:
    with write_transaction() as connection:
        row = _get(connection, project_id, actor_id)
        revoked = {"revoked_at": row.revoked_at or at, **_own(connection, project_id, by)}
        store.update_app_user(connection, project_id, actor_id, revoked)
        store.update_actor(connection, actor_id, {"updated_at": at, **(gone or {})})
        details = {"actorId": actor_id}
        add_audit(connection, action, at=at, by=by, project_id=project_id, details=details)


def _own(connection: Connection, project_id: int, by: int | None) -> dict[str, int | None]:
    """What keeps a phone out of a hub that is revoked there: its centre lets it in still."""
    return {} if find_upstream(connection, project_id) is None else {"created_by": by}


def set_properties(
    project_id: int,
    actor_id: int,
    properties: Mapping[str, Any],
    *,
    by: int | None,
    clock: Clock,
) -> None:
    """Give a device another area: the properties named are all it bears from now on."""
    at = instant(clock.now())
    with write_transaction() as connection:
        _get(connection, project_id, actor_id)
        refuse_at_a_hub(connection, project_id, by=by)
        borne = bearable(connection, project_id, properties)
        store.update_app_user(connection, project_id, actor_id, {"properties": borne})
        store.update_actor(connection, actor_id, {"updated_at": at})
        details = {"actorId": actor_id, "properties": borne}
        add_audit(
            connection, "field_key.update", at=at, by=by, project_id=project_id, details=details
        )


def set_part_bytes(
    project_id: int, actor_id: int, part_bytes: int | None, *, by: int | None, clock: Clock
) -> None:
    """Tell a phone on a bad line to send smaller parts; None: such as the settings say."""
    at = instant(clock.now())
    with write_transaction() as connection:
        _get(connection, project_id, actor_id)
        store.update_app_user(connection, project_id, actor_id, {"part_bytes": part_bytes})
        store.update_actor(connection, actor_id, {"updated_at": at})
        details = {"actorId": actor_id, "partBytes": part_bytes}
        add_audit(
            connection, "field_key.update", at=at, by=by, project_id=project_id, details=details
        )


def rename_app_user(
    project_id: int, actor_id: int, display_name: str, *, by: int | None, clock: Clock
) -> None:
    """Call a device by another name."""
    name, at = display_name.strip(), instant(clock.now())
    if not name:
        raise BadValue("a device has a name", field="displayName", value=display_name)
    with write_transaction() as connection:
        _get(connection, project_id, actor_id)
        refuse_at_a_hub(connection, project_id, by=by)
        store.update_actor(connection, actor_id, {"display_name": name, "updated_at": at})
        details = {"actorId": actor_id, "fields": ["displayName"]}
        add_audit(
            connection, "field_key.update", at=at, by=by, project_id=project_id, details=details
        )


def add_actor_property(project_id: int, name: str, *, clock: Clock, by: int | None = None) -> None:
    """Let devices and people of a project bear a property. Said twice it is said once."""
    if not _NAME.fullmatch(name):
        raise BadValue(
            "a property name is letters, digits, '_', '-' and '.', and begins with a letter or '_'",
            field="name",
            value=name,
        )
    at = instant(clock.now())
    with write_transaction() as connection:
        if projects.find_project(connection, project_id) is None:
            raise NotFound("there is no such project")
        refuse_at_a_hub(connection, project_id, by=by)
        projects.add_actor_property(connection, project_id, name)
        details = {"name": name}
        add_audit(
            connection,
            "actor_property.create",
            at=at,
            by=by,
            project_id=project_id,
            details=details,
        )


def bearable(
    connection: Connection, project_id: int, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """`properties` if the project's actors may bear them: declared, and texts or lists of texts."""
    declared = set(projects.list_actor_properties(connection, project_id)) if properties else set()
    for name, value in properties.items():
        if name not in declared:
            raise BadValue(
                "this project has no such actor property; declare it first",
                field="properties",
                value=name,
            )
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(text, str) for text in texts):
            raise BadValue(
                "a property is a text or a list of texts", field="properties", value=name
            )
    return dict(properties)


def _get(connection: Connection, project_id: int, actor_id: int) -> Any:
    row = store.find_app_user(connection, project_id, actor_id)
    if row is None or row.deleted_at is not None:
        raise NotFound("there is no such device")
    return row
