"""The times that a server puts on what it takes in."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, select

from sync_server.clock import instant, moment
from sync_server.models.hubs import Upstream
from sync_server.models.records import JournalRow
from sync_server.stores.upsert import PROJECT, table_of

_J = table_of(JournalRow).c
_U = table_of(Upstream).c
_LAST = select(_J.at).where(_J.project_id == PROJECT).order_by(_J.seq.desc()).limit(1)
_OFFSET = select(_U.clock_offset_ms).where(_U.project_id == PROJECT)
_BOTH = select(_LAST.scalar_subquery().label("last"), _OFFSET.scalar_subquery().label("offset"))


def stamp_at(connection: Connection, project_id: int, now: str) -> str:
    """The stamp of what is taken in when this machine's clock says `now`.

    A hub's clock is corrected by what it was off from its centre's when they last spoke, and no
    stamp is earlier than the last one: a battery that died must not turn history round.
    """
    last, offset = connection.execute(_BOTH, {"project_id": project_id}).one()
    corrected = instant(moment(now) + timedelta(milliseconds=offset)) if offset else now
    return max(corrected, last or "")
