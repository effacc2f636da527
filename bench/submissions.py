"""Filled forms through the phones' door, against parsing their bodies and committing one row."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from sqlalchemy import func, select

from bench.forms import measurement, registration
from bench.load import Load, Request
from bench.regency import Posyandu, Regency, new_id
from bench.server import PARSE_ONLY
from bench.stores import Store
from bench.table import Figure, median_ratio
from sync_server.db import read_transaction
from sync_server.models.records import ChangeRow, QuarantineRow

AIM = 2.5
CONNECTIONS = (1, 8, 32)
_BOUNDARY = "4f2c9e0b-simpul"
_BODY = (
    f"--{_BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="xml_submission_file"; filename="form.xml"\r\n'
    "Content-Type: text/xml\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    "{}\r\n"
    f"--{_BOUNDARY}--\r\n"
)
_HEADERS = {
    "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
    "User-Agent": "org.odk.collect.android/v2026.1.0 Dalvik/2.1.0",
    "X-OpenRosa-Version": "1.0",
}


@dataclass(frozen=True, slots=True)
class Filled:
    """One filled form on one phone."""

    posyandu: Posyandu
    xml: str


def measure(
    store: Store, regency: Regency, load: Load, *, rounds: int, count: int
) -> Iterator[Figure]:
    """One figure for each number of connections; `count` forms in a round."""
    store.make_bare_table()
    forms = filled_forms(regency)
    sent, key = 0, 0
    for connections in CONNECTIONS:
        figures = []
        for number in range(rounds + 1):
            batch = [next(forms) for _ in range(count)]
            parsing = load.send(
                [("POST", PARSE_ONLY, _HEADERS, _BODY.format(one.xml)) for one in batch],
                connections=connections,
                expect=http.client.CREATED,
            )
            rows = [(key + n, one.xml.encode()) for n, one in enumerate(batch)]
            key += count
            committing = store.commit_each(rows, connections=connections)
            whole = load.send(
                [_submission(regency, one) for one in batch],
                connections=connections,
                expect=http.client.CREATED,
            )
            sent += count
            if number > 0:  # the first warms up threads and connections
                figures.append((whole.seconds, parsing.seconds + committing))
        what = f"a submission : its parsing and a commit, {connections} at once"
        yield Figure(store.name, what, median_ratio(figures), AIM)
    _check_applied(regency, sent)


def filled_forms(regency: Regency) -> Iterator[Filled]:
    """New children and measurements of known ones, by turns; each child is measured once."""
    random = regency.random
    phones = [one for one in regency.posyandu if one.token][1:]
    known = [(one, entity) for entities in _turns(phones) for one, entity in entities]
    for place, (measured_at, entity) in zip(cycle(phones), known, strict=False):
        yield Filled(place, registration(random, new_id(random), place.kode))
        yield Filled(measured_at, measurement(random, entity, measured_at.kode, 1))


def _turns(phones: Sequence[Posyandu]) -> Iterator[list[tuple[Posyandu, str]]]:
    for entities in zip(*(one.children for one in phones), strict=True):
        yield list(zip(phones, entities, strict=True))


def _submission(regency: Regency, one: Filled) -> Request:
    path = f"/v1/key/{one.posyandu.token}/projects/{regency.project.id}/submission"
    return "POST", f"{path}?deviceID=collect:Zk3bQ8hGxT1mPv0d", _HEADERS, _BODY.format(one.xml)


def _check_applied(regency: Regency, sent: int) -> None:
    """Every form was merged on the fast path, or the figures are of something else."""
    with read_transaction() as connection:
        applied = connection.scalar(
            select(func.count()).where(
                ChangeRow.project_id == regency.project.id,
                ChangeRow.xml_form_id.is_not(None),
                ChangeRow.status == "applied",
            )
        )
        kept = connection.scalar(select(func.count()).select_from(QuarantineRow))
    assert applied == sent, f"{applied} of {sent} were applied"
    assert kept == 0, f"{kept} are in quarantine"
