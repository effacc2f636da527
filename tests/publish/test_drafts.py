"""The files of a draft: they come with it, stay with the next one, and are published with it."""

import pytest

from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import BadForm
from sync_server.publishing.drafts import draft_of, files_of, keep_draft, publish_draft
from sync_server.stores.forms import list_form_attachments
from tests.publish.desk import checked, weighing

VILLAGES = """
| settings          |
|                   | form_id | form_title | version |
|                   | desa    | Desa       | 1       |
| survey            |
|                   | type                     | name | label | choice_filter | media::image |
|                   | text                     | kec  | Kec.  |               | logo.png     |
|                   | select_one_external desa | desa | Desa  | kec=${kec}    |              |
| external_choices  |
|                   | list_name | name | label | kec |
|                   | desa      | a    | A     | 1   |
"""


@pytest.fixture
def keep(desk):
    """`keep(table, name=bytes)`: a draft with its files; what it has of each file it expects."""

    def keep(table, **files):
        form = checked(table)
        given = {name.replace("__", "."): content for name, content in files.items()}
        secret = context().settings.secret_key
        of = {"by": None, "clock": desk.clock, "secret_key": secret, "attachments": given}
        form_id = keep_draft(desk.project_id, form, **of)
        with read_transaction() as connection:
            rows = files_of(connection, draft_of(connection, desk.project_id, form_id))
        blobs = context().blobs
        return {one.name: one.sha256 and blobs.read(one.sha256) for one in rows}

    return keep


def test_files_come_with_a_draft_and_are_published_with_it(desk, keep):
    choices = b'"list_name","name","label","kec"\r\n"desa","a","A","1"\r\n'
    assert keep(VILLAGES) == {"itemsets.csv": choices, "logo.png": None}
    assert keep(VILLAGES, logo__png=b"PNG") == {"itemsets.csv": choices, "logo.png": b"PNG"}
    again = keep(VILLAGES.replace("| A     |", "| Aa    |"))
    assert again == {"itemsets.csv": choices.replace(b'"A"', b'"Aa"'), "logo.png": b"PNG"}

    done = publish_draft(desk.project_id, "desa", by=None, clock=desk.clock)
    assert done.missing == ()
    with read_transaction() as connection:
        rows = list_form_attachments(connection, desk.project_id, "desa", "1")
    kept = {row.name: context().blobs.read(row.sha256) for row in rows}
    assert kept == again


def test_a_file_that_a_draft_does_not_expect_is_refused_and_nothing_is_kept(desk, keep):
    desk.publish(weighing())
    register = VILLAGES.replace("select_one_external desa", "select_one_from_file anak.csv")
    register = register.partition("| external_choices")[0].replace("kec=${kec}", "")
    for name in ("lain__png", "anak__csv"):
        with pytest.raises(BadForm, match=r"lain\.png|the entity list"):
            keep(register, **{name: b"x"})
    assert keep(register) == {"anak.csv": None, "logo.png": None}
