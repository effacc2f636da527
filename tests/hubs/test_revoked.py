"""A hub that is revoked: let in no more, and nothing that cadres gave it is lost with it."""

import json
import uuid

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from sync_server.commands import main
from sync_server.db import read_transaction
from sync_server.hubs import book
from sync_server.models.base import Base
from sync_server.models.people import Audit
from sync_server.models.records import Submission
from sync_server.stores.hubs import list_hubs
from sync_server.stores.upsert import table_of
from tests.hubs.field import sha_of
from tests.support.api import administrator
from tests.support.promises import promise

# What a file brings is tried on both databases beside the files.
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture
def phone(centre):
    return centre.phone("Bu Tuti")


@pytest.fixture
def paired(hub, phone):
    hub.pair("Tanjung", posyandu="melati")
    return hub


@pytest.fixture
def simpul(monkeypatch):
    """`simpul(app, "push")`: what comes of a command that is given where that app is."""

    def run(app, *arguments: object):
        settings = app.extensions["simpul"].settings
        monkeypatch.setenv("SIMPUL_HOME", str(settings.home))
        monkeypatch.setenv("SIMPUL_DATABASE_URL", settings.database_url)
        monkeypatch.setenv("SIMPUL_SECRET_KEY", settings.secret_key)
        done = CliRunner().invoke(main, [str(one) for one in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run


def revoke(centre) -> None:
    with centre.app.app_context():
        with read_transaction() as connection:
            (row,) = list_hubs(connection, centre.project.id)
        book.revoke(centre.project.id, row.actor_id, by=centre.admin, clock=centre.clock)


def counts(app) -> dict[str, int]:
    """How many rows each table has, but for what is noted of the import itself."""
    with app.app_context(), read_transaction() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in Base.metadata.tables.items()
            if table is not table_of(Audit)
        }


@promise("P98", "P104")
def test_what_a_revoked_hub_holds_is_brought_by_file(paired, phone, centre, simpul, tmp_path):
    here, child, photo = paired.phone(phone), str(uuid.uuid4()), b"a photo"
    first = here.register(child, posyandu="melati", rt="05")
    assert here.post(first, **{"a.jpg": photo}).status_code == 201
    here.sync()
    centre.pass_time()
    second = here.measure(child, bb="9.1", tgl="2026-11-20")
    here.send(second)
    stamps = {one.received_at for one in paired.village.changes(child)}
    revoke(centre)

    for command in ("push", "pull"):
        refused = simpul(paired.app, command)
        assert refused.exit_code == 1
        assert refused.stderr == "Error: the centre at http://centre.test refuses: " + (
            "this hub is revoked; what it still holds can be imported from a file\n"
        )
    assert json.loads(simpul(paired.app, "hub", "status", "--json").stdout)["waiting"] == 2
    assert centre.changes(child) == []

    file = tmp_path / "tanjung.syncbatch"
    assert simpul(paired.app, "export-batch", file).exit_code == 0
    brought = simpul(centre.app, "import-batch", file)
    assert brought.output == f"{file}: 2 items (2 applied), 1 attachment\n"

    assert centre.shown(child) == paired.village.shown(child)
    assert centre.record(child).version == paired.village.record(child).version == 2
    assert centre.app.extensions["simpul"].blobs.read(sha_of(photo)) == photo
    with centre.app.app_context(), read_transaction() as connection:
        kept = connection.execute(select(table_of(Submission).c.xml)).scalars().all()
    assert {bytes(xml) for xml in kept} == {first, second}
    assert {one.actor_id for one in centre.changes(child)} == {phone.actor_id}
    admin, sync = administrator(centre.client), f"/projects/{centre.project.id}/sync"
    history = admin.done("GET", f"{sync}/entities/{child}/history")["changes"]
    assert {one["path"][0]["receivedAt"] for one in history} == stamps
    for one in history:
        assert one["deviceId"] == f"collect:{phone.name}"
        assert one["author"]["name"] == phone.name
        assert [stamp["hub"] for stamp in one["path"]] == ["Tanjung", None]

    before = counts(centre.app)
    again = simpul(centre.app, "import-batch", file)
    assert again.output == f"{file}: 2 items (2 duplicate), 1 attachment\n"
    assert counts(centre.app) == before
    assert centre.record(child).version == 2
