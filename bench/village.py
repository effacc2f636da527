"""A project of the pack's two forms: one posyandu with a phone, and others that never rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from random import Random

from sqlalchemy import func, select

from bench.forms import PACK
from bench.regency import new_id
from conflict.types import Change, Op
from sync_server.accounts import devices, people
from sync_server.accounts.credentials import hash_of_token
from sync_server.db import read_transaction, write_transaction
from sync_server.demo.children import Child, children
from sync_server.demo.filling import registration
from sync_server.intake.arrival import Author, SentChange, Status
from sync_server.intake.ingest import ingest
from sync_server.models.records import ListHead
from sync_server.publishing.packs import install_pack
from sync_server.stores.people import update_app_user

BEGINS = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)  # half past six in West Java
_SESSIONS = (date(2026, 9, 8), date(2026, 10, 13))
_PLACES = 5
_CHILDREN_ELSEWHERE = 10  # of each other posyandu
_PROPERTIES = tuple(one.name for one in PACK.lists["anak"].properties)


class MonthClock:
    """The server's and the phone's: it stands where the month has come to."""

    def __init__(self) -> None:
        self.at = BEGINS
        self._random = Random(11)

    def now(self) -> datetime:
        return self.at

    def new_id(self) -> str:
        return new_id(self._random)


class Village:
    """The project: `children` are the phone's own, in the order they are measured."""

    def __init__(self, clock: MonthClock, name: str, count: int) -> None:
        self.clock = clock
        self.random = Random(7)
        project_id = people.create_project(name, clock=clock)
        install_pack(project_id, PACK, by=None, clock=clock)
        self._project = people.get_project(project_id)
        places = PACK.lists["posyandu"].sample[:_PLACES]
        self._take(
            self._create("posyandu", one.entity, one.label, dict(one.data)) for one in places
        )
        self.kode, *elsewhere = [one.data["kode"] for one in places]
        self.children = self._born(self.kode, count)
        villages = [self._born(kode, _CHILDREN_ELSEWHERE) for kode in elsewhere]
        self._others = [one for several in zip(*villages, strict=True) for one in several]
        self._edits = 0

    def device(self, name: str, secret_key: str) -> str:
        """The path of a phone's server; its token is the same in every run."""
        made = devices.create_app_user(
            self._project.id,
            name,
            {"posyandu": self.kode},
            by=None,
            clock=self.clock,
            secret_key=secret_key,
        )
        token = hashlib.sha256(f"phone {self._project.id}".encode()).hexdigest()
        with write_transaction() as connection:
            values = {"token_hash": hash_of_token(token)}
            update_app_user(connection, self._project.id, made.actor_id, values)
        return f"/v1/key/{token}/projects/{self._project.id}"

    def edit_elsewhere(self) -> None:
        """A child of another posyandu is measured."""
        child = self._others[self._edits % len(self._others)]
        version = 1 + self._edits // len(self._others)
        self._edits += 1
        day = self.clock.now().date()
        change = Change(
            change_id=new_id(self.random),
            list_name="anak",
            entity=child.entity,
            op=Op.UPDATE,
            data=self._measured(child, day),
            base_version=version,
        )
        self._take([change])

    def list_head(self) -> int:
        """The number of the last edit of the list of children, whoever may see it."""
        heads = select(func.max(ListHead.seq)).where(
            ListHead.project_id == self._project.id, ListHead.list_name == "anak"
        )
        with read_transaction() as connection:
            return int(connection.execute(heads).scalar_one())

    def _born(self, kode: str, count: int) -> list[Child]:
        found = children(count, _SESSIONS, self.random)
        for child in found:
            child.entity = new_id(self.random)
        self._take(
            self._create("anak", child.entity, child.label, self._known(child, kode))
            for child in found
        )
        return found

    def _known(self, child: Child, kode: str) -> dict[str, str]:
        """What the list has of a child by the beginning of the month."""
        data = {**registration(child, kode, None), "posyandu": kode, "imunisasi": "hb0 bcg opv1"}
        data |= self._measured(child, max(_SESSIONS[-1], child.tgl_lahir))
        return {name: data[name] for name in _PROPERTIES if data.get(name)}

    def _measured(self, child: Child, day: date) -> dict[str, str]:
        found = child.measure(day, self.random)
        data = {"bb_terakhir": found.weight, "tb_terakhir": found.length, "tgl_ukur": str(day)}
        return data | ({"lk_terakhir": found.head} if found.head else {})

    def _create(self, list_name: str, entity: str, label: str, data: dict[str, str]) -> Change:
        return Change(
            change_id=new_id(self.random),
            list_name=list_name,
            entity=entity,
            op=Op.CREATE,
            label=label,
            data=data,
        )

    def _take(self, changes: Iterable[Change]) -> None:
        sent = [SentChange(one) for one in changes]
        author = Author(None, may_decide=True)
        for result in ingest(self._project, sent, author=author, clock=self.clock):
            assert result.status is Status.APPLIED, result
