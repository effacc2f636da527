"""Contacts of phones, summed up by device account and install."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func
from sqlalchemy.dialects import postgresql, sqlite

from sync_server.models.people import Contact, ServedForm
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


def add_contacts(connection: Connection, sums: Sequence[ContactSum]) -> None:
    """Add sums to what is known; the newest times and the last user agent stay."""
    if not sums:
        return
    table = table_of(Contact)
    maker = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = maker(table)
    new = statement.excluded
    greatest = func.greatest if maker is postgresql.insert else func.max
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
            },
        ),
        [asdict(one) for one in sorted(sums, key=_key)],
    )


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
