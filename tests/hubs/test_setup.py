"""What a hub is set up with: forms, lists and accounts as they are at the centre, every time."""

import uuid

import pytest
from sqlalchemy import select

from sync_server.accounts import devices
from sync_server.db import read_transaction
from sync_server.models.people import Audit
from sync_server.publishing import lists, publish
from sync_server.publishing.closing import set_state
from sync_server.stores.forms import list_form_attachments, list_versions
from sync_server.stores.lists import load_lists
from sync_server.stores.people import list_app_users
from sync_server.stores.upsert import table_of
from tests.scenarios.posyandu import checked_form, form
from tests.support.promises import promise

# What a setup is read from is tried on both databases in `test_relaying.py`.
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

WITH_PICTURE = """\
| settings |
| | form_title | form_id | version |
| | Gambar | gambar | {version} |
| survey |
| | type | name | label | image |
| | text | a | A | satu.png |
"""


@pytest.fixture
def manager(centre):
    return {"by": centre.admin, "clock": centre.clock}


def declared(app, project_id):
    with app.app_context(), read_transaction() as connection:
        found = load_lists(connection, project_id)
    return {name: (one.properties, one.policies, one.rules) for name, one in found.items()}


@promise("P99")
def test_lists_are_declared_as_they_are_at_the_centre(centre, hub, manager):
    hub.pair("Tanjung", posyandu="melati")
    assert declared(hub.app, hub.project) == declared(centre.app, centre.project.id)
    project = centre.project.id
    with centre.app.app_context():
        lists.set_policy(project, "anak", "rt", "last", **manager)
        lists.add_property(project, "anak", "alamat", phone=False, **manager)
        lists.add_list(project, "ibu", **manager)
    hub.relay()
    assert declared(hub.app, hub.project) == declared(centre.app, centre.project.id)


def test_every_version_of_a_form_comes_in_its_order_with_its_files(centre, hub, manager):
    project = centre.project.id
    with centre.app.app_context():
        for version, picture in (("2", b"two"), ("1", b"one")):
            text = WITH_PICTURE.format(version=version).encode()
            files = {"satu.png": picture}
            publish.publish(project, text, "g.md", attachments=files, **manager)
    hub.pair("Tanjung", posyandu="melati")
    with hub.app.app_context(), read_transaction() as connection:
        versions = list_versions(connection, hub.project, "gambar")
        assert [row.version for row in versions] == ["1", "2"]
        for number, picture in (("2", b"two"), ("1", b"one")):
            (row,) = list_form_attachments(connection, hub.project, "gambar", number)
            blobs = hub.app.extensions["simpul"].blobs
            assert blobs.path(row.sha256).read_bytes() == picture


@promise("P99")
def test_what_is_set_up_already_is_not_set_up_again(centre, hub, line):
    centre.phone("A")
    hub.pair("Tanjung", posyandu="melati")

    def audits():
        with hub.app.app_context(), read_transaction() as connection:
            return connection.execute(select(table_of(Audit).c.action)).scalars().all()

    before = audits()
    line.asked.clear()
    hub.relay()
    assert "GET setup/xml" not in line.asked
    centre.phone("B")  # alters the setup: only the new account is news
    done = hub.relay()
    assert (done.devices, done.forms, done.failed) == (1, [], {})
    assert "GET setup/xml" not in line.asked
    assert audits() == [*before, "field_key.adopt"]


def test_accounts_of_the_area_come_with_their_tokens_and_go_when_they_are_revoked(centre, hub):
    mine, other = centre.phone("A"), centre.phone("B", posyandu="mawar")
    hub.pair("Tanjung", posyandu="melati")
    here = hub.phone(mine)
    here.sync()
    assert other.name not in names(hub)
    with centre.app.app_context():
        devices.revoke_app_user(
            centre.project.id, mine.actor_id, by=centre.admin, clock=centre.clock
        )
    hub.relay()
    assert here.get("formList").status_code == 403
    with centre.app.app_context():
        devices.set_properties(
            centre.project.id,
            other.actor_id,
            {"posyandu": "melati"},
            by=centre.admin,
            clock=centre.clock,
        )
    hub.relay()
    hub.phone(other).sync()


def names(hub):
    with hub.app.app_context(), read_transaction() as connection:
        return {row.display_name for row in list_app_users(connection, hub.project)}


def test_a_form_published_while_phones_work_at_the_hub_reaches_them(centre, hub, manager):
    phone = centre.phone("A")
    hub.pair("Tanjung", posyandu="melati")
    here, child = hub.phone(phone), str(uuid.uuid4())
    here.send(here.register(child, posyandu="melati"))
    text = form("ukur", "update").replace("| 1 |", "| 2 |")
    with centre.app.app_context():
        publish.publish_checked(
            centre.project.id, publish.check(text.encode(), "ukur.md"), **manager
        )
    assert hub.relay().forms == ["ukur 2"]
    assert 'version">2' in here.get("formList").text or "<version>2" in here.get("formList").text
    assert checked_form("ukur", "update").definition.version == "1"


@promise("P99")
def test_a_form_is_closed_at_the_hub_as_at_the_centre_and_opened_again(centre, hub, manager):
    phone = centre.phone("A")
    hub.pair("Tanjung", posyandu="melati")
    here, child = hub.phone(phone), str(uuid.uuid4())

    def state(wanted):
        with centre.app.app_context():
            set_state(centre.project.id, "daftar", wanted, **manager)
        hub.relay()
        return here.get("formList").text.count("<formID>daftar<")

    assert state("closing") == 0
    here.send(here.register(str(uuid.uuid4()), posyandu="melati"))
    assert state("closed") == 0
    assert here.post(here.register(child, nama="Siti", posyandu="melati")).status_code == 202
    hub.relay()
    assert centre.changes(child) == []

    assert state("open") == 1
    assert hub.village.shown(child)["nama"] == centre.shown(child)["nama"] == "Siti"
    hub.relay()
    assert {row.state for one in (hub.village, centre) for row in one.quarantine()} == {"resolved"}
