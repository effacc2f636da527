"""A small posyandu over HTTP: one form to register, one to measure, phones with their own lists.

The forms are short on purpose; the pack's own are filled by JavaRosa in `test_javarosa.py`.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from conflict.areas import Rule
from sync_server.accounts import devices, people
from sync_server.db import read_transaction
from sync_server.fleet.local_list import EntityBlock, LocalList
from sync_server.intake.arrival import Author, ChangeResult, Project
from sync_server.intake.resolve import choose
from sync_server.models.records import ChangeRow, JournalRow, QuarantineRow, RecordRow, ReviewRow
from sync_server.publishing import lists, publish
from sync_server.stores.upsert import table_of
from tests.support.clock import FrozenClock

PROPERTIES = {
    "nama": "review",
    "nik": "first",
    "posyandu": "review",
    "rt": "review",
    "bb": "latest(tgl)",
    "tb": "latest(tgl)",
    "tgl": "last",
    "imunisasi": "union",
}
OFF_PHONES = {"nik"}


def form(form_id: str, action: str) -> str:
    """A form that saves every property: `create` registers, `update` measures."""
    entity_id = "| | ${anak} |" if action == "update" else "| ${nama} | |"
    question = (
        "| | select_one_from_file anak.csv | anak | anak | | | |\n" if action == "update" else ""
    )
    rows = "".join(
        f"| | text | {name} | {name} | {name} | {'' if name == 'tgl' else policy} "
        f"| {'no' if name in OFF_PHONES else ''} |\n"
        for name, policy in PROPERTIES.items()
    )
    return (
        "| settings |\n| | form_title | form_id | version | namespaces |\n"
        f'| | {form_id} | {form_id} | 1 | simpul="urn:simpul:xforms" |\n'
        "| entities |\n| | list_name | label | entity_id |\n"
        f"| | anak {entity_id}\n"
        "| survey |\n| | type | name | label | save_to | bind::simpul:merge "
        "| bind::simpul:phone |\n"
        f"| | end | end | | | | |\n{question}{rows}| | image | foto | foto | | | |\n"
    )


@cache
def checked_form(form_id: str, action: str) -> publish.Checked:
    """A form converted and validated, once for all tests of a process: the JVM is slow to start."""
    return publish.check(form(form_id, action).encode(), f"{form_id}.md")


@dataclass
class Phone:
    """One cadre's phone: its token, its own copy of the list, its clock."""

    village: Village
    name: str
    token: str
    actor_id: int
    anak: LocalList = field(default_factory=lambda: LocalList("anak"))
    client_time: str | None = None

    @property
    def base(self) -> str:
        return f"/v1/key/{self.token}/projects/{self.village.project.id}"

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.village.client.get(f"{self.base}/{path}", headers=headers)

    def sync(self) -> None:
        """Fetch the list as Collect does."""
        answer = self.get("forms/ukur/attachments/anak.csv")
        assert answer.status_code == 200, answer.text
        assert self.anak.import_csv(answer.data)

    def register(self, child: str, label: str = "Siti", **values: str) -> bytes:
        """Fill `daftar`; the XML waits on the phone."""
        block = EntityBlock(
            dataset="anak",
            id=child,
            create=True,
            update=False,
            base_version="",
            trunk_version="",
            branch_id="",
            label=label,
            properties=values,
        )
        return self._finish("daftar", block)

    def measure(self, child: str, **values: str) -> bytes:
        """Fill `ukur` over what this phone's own list shows of the child."""
        local = self.anak.entities[child]
        block = EntityBlock(
            dataset="anak",
            id=child,
            create=False,
            update=True,
            base_version=str(local.version),
            trunk_version="" if local.trunk_version is None else str(local.trunk_version),
            branch_id=local.branch_id,
            label="",
            properties=values,
        )
        return self._finish("ukur", block)

    def edit(self, xml: bytes, child: str | None = None, **values: str) -> bytes:
        """Open a finished form again and mend it, or choose another child; the list stays."""
        root = ElementTree.fromstring(xml)  # noqa: S314 - a form of our own
        meta = root.find("meta")
        assert meta is not None
        entity = meta.find("entity")
        instance = meta.find("instanceID")
        assert entity is not None
        assert instance is not None
        deprecated = meta.find("deprecatedID")
        if deprecated is None:
            deprecated = ElementTree.SubElement(meta, "deprecatedID")
        deprecated.text = instance.text
        instance.text = f"uuid:{uuid.uuid4()}"
        if child is not None:
            local = self.anak.entities[child]
            entity.attrib |= {
                "id": child,
                "baseVersion": str(local.version),
                "trunkVersion": str(local.trunk_version or ""),
                "branchId": local.branch_id,
            }
        for name, value in values.items():
            node = root.find(name)
            node = ElementTree.SubElement(root, name) if node is None else node
            node.text = value
        return ElementTree.tostring(root)

    def screen(self, child: str) -> dict[str, str]:
        return self.anak.entities[child].properties

    def _finish(self, form_id: str, block: EntityBlock) -> bytes:
        self.anak.apply(block)
        return self.instance(form_id, block)

    def instance(self, form_id: str, block: EntityBlock) -> bytes:
        values = "".join(f"<{n}>{escape(v)}</{n}>" for n, v in block.properties.items())
        if self.client_time:
            values += f"<end>{self.client_time}</end>"
        base = (
            f" update='1' baseVersion={quoteattr(block.base_version)}"
            f" trunkVersion={quoteattr(block.trunk_version)} branchId={quoteattr(block.branch_id)}"
        )
        action = base if block.update else " create='1' baseVersion='' branchId='' trunkVersion=''"
        label = f"<label>{escape(block.label or '')}</label>"
        return (
            f"<data id='{form_id}' version='1'>{values}<meta>"
            f"<instanceID>uuid:{uuid.uuid4()}</instanceID>"
            f"<entity dataset='anak' id='{block.id}'{action}>{label}</entity></meta></data>"
        ).encode()

    def send(self, *instances: bytes) -> None:
        """Post in the order given; each must be taken."""
        for xml in instances:
            answer = self.post(xml)
            assert answer.status_code == 201, answer.text

    def post(
        self, xml: bytes, fields: Mapping[str, str] | None = None, /, **files: bytes
    ) -> TestResponse:
        parts: dict[str, Any] = {"xml_submission_file": (io.BytesIO(xml), "form.xml", "text/xml")}
        parts |= fields or {}
        parts |= {name: (io.BytesIO(body), name) for name, body in files.items()}
        return self.village.client.post(
            f"{self.base}/submission?deviceID=collect:{self.name}", data=parts
        )


@dataclass
class Village:
    """The server of a test, with two posyandu and what a supervisor sees of them."""

    app: Flask
    client: FlaskClient
    clock: FrozenClock
    project: Project
    admin: int

    @classmethod
    def begin(cls, app: Flask, clock: FrozenClock) -> Village:
        with app.app_context():
            login = people.log_in("admin@example.org", "posyandu-melati-7", clock=clock)
            admin = login.person.actor_id
            project_id = people.create_project("Sumedang", by=admin, clock=clock)
            devices.add_actor_property(project_id, "posyandu", by=admin, clock=clock)
            for form_id, action in (("daftar", "create"), ("ukur", "update")):
                checked = checked_form(form_id, action)
                publish.publish_checked(project_id, checked, by=admin, clock=clock)
            lists.set_access_filter(
                project_id, "anak", [Rule("posyandu", "posyandu")], by=admin, clock=clock
            )
            project = people.get_project(project_id)
        return cls(app, app.test_client(), clock, project, admin)

    def phone(self, name: str, posyandu: str = "melati") -> Phone:
        with self.app.app_context():
            made = devices.create_app_user(
                self.project.id,
                name,
                {"posyandu": posyandu},
                by=self.admin,
                clock=self.clock,
                secret_key=self.app.extensions["simpul"].settings.secret_key,
            )
        return Phone(self, name, made.token, made.actor_id)

    def pass_time(self, days: float = 0) -> None:
        self.clock.pass_days(days)
        self.clock.pass_seconds(60)

    def record(self, child: str):
        return self._rows(RecordRow, RecordRow.entity == child)[0]

    def shown(self, child: str) -> dict[str, str]:
        return self.record(child).data

    def reviews(self, child: str):
        return self._rows(ReviewRow, ReviewRow.entity == child, ReviewRow.state == "open")

    def quarantine(self):
        return self._rows(QuarantineRow)

    def journal(self):
        return self._rows(JournalRow)

    def changes(self, child: str):
        return self._rows(ChangeRow, ChangeRow.entity == child)

    def asked(self, child: str) -> dict[str, set[str]]:
        """Each open question about a child: the field, and the values that contend."""
        values = {row.change_id: row for row in self.changes(child)}
        return {
            review.field: {values[cid].data.get(review.field, "") for cid in review.contenders}
            for review in self.reviews(child)
        }

    def settle(self, child: str, field_name: str, value: str) -> ChangeResult:
        """The bidan settles an open review with a value."""
        review = next(r for r in self.reviews(child) if r.field == field_name)
        with self.app.app_context():
            return choose(
                self.project,
                review.review_id,
                contenders=review.contenders,
                value=value,
                author=Author(self.admin, may_decide=True),
                clock=self.clock,
            )

    def _rows(self, model, *where):
        with self.app.app_context(), read_transaction() as connection:
            wanted = select(*table_of(model).c).where(model.project_id == self.project.id, *where)
            return connection.execute(wanted).all()
