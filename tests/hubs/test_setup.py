"""What a hub is set up with: forms, lists and accounts as they are at the centre, every time."""

import uuid
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from sync_server.accounts import devices
from sync_server.accounts.credentials import hash_of_token
from sync_server.db import read_transaction
from sync_server.hubs.link import HubLink
from sync_server.hubs.upstream import note
from sync_server.models.people import Audit
from sync_server.models.records import Submission, SubmissionAttachment
from sync_server.publishing import access, lists, publish
from sync_server.publishing.closing import set_state
from sync_server.stores.forms import list_form_attachments, list_versions
from sync_server.stores.lists import load_lists
from sync_server.stores.people import list_app_users
from sync_server.stores.upsert import table_of
from sync_server.stores.upstreams import find_upstream
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


def test_what_waited_at_the_centre_for_its_form_has_its_files_there_and_is_as_complete(
    centre, hub, manager
):
    phone = centre.phone("A")
    hub.pair("Tanjung", posyandu="melati")
    here, child = hub.phone(phone), str(uuid.uuid4())
    with centre.app.app_context():
        set_state(centre.project.id, "daftar", "closed", **manager)
    hub.relay()
    xml = here.register(child, posyandu="melati")
    assert here.post(xml, **{"a.jpg": b"a photo", "*isIncomplete*": b"yes"}).status_code == 202
    hub.relay()
    with centre.app.app_context():
        set_state(centre.project.id, "daftar", "open", **manager)
    (submission,) = centre._rows(Submission)
    (file,) = centre._rows(SubmissionAttachment)
    assert not submission.complete
    assert (file.name, file.here_at is not None) == ("a.jpg", True)


@pytest.fixture
def told(monkeypatch):
    """What centres tell of forms, in the order of the contacts; `told.leaves_out` is not told."""
    told, ask = SimpleNamespace(forms=[], leaves_out=()), HubLink.setup

    def setup(link, tag, *, sent_at):
        found = ask(link, tag, sent_at=sent_at)
        for one in found[0]["forms"] if found else ():
            for name in told.leaves_out:
                del one[name]
        told.forms.append(found and {one["xml_form_id"]: one for one in found[0]["forms"]})
        return found

    monkeypatch.setattr(HubLink, "setup", setup)
    return told


@pytest.fixture
def give(centre, hub, manager):
    """`give(phone, …)`: at the centre `ukur` is for these too, not for all; `give()`: for all."""

    def give(*phones):
        project = centre.project.id
        with centre.app.app_context():
            for phone in phones:
                access.give(project, "ukur", phone.actor_id, **manager)
            access.set_given(project, "ukur", given=bool(phones), **manager)
        if hub.village is not None:
            hub.relay()

    return give


def listed(*phones):
    return [one.get("formList").text.count("<formID>ukur<") for one in phones]


@promise("P99", "O20")
def test_a_phone_has_those_forms_at_a_hub_that_it_has_at_the_centre(centre, hub, line, give, told):
    mine, other = centre.phone("A"), centre.phone("B")
    give(mine, centre.phone("C", posyandu="mawar"))
    hub.pair("Tanjung", posyandu="melati")
    here, there = hub.phone(mine), hub.phone(other)
    assert listed(here, there) == [1, 0]
    assert there.get("forms/ukur/attachments/anak.csv").status_code == 404
    assert told.forms[-1]["ukur"]["devices"] == [hash_of_token(mine.token)]
    assert told.forms[-1]["daftar"]["devices"] is None

    child = str(uuid.uuid4())
    here.send(here.register(child, nama="Siti", posyandu="melati"))
    here.sync()
    there.anak = here.anak
    assert there.post(there.measure(child, bb="9.9", tgl="2026-11-02")).status_code == 202
    hub.relay()
    assert {one.shown(child).get("bb") for one in (hub.village, centre)} == {None}

    line.asked.clear()
    give(other)
    assert listed(here, there) == [1, 1]
    assert "GET setup/xml" not in line.asked
    hub.relay()
    assert {one.shown(child)["bb"] for one in (hub.village, centre)} == {"9.9"}
    hub.relay()
    assert told.forms[-1] is None


def test_a_card_that_was_rotated_has_the_forms_of_the_one_before(centre, hub, give, manager):
    mine, project = centre.phone("A"), centre.project.id
    give(mine)
    hub.pair("Tanjung", posyandu="melati")
    secret = centre.app.extensions["simpul"].settings.secret_key
    with centre.app.app_context():
        devices.rotate_token(project, mine.actor_id, secret_key=secret, **manager)
        mine.token = devices.reveal_token(project, mine.actor_id, secret_key=secret)
    hub.relay()
    again = hub.phone(mine)
    assert listed(again, mine) == [1, 1]


def test_a_centre_that_says_nothing_of_devices_alters_nothing(centre, hub, give, told):
    mine, other = centre.phone("A"), centre.phone("B")
    give(mine)
    told.leaves_out = ("devices",)
    hub.pair("Tanjung", posyandu="melati")
    phones = [hub.phone(mine), hub.phone(other)]
    assert listed(*phones) == [1, 1]
    told.leaves_out = ()
    give()
    give(mine)
    assert listed(*phones) == [1, 0]
    told.leaves_out = ("devices",)
    give()
    assert listed(*phones) == [1, 0]


def test_a_hub_that_read_less_of_a_setup_reads_it_again_after_an_upgrade(centre, hub, give):
    mine, other = centre.phone("A"), centre.phone("B")
    hub.pair("Tanjung", posyandu="melati")
    phones = [hub.phone(mine), hub.phone(other)]
    give(mine)
    with hub.app.app_context():
        tag = find_tag(hub)
        access.mirror(hub.project, "ukur", given=False, to=(), by=None, clock=hub.clock)
        note(hub.project, setup_tag=tag.partition("+")[0])
    assert listed(*phones) == [1, 1]
    hub.relay()
    assert listed(*phones) == [1, 0]


def find_tag(hub):
    with read_transaction() as connection:
        return find_upstream(connection, hub.project).setup_tag
