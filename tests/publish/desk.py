"""A programme officer's desk: one project, forms as markdown, and what stands in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from conflict.areas import Area
from conflict.types import Change, Op
from odk_forms.convert import to_xform
from odk_forms.xform import read
from sync_server.accounts import people
from sync_server.db import read_transaction
from sync_server.intake.arrival import Author, ChangeResult, SentChange
from sync_server.intake.ingest import ingest
from sync_server.models.records import JournalRow, RecordRow, RecordVersion, ReviewRow
from sync_server.publishing import publish
from sync_server.reports.entity_lists import list_csv, list_hash
from sync_server.stores.lists import ListInfo, load_lists
from tests.support.clock import FrozenClock

EVERYTHING = Area(None, {}, bound=False)


def weighing(
    version: str = "2026112101",
    *,
    form_id: str = "pengukuran",
    bb: str = "review",
    nik: str = "nik",
    more: str = "",
) -> str:
    """A form that saves a date, a weight under the policy `bb`, and a NIK kept off phones."""
    return f"""
| settings |
|          | form_id   | form_title | version   | namespaces                 |
|          | {form_id} | Pengukuran | {version} | simpul="urn:simpul:xforms" |
| survey   |
|          | type    | name | label   | save_to | bind::simpul:merge | bind::simpul:phone |
|          | date    | tgl  | Tanggal | tgl     |                    |                    |
|          | decimal | bb   | Berat   | bb      | {bb}               |                    |
|          | text    | nik  | NIK     | {nik}   | first              | no                 |
{more}| entities |
|          | list_name   | label   |
|          | anak        | ${{nik}} |
"""


def checked(table: str, name: str = "form.md") -> publish.Checked:
    """The form as `publish.check` has it, without the second that Java takes to start."""
    converted = to_xform(table.encode(), name, validate=False)
    return publish.Checked(
        xml=converted.xml,
        definition=read(converted.xml),
        messages=converted.messages,
        sheets=converted.sheets,
        filename=name,
        source=table.encode(),
        itemsets=converted.itemsets,
    )


@dataclass
class Desk:
    """One project. `write` is what devices and pages send; `shown` is what came of it."""

    clock: FrozenClock
    project_id: int = 0
    changes: int = field(default=0)

    def __post_init__(self) -> None:
        self.project_id = people.create_project("Kabupaten Uji", clock=self.clock)

    def publish(self, table: str, **options: Any) -> publish.Published:
        form = checked(table)
        return publish.publish_checked(self.project_id, form, by=None, clock=self.clock, **options)

    def write(
        self,
        entity: int,
        op: Op = Op.UPDATE,
        *,
        base: int | None = None,
        from_form: bool = False,
        label: str | None = None,
        actor_id: int | None = None,
        **data: str,
    ) -> ChangeResult:
        self.changes += 1
        self.clock.pass_seconds(60)
        change = Change(
            change_id=str(UUID(int=0xC0000 + self.changes)),
            list_name="anak",
            entity=str(UUID(int=entity)),
            op=op,
            label=label or (f"Anak {entity}" if op is Op.CREATE else None),
            data=data,
            base_version=base,
            from_form=from_form,
        )
        project = people.get_project(self.project_id)
        author = Author(actor_id=actor_id)
        (result,) = ingest(project, [SentChange(change)], author=author, clock=self.clock)
        assert isinstance(result, ChangeResult)
        return result

    def create(self, entity: int, **data: str) -> ChangeResult:
        return self.write(entity, Op.CREATE, **data)

    def record(self, entity: int) -> Any:
        with read_transaction() as connection:
            return connection.execute(
                select(RecordRow.__table__).where(RecordRow.entity == str(UUID(int=entity)))
            ).one()

    def served(self, entity: int) -> int:
        """The number that phones are shown."""
        row = self.record(entity)
        return int(row.version + row.version_offset)

    def steps(self, entity: int) -> list[Any]:
        with read_transaction() as connection:
            rows = connection.execute(
                select(RecordVersion.__table__)
                .where(RecordVersion.entity == str(UUID(int=entity)))
                .order_by(RecordVersion.served)
            )
            return list(rows)

    def open_reviews(self) -> list[tuple[str, str]]:
        """(kind, field) of every open review."""
        with read_transaction() as connection:
            rows = connection.execute(
                select(ReviewRow.kind, ReviewRow.field)
                .where(ReviewRow.state == "open")
                .order_by(ReviewRow.field)
            )
            return [(kind, name) for kind, name in rows]

    def journal(self, since: int = 0) -> list[Any]:
        with read_transaction() as connection:
            rows = connection.execute(
                select(JournalRow.__table__).where(JournalRow.seq > since).order_by(JournalRow.seq)
            )
            return list(rows)

    def info(self, name: str = "anak") -> ListInfo:
        with read_transaction() as connection:
            return load_lists(connection, self.project_id)[name]

    def hash_for(self, area: Area = EVERYTHING) -> str:
        with read_transaction() as connection:
            info = load_lists(connection, self.project_id)["anak"]
            return list_hash(connection, self.project_id, info, area)

    def csv_for(self, area: Area = EVERYTHING) -> str:
        with read_transaction() as connection:
            info = load_lists(connection, self.project_id)["anak"]
            return list_csv(connection, self.project_id, info, area).decode()
