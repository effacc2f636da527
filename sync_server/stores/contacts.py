"""Contacts of phones, summed up by device account and install."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, func
from sqlalchemy.dialects import postgresql, sqlite

from sync_server.models.people import Contact, ServedForm, ServedList
from sync_server.stores.upsert import table_of, upsert_rows


@dataclass(frozen=True, slots=True)
class ContactSum:
    """What one phone did since the last writing."""

    project_id: int
    actor_id: int
    device_id: str
    first_at: str
    last_at: str
    last_submission_at: str | None = None
    user_agent: str = ""
    bytes_up: int = 0
    bytes_down: int = 0
    clock_ahead: int | None = None
    clock_at: str | None = None


@dataclass(frozen=True, slots=True)
class ListSeen:
    """A list as one phone was handed it, and as a manifest told of it; None since neither."""

    hash: str | None = None
    at: str | None = None
    told_hash: str | None = None
    told_at: str | None = None


def add_contacts(connection: Connection, sums: Sequence[ContactSum]) -> None:
    """Add sums to what is known; the newest times and the last user agent stay."""
    if not sums:
        return
    table = table_of(Contact)
    statement = _insert(connection, Contact)
    new = statement.excluded
    greatest = func.greatest if connection.dialect.name == "postgresql" else func.max
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["project_id", "actor_id", "device_id"],
            set_={
                "last_at": greatest(table.c.last_at, new.last_at),
                # SQLite's max() of a NULL is NULL; sums written late must not turn time back.
                "last_submission_at": func.coalesce(
                    greatest(table.c.last_submission_at, new.last_submission_at),
                    new.last_submission_at,
                    table.c.last_submission_at,
                ),
                "user_agent": func.coalesce(func.nullif(new.user_agent, ""), table.c.user_agent),
                "bytes_up": table.c.bytes_up + new.bytes_up,
                "bytes_down": table.c.bytes_down + new.bytes_down,
                "clock_ahead": func.coalesce(new.clock_ahead, table.c.clock_ahead),
                "clock_at": func.coalesce(new.clock_at, table.c.clock_at),
            },
        ),
        [asdict(one) for one in sorted(sums, key=_key)],
    )


def _insert(connection: Connection, model: type[Contact | ServedList]) -> Any:
    maker = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return maker(table_of(model))


def _key(one: ContactSum) -> tuple[int, int, str]:
    return one.project_id, one.actor_id, one.device_id


def note_served(
    connection: Connection, served: Mapping[tuple[int, int, str, str], tuple[str, str]]
) -> None:
    """Note which version of which form each phone was handed: (version, at)."""
    upsert_rows(
        connection,
        ServedForm,
        [
            {
                "project_id": project_id,
                "actor_id": actor_id,
                "device_id": device_id,
                "xml_form_id": xml_form_id,
                "version": version,
                "at": at,
            }
            for (project_id, actor_id, device_id, xml_form_id), (version, at) in sorted(
                served.items()
            )
        ],
    )


def note_lists(connection: Connection, seen: Mapping[tuple[int, int, str, str], ListSeen]) -> None:
    """Note which content of which list each phone was handed, and which it was told of."""
    if not seen:
        return
    table, statement = table_of(ServedList), _insert(connection, ServedList)
    new = {name: statement.excluded[name] for name in ("hash", "at", "told_hash", "told_at")}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["project_id", "actor_id", "device_id", "list_name"],
            set_={name: func.coalesce(value, table.c[name]) for name, value in new.items()},
        ),
        [
            {
                "project_id": project_id,
                "actor_id": actor_id,
                "device_id": device_id,
                "list_name": list_name,
                **asdict(one),
            }
            for (project_id, actor_id, device_id, list_name), one in sorted(
                seen.items(), key=lambda item: item[0]
            )
        ],
    )
