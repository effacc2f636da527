"""What is known of each device account: the queries behind the sync board and the rollout.

Each is one statement, however many devices, records or submissions there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Text, distinct, func, select, true, type_coerce

from sync_server.models.forms import Form, FormVersion
from sync_server.models.people import Actor, AppUser, Contact, ServedForm, ServedList
from sync_server.models.records import ChangeRow, QuarantineRow, ReviewRow, Submission
from sync_server.stores.upsert import table_of

_D = table_of(AppUser).c
_A = table_of(Actor).c
_C = table_of(Contact).c
_H = table_of(ChangeRow).c
_Q = table_of(QuarantineRow).c
_R = table_of(ReviewRow).c
_F = table_of(Form).c
_V = table_of(FormVersion).c
_S = table_of(Submission).c
_SF = table_of(ServedForm).c
_SL = table_of(ServedList).c


def list_devices(
    connection: Connection, project_id: int, *, also_revoked: bool = False
) -> Sequence[Any]:
    """The device accounts in use: actor_id, display_name, created_at, properties, token_sealed."""
    in_use = true() if also_revoked else _D.revoked_at.is_(None) & _A.deleted_at.is_(None)
    return connection.execute(
        select(
            _D.actor_id,
            _A.display_name,
            _A.created_at,
            _D.properties,
            _D.token_sealed,
            _D.revoked_at,
        )
        .join_from(table_of(AppUser), table_of(Actor), _A.id == _D.actor_id)
        .where(_D.project_id == project_id, in_use)
        .order_by(_A.display_name, _A.id)
    ).all()


def list_contacts(connection: Connection, project_id: int) -> Sequence[Any]:
    """What each phone of each account has asked for, oldest contact first."""
    return connection.execute(
        select(*_C).where(_C.project_id == project_id).order_by(_C.last_at, _C.device_id)
    ).all()


def list_served(connection: Connection, project_id: int) -> Sequence[Any]:
    """Form versions handed out, oldest first: actor_id, device_id, xml_form_id, version, at."""
    return connection.execute(
        select(_SF.actor_id, _SF.device_id, _SF.xml_form_id, _SF.version, _SF.at)
        .where(_SF.project_id == project_id)
        .order_by(_SF.at, _SF.device_id)
    ).all()


def list_served_lists(connection: Connection, project_id: int) -> Sequence[Any]:
    """Contents of lists handed out and told of, oldest first."""
    return connection.execute(
        select(
            _SL.actor_id,
            _SL.device_id,
            _SL.list_name,
            _SL.hash,
            _SL.at,
            _SL.told_hash,
            _SL.told_at,
        )
        .where(_SL.project_id == project_id)
        .order_by(_SL.told_at, _SL.device_id)
    ).all()


def list_last_submissions(connection: Connection, project_id: int) -> Sequence[Any]:
    """The last submission of each account in use: what form, when, and by which servers.

    Columns   actor_id, xml_form_id, form_version, client_time, received_at, path.

    Each is read off the end of an index, not found by going through what was sent; a join
    would leave it to the database to choose the other way.
    """

    def last(column: Any) -> Any:
        newest_first = (_S.received_at.desc(), _S.xml_form_id, _S.instance_id)
        of_account = (_S.project_id == project_id, _S.actor_id == _D.actor_id)
        return select(column).where(*of_account).order_by(*newest_first).limit(1).scalar_subquery()

    wanted = (_S.xml_form_id, _S.form_version, _S.client_time, _S.received_at, _S.path)
    rows = connection.execute(
        select(_D.actor_id, *(last(column).label(column.name) for column in wanted)).where(
            _D.project_id == project_id, _D.revoked_at.is_(None)
        )
    )
    return [row for row in rows if row.received_at is not None]


def list_forms_in_use(connection: Connection, project_id: int) -> Sequence[Any]:
    """Every version of every form: xml_form_id, state, version, newest, serial, name, hash,
    published_at, published_by.

    Newest versions first within a form.
    """
    return connection.execute(
        select(
            _F.xml_form_id,
            _F.state,
            _F.version.label("newest"),
            _V.version,
            _V.serial,
            _V.name,
            _V.hash,
            _V.source_name,
            _V.published_at,
            _A.display_name.label("published_by"),
        )
        .join_from(
            table_of(Form),
            table_of(FormVersion),
            (_V.project_id == _F.project_id) & (_V.xml_form_id == _F.xml_form_id),
        )
        .outerjoin(table_of(Actor), _A.id == _V.published_by)
        .where(_F.project_id == project_id, _F.deleted_at.is_(None))
        .order_by(_F.xml_form_id, _V.serial.desc())
    ).all()


def count_waiting(connection: Connection, project_id: int) -> dict[int, int]:
    """How many changes of each account still wait for an earlier part."""
    return _counted(
        connection,
        select(_H.actor_id, func.count())
        .where(_H.project_id == project_id, _H.waiting)
        .group_by(_H.actor_id),
    )


def count_quarantined(connection: Connection, project_id: int) -> dict[int, int]:
    """How many things each account sent that need a person."""
    return _counted(
        connection,
        select(_Q.actor_id, func.count())
        .where(_Q.project_id == project_id, _Q.state == "open")
        .group_by(_Q.actor_id),
    )


def count_contending(connection: Connection, project_id: int) -> dict[int, int]:
    """In how many open reviews each account has a contender."""
    is_contender = type_coerce(_R.contenders, Text).contains(_H.change_id)
    return _counted(
        connection,
        select(_H.actor_id, func.count(distinct(_R.review_id)))
        .join_from(
            table_of(ReviewRow),
            table_of(ChangeRow),
            (_H.project_id == _R.project_id) & (_H.entity == _R.entity) & is_contender,
        )
        .where(_R.project_id == project_id, _R.state == "open")
        .group_by(_H.actor_id),
    )


def _counted(connection: Connection, statement: Any) -> dict[int, int]:
    return {actor: count for actor, count in connection.execute(statement) if actor is not None}


def list_newest_hashes(connection: Connection, project_id: int) -> list[str]:
    """The hash of the newest version of every form."""
    rows = connection.execute(
        select(_V.hash)
        .join_from(
            table_of(Form),
            table_of(FormVersion),
            (_V.project_id == _F.project_id)
            & (_V.xml_form_id == _F.xml_form_id)
            & (_V.version == _F.version),
        )
        .where(_F.project_id == project_id, _F.deleted_at.is_(None))
    )
    return [row.hash for row in rows]


def list_form_titles(
    connection: Connection, project_id: int, versions: Iterable[tuple[str, str | None]]
) -> dict[tuple[str, str | None], str]:
    """What each (form, version) is called; of a version not here, what the form is called now."""
    pairs = set(versions)
    if not pairs:
        return {}
    rows = connection.execute(
        select(_V.xml_form_id, _V.version, _V.name, (_V.version == _F.version).label("newest"))
        .join_from(
            table_of(FormVersion),
            table_of(Form),
            (_F.project_id == _V.project_id) & (_F.xml_form_id == _V.xml_form_id),
        )
        .where(_V.project_id == project_id, _V.xml_form_id.in_(sorted({f for f, _ in pairs})))
    ).all()
    named = {(row.xml_form_id, row.version): row.name for row in rows}
    newest = {row.xml_form_id: row.name for row in rows if row.newest}
    found = {pair: named.get(pair) or newest.get(pair[0]) for pair in pairs}
    return {pair: name for pair, name in found.items() if name is not None}
