"""Quarantine: kept raw until a person decides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select, update

from sync_server.models.records import QuarantineRow, Submission
from sync_server.stores.changes import Origin
from sync_server.stores.upsert import table_of, upsert_rows

RELAYED_ITEM = "application/vnd.simpul.item+json"
"""A relayed item kept whole, with what other servers settled of it."""

_T = table_of(QuarantineRow).c
_S = table_of(Submission).c
_KEPT = (
    *("kind", "raw", "content_type", "sha256", "xml_form_id", "instance_id", "change_id"),
    *("actor_id", "device_id"),
)


@dataclass(frozen=True, slots=True)
class Poison:
    """Something that could not be used, and why. `code` is a result code of the contract.

    `raw` is empty for a change of a form: its bytes are those of the submission. A form is
    `complete` when its phone said that nothing more of it will come.
    """

    quarantine_id: str
    kind: str
    code: str
    detail: str
    raw: bytes
    content_type: str
    origin: Origin
    change_id: str | None = None
    attachments: tuple[dict[str, str | bool], ...] = ()
    complete: bool = True


def insert_quarantine(
    connection: Connection, project_id: int, poisons: Sequence[Poison], *, at: str
) -> list[str]:
    """Keep poison; the ids of what is news.

    What is kept under its id already gains the files that came since, and the reason of now.
    Its bytes stay as they came first, unless a hub brings them with what was settled of them.
    """
    if not poisons:
        return []
    rows = _known(connection, project_id, [one.quarantine_id for one in poisons])
    known = {name: row.attachments for name, row in rows.items()}
    upsert_rows(
        connection,
        QuarantineRow,
        [_row(project_id, one, rows.get(one.quarantine_id), at) for one in poisons],
        keep=("received_at", "state", "decided_at", "decided_by"),
    )
    return list(
        dict.fromkeys(
            one.quarantine_id
            for one in poisons
            if one.quarantine_id not in known
            or any(file not in known[one.quarantine_id] for file in one.attachments)
        )
    )


def _known(connection: Connection, project_id: int, ids: Sequence[str]) -> dict[str, Any]:
    rows = connection.execute(
        select(_T.quarantine_id, _T.attachments, _T.complete, *(_T[name] for name in _KEPT)).where(
            _T.project_id == project_id, _T.quarantine_id.in_(sorted(ids))
        )
    )
    return {row.quarantine_id: row for row in rows}


def _row(project_id: int, one: Poison, known: Any, at: str) -> dict[str, Any]:
    row = {
        "project_id": project_id,
        "quarantine_id": one.quarantine_id,
        "kind": one.kind,
        "code": one.code,
        "detail": one.detail,
        "raw": one.raw,
        "content_type": one.content_type,
        "attachments": _merged(known.attachments if known else [], one.attachments),
        "complete": one.complete or bool(known and known.complete),
        "sha256": hashlib.sha256(one.raw).hexdigest(),
        "xml_form_id": one.origin.xml_form_id,
        "instance_id": one.origin.instance_id,
        "change_id": one.change_id,
        "actor_id": one.origin.actor_id,
        "device_id": one.origin.device_id,
        "received_at": at,
        "state": "open",
        "decided_at": None,
        "decided_by": None,
    }
    if known is None or (one.content_type == RELAYED_ITEM != known.content_type):
        return row
    return row | {name: getattr(known, name) for name in _KEPT}


def _merged(
    known: Sequence[dict[str, str | bool]], came: Sequence[dict[str, str | bool]]
) -> list[dict[str, str | bool]]:
    return [*known, *(one for one in came if one not in known)]


def find_quarantined(connection: Connection, project_id: int, quarantine_id: str) -> Any:
    """The row of one quarantined thing, or None. The bytes of a form's change are the form's."""
    raw = case((_T.raw == b"", func.coalesce(_S.xml, _T.raw)), else_=_T.raw)
    return connection.execute(
        select(*(one for one in _T if one.name != "raw"), raw.label("raw"))
        .outerjoin_from(
            table_of(QuarantineRow),
            table_of(Submission),
            and_(
                _T.kind == "change",
                _S.project_id == _T.project_id,
                _S.xml_form_id == _T.xml_form_id,
                _S.instance_id == _T.instance_id,
            ),
        )
        .where(_T.project_id == project_id, _T.quarantine_id == quarantine_id)
    ).one_or_none()


def size_kept_since(
    connection: Connection, project_id: int, actor_id: int, since: str
) -> tuple[int, int]:
    """How many things of a sender were kept since an instant, and their size in bytes."""
    found = connection.execute(
        select(func.count(), func.coalesce(func.sum(func.length(_T.raw)), 0)).where(
            _T.project_id == project_id, _T.actor_id == actor_id, _T.received_at >= since
        )
    ).one()
    return int(found[0]), int(found[1])


def list_waiting_for(
    connection: Connection, project_id: int, *, xml_form_id: str | None, lists: bool
) -> list[str]:
    """The ids of what came before its form was here, or before its list, in order of arrival."""
    reasons: list[Any] = []
    if xml_form_id is not None:
        reasons.append((_T.code == "unknown_form") & (_T.xml_form_id == xml_form_id))
    if lists:
        reasons.append(_T.code == "unknown_list")
    if not reasons:
        return []
    rows = connection.execute(
        select(_T.quarantine_id)
        .where(_T.project_id == project_id, _T.state == "open", or_(*reasons))
        .order_by(_T.received_at, _T.quarantine_id)
    )
    return [row.quarantine_id for row in rows]


def list_refused(connection: Connection, project_id: int, xml_form_id: str) -> list[Any]:
    """What came of a form while it was closed, or not given to its sender, in order of arrival.

    Rows      quarantine_id, actor_id.
    """
    rows = connection.execute(
        select(_T.quarantine_id, _T.actor_id)
        .where(
            _T.project_id == project_id,
            _T.state == "open",
            _T.kind == "submission",
            _T.code == "not_allowed",
            _T.xml_form_id == xml_form_id,
        )
        .order_by(_T.received_at, _T.quarantine_id)
    )
    return list(rows)


def decide_quarantined(
    connection: Connection,
    project_id: int,
    quarantine_id: str,
    *,
    state: str,
    by: int | None,
    at: str,
) -> None:
    """Mark what became of it, unless somebody has already. The raw bytes stay."""
    connection.execute(
        update(QuarantineRow)
        .where(_T.project_id == project_id, _T.quarantine_id == quarantine_id, _T.state == "open")
        .values(state=state, decided_at=at, decided_by=by)
    )
