"""Filled forms and changes of programs as they really arrive, and what is meant by each.

One form saves a row for each child it names: a birth or a measuring. Its changes are put
together here from the rows, and not read back from the XML that the server is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol
from uuid import UUID, uuid5
from xml.sax.saxutils import escape, quoteattr

from conflict.types import Change, Op
from odk_forms.changes import submission_key
from sync_server.fleet.blocks import EntityBlock
from sync_server.fleet.local_list import LocalEntity
from sync_server.intake.arrival import Author, SentChange, SentSubmission
from sync_server.publishing import publish

LIST = "anak"
FORM = "sesi"
PROJECT = "5d1f7e55-0000-4000-8000-000000000002"
PROPERTIES = {
    "nama": "review",
    "posyandu": "review",
    "nik": "first",
    "rt": "review",
    "bb": "latest(tgl)",
    "tb": "latest(tgl)",
    "tgl": "",
    "catatan": "last",
    "imunisasi": "union",
    "lila": "max",
    "usia": "min",
}
OFF_PHONES = ("nik",)


@cache
def session_form() -> publish.Checked:
    """The form of a session, converted once for all tests of a process."""
    rows = "".join(
        f"| | text | {name} | {name} | {name} | {policy} | {'no' if name in OFF_PHONES else ''} |\n"
        for name, policy in PROPERTIES.items()
    )
    sheets = (
        "| settings |\n| | form_title | form_id | version | namespaces |\n"
        f'| | {FORM} | {FORM} | 1 | simpul="urn:simpul:xforms" |\n'
        "| entities |\n| | list_name | label | entity_id | create_if | update_if | repeat |\n"
        f"| | {LIST} | ${{nama}} | ${{id}} | ${{baru}} = '1' | ${{baru}} = '0' | ${{baris}} |\n"
        "| survey |\n| | type | name | label | save_to | bind::simpul:merge "
        "| bind::simpul:phone |\n"
        "| | end | end | | | | |\n| | begin_repeat | baris | baris | | | |\n"
        f"| | select_one_from_file {LIST}.csv | id | id | | | |\n| | text | baru | baru | | | |\n"
        f"{rows}| | end_repeat | | | | | |\n"
    )
    return publish.check(sheets.encode(), f"{FORM}.md")


@dataclass(frozen=True, slots=True)
class Form:
    """A finished form on a phone. A row that neither creates nor updates names no child.

    `spoiled` has one more row, that no change can be made of.
    """

    instance: str
    author: Author
    rows: tuple[EntityBlock, ...]
    finished: str | None = None
    edits: str = ""
    spoiled: bool = False

    @property
    def key(self) -> str:
        return submission_key(FORM, self.instance)

    @property
    def edited(self) -> str:
        return submission_key(FORM, self.edits) if self.edits else ""

    def changes(self) -> tuple[Change, ...]:
        return tuple(
            self._change(place, row)
            for place, row in enumerate(self.rows)
            if row.create or row.update
        )

    def _change(self, place: int, row: EntityBlock) -> Change:
        return Change(
            change_id=str(uuid5(UUID(PROJECT), f"{self.key}\n{place}")),
            list_name=LIST,
            entity=row.id,
            op=Op.CREATE if row.create else Op.UPDATE,
            label=row.label if row.create else row.label or None,
            data=row.properties,
            base_version=int(row.base_version) if row.update else None,
            trunk_version=int(row.trunk_version) if row.trunk_version else None,
            branch_id=row.branch_id or None,
            client_time=self.finished,
            author=str(self.author.actor_id),
            from_form=True,
            submission=self.key,
            deprecates=self.edited,
        )

    def xml(self) -> bytes:
        rows = [_row(row) for row in self.rows]
        if self.spoiled:
            rows.append(_row(replace(self.rows[0], id="tak-bernama")))
        end = f"<end>{self.finished}</end>" if self.finished else ""
        edits = f"<deprecatedID>{self.edits}</deprecatedID>" if self.edits else ""
        meta = f"<meta><instanceID>{self.instance}</instanceID>{edits}</meta>"
        return f"<data id='{FORM}' version='1'>{end}{''.join(rows)}{meta}</data>".encode()

    def sent(self) -> SentSubmission:
        return SentSubmission(self.xml())


@dataclass(frozen=True, slots=True)
class Told:
    """One change that a program or a supervisor's page sends."""

    change: Change
    author: Author

    @property
    def key(self) -> str:
        return self.change.change_id

    @property
    def edited(self) -> str:
        return ""

    def changes(self) -> tuple[Change, ...]:
        return (self.change,)

    def sent(self) -> SentChange:
        return SentChange(self.change)


Item = Form | Told


def _row(row: EntityBlock) -> str:
    values = "".join(f"<{n}>{escape(v)}</{n}>" for n, v in row.properties.items())
    base = (
        f" baseVersion={quoteattr(row.base_version)} trunkVersion={quoteattr(row.trunk_version)}"
        f" branchId={quoteattr(row.branch_id)}"
    )
    action = f" create='{int(row.create)}' update='{int(row.update)}'"
    entity = f"<entity dataset='{row.dataset}' id='{row.id}'{action}{base}>"
    label = f"<label>{escape(row.label or '')}</label>"
    return f"<baris>{values}<meta>{entity}{label}</entity></meta></baris>"


def born_row(child: str, values: dict[str, str]) -> EntityBlock:
    return EntityBlock(
        dataset=LIST,
        id=child,
        create=True,
        update=False,
        base_version="",
        trunk_version="",
        branch_id="",
        label="Siti",
        properties=values,
    )


def measured_row(local: LocalEntity, values: dict[str, str]) -> EntityBlock:
    """A row about a child as the phone's list has it; who names the child anew, labels it so."""
    return EntityBlock(
        dataset=LIST,
        id=local.id,
        create=False,
        update=True,
        base_version=str(local.version),
        trunk_version="" if local.trunk_version is None else str(local.trunk_version),
        branch_id=local.branch_id,
        label=values.get("nama", ""),
        properties=values,
    )


class Sending(Protocol):
    """Anything that somebody sends."""

    @property
    def author(self) -> Author: ...

    def sent(self) -> SentSubmission | SentChange: ...


def in_batches(sendings: Sequence[Sending], cuts: Sequence[bool]) -> list[list[Sending]]:
    """What is sent in its order, in batches of one author; a cut begins another."""
    batches: list[list[Sending]] = []
    for place, one in enumerate(sendings):
        if not batches or batches[-1][0].author != one.author or cuts[place % len(cuts)]:
            batches.append([])
        batches[-1].append(one)
    return batches
