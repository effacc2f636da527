"""One form as its page shows it: what it is, and how far it has come onto the devices."""

from __future__ import annotations

from dataclasses import dataclass

from conflict.areas import Area
from odk_forms.definition import FormDefinition
from sync_server.clock import Clock
from sync_server.db import read_transaction
from sync_server.errors import NotFound
from sync_server.reports.board import FormRow, rollout
from sync_server.stores.drafts import find_draft
from sync_server.stores.forms import list_form_attachments, load_definitions


@dataclass(frozen=True, slots=True)
class FormPage:
    """A form, the definition of its newest version, the files of it that are missing, its draft."""

    row: FormRow
    definition: FormDefinition
    missing: tuple[str, ...]
    has_draft: bool


def form_page(
    project_id: int, xml_form_id: str, area: Area, *, clock: Clock, late_days: int
) -> FormPage:
    """A published form, with the devices of `area`. Errors: `NotFound`."""
    forms = rollout(project_id, area, clock=clock, late_days=late_days)
    row = next((one for one in forms if one.xml_form_id == xml_form_id), None)
    if row is None:
        raise NotFound("there is no such form")
    newest = next(one for one in row.versions if one.version == row.version)
    with read_transaction() as connection:
        definition = load_definitions(connection, project_id, [newest.hash])[newest.hash]
        files = list_form_attachments(connection, project_id, xml_form_id, row.version)
        draft = find_draft(connection, project_id, xml_form_id)
    missing = tuple(one.name for one in files if not (one.list_name or one.sha256))
    return FormPage(row, definition, missing, draft is not None)
