"""A draft as it is tried: what it is, the code that sets a phone up for it, and what came."""

from __future__ import annotations

from dataclasses import dataclass, field

from odk_forms.collect import qr_svg, qr_text, settings
from odk_forms.definition import FormDefinition
from sync_server.accounts.credentials import unseal
from sync_server.db import read_transaction
from sync_server.publishing.drafts import ExpectedFile, draft_of, files_of, trial_address
from sync_server.stores.drafts import list_draft_submissions

_COLOR = "#b45309"
"""Of the project on the phone: none that counts has it."""


@dataclass(frozen=True, slots=True)
class DraftPage:
    """A draft. Whoever has its address may try it, and nothing that is sent there counts."""

    xml_form_id: str
    title: str
    version: str
    hash: str
    filename: str
    created_at: str
    definition: FormDefinition
    files: tuple[ExpectedFile, ...]
    sent: int
    last_sent_at: str | None
    url: str = field(repr=False)
    svg: str = field(repr=False)


def draft_page(
    project_id: int, xml_form_id: str, *, public_root: str, secret_key: str, name: str
) -> DraftPage:
    """A form's draft. `name`: what a phone is to call it, `%s` being its title.

    Errors    `NotFound`.
    """
    with read_transaction() as connection:
        row = draft_of(connection, project_id, xml_form_id)
        files = files_of(connection, row)
        sent = list_draft_submissions(connection, project_id, xml_form_id)
    token = unseal(row.token_sealed, secret_key)
    url = trial_address(public_root, token, project_id, xml_form_id)
    called = name.replace("%s", row.name)
    wanted = settings(server_url=url, project_name=called, color=_COLOR, icon=called[:1].upper())
    return DraftPage(
        xml_form_id=row.xml_form_id,
        title=row.name,
        version=row.version,
        hash=row.hash,
        filename=row.source_name or "",
        created_at=row.created_at,
        definition=FormDefinition.from_json(row.definition),
        files=tuple(files),
        sent=len(sent),
        last_sent_at=sent[0].received_at if sent else None,
        url=url,
        svg=qr_svg(qr_text(wanted)),
    )
