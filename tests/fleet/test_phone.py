"""A phone of the fleet against the real doors."""

import itertools
from datetime import timedelta

import pytest
from lxml import etree

from odk_forms.convert import to_xform
from sync_server.accounts import devices
from sync_server.fleet.documents import SyncFailed
from sync_server.fleet.phone import Phone
from sync_server.fleet.wire import NoSignal
from sync_server.models.records import QuarantineRow, Submission, SubmissionAttachment
from tests.fleet.forms import VISIT


@pytest.fixture
def phone(field):
    """A phone that has everything."""
    phone = field.phone()
    phone.sync()
    return phone


def born(phone, name="Siti", weight="8"):
    return phone.fill("visit", {"nama": name, "berat": weight}, label=name)


def weighed(phone, entity, weight):
    return phone.fill("visit", {"berat": weight, "nama": None}, entity=entity)


def block(filled):
    return etree.fromstring(filled.xml).find("meta/entity").attrib


def test_the_first_sync_brings_everything_and_the_second_not_a_byte(field):
    phone = field.phone()

    assert phone.sync().forms == ("visit",)
    assert phone.version_of("visit") == "1"
    held = phone.wire.bytes_down
    second = phone.sync()

    assert (second.forms, second.removed, second.lists) == ((), (), ())
    assert phone.wire.bytes_down == held


def test_a_form_published_anew_replaces_the_one_before(field, phone):
    field.publish(VISIT.replace("| 1       |", "| 2       |"))

    assert phone.sync().forms == ("visit",)
    assert phone.version_of("visit") == "2"


def test_an_offline_chain_ends_the_same_in_every_order(field, phone):
    for order in itertools.permutations(range(3)):
        chain = [born(phone)]
        chain += [weighed(phone, chain[0].entity, weight) for weight in ("8.3", "8.9")]
        assert [block(one).get("baseVersion") for one in chain] == ["", "1", "2"]
        assert len({block(one)["branchId"] for one in chain[1:]}) == 1

        deliveries = phone.send([chain[place] for place in order])

        assert [one.status for one in deliveries] == [201] * 3
        record = field.standing(chain[0].entity)
        assert (record.version, record.waiting, record.open_reviews) == (3, 0, 0)
        assert record.data["berat"] == "8.9"
        assert phone.outbox == []
        phone.sync()
        local = phone.lists["anak"].entities[chain[0].entity]
        assert (local.version, local.dirty, local.offline) == (3, False, False)


def test_two_phones_that_weigh_one_child_differently_ask(field, phone):
    other = field.phone("Budi")
    child = born(phone).entity
    phone.send()
    other.sync()
    phone.sync()

    for each, weight in ((phone, "8.3"), (other, "9.1")):
        weighed(each, child, weight)
        each.send()

    assert field.standing(child).open_reviews == 1


def test_a_form_whose_answer_was_lost_is_sent_again_and_counts_once(field, phone):
    child = born(phone).entity

    (lost,) = phone.send(answers_lost=True)
    assert (lost.taken, len(phone.outbox)) == (False, 1)
    (again,) = phone.send()

    assert again.taken
    assert field.standing(child).version == 1
    assert field.count(Submission) == 1


def test_a_form_sent_twice_counts_once(field, phone):
    child = born(phone).entity

    assert [one.status for one in phone.send(times=2)] == [201, 201]
    assert field.standing(child).version == 1


def test_a_form_the_server_does_not_know_is_taken_and_kept(field, phone):
    sensus = VISIT.replace("| visit   |", "| sensus  |")
    phone.install(to_xform(sensus.encode(), "form.md", validate=False).xml)
    phone.fill("sensus", {"nama": "Siti"}, label="Siti")

    (delivery,) = phone.send()

    assert delivery.status == 202
    assert delivery.message == "Kiriman tersimpan. Ada yang perlu dicek petugas."
    assert phone.outbox == []
    assert field.count(QuarantineRow) == 1


def test_a_revoked_phone_keeps_what_it_could_not_send(field, phone):
    born(phone)
    with field.app.app_context():
        devices.revoke_app_user(field.project_id, field.last.actor_id, by=None, clock=field.clock)

    (delivery,) = phone.send()

    assert (delivery.status, len(phone.outbox)) == (403, 1)
    assert delivery.message.startswith("HP ini tidak terdaftar lagi.")
    with pytest.raises(SyncFailed, match="403"):
        phone.sync()
    assert phone.version_of("visit") == "1"


def test_without_a_signal_nothing_is_lost():
    phone = Phone("http://127.0.0.1:9/v1/key/x/projects/1", "collect:x")
    phone.install(to_xform(VISIT.encode(), "form.md", validate=False).xml)
    born(phone)

    assert [one.status for one in phone.send()] == [None]
    assert len(phone.outbox) == 1
    with pytest.raises(NoSignal):
        phone.sync()


def test_files_go_in_as_many_bodies_as_the_server_asks_for(field, phone):
    files = {f"foto{n}.jpg": bytes([n]) * 900_000 for n in range(4)}
    phone.fill("visit", {"nama": "Siti", "foto": "foto0.jpg"}, label="Siti", files=files)

    (delivery,) = phone.send()

    assert delivery.taken
    assert field.count(SubmissionAttachment) == 4
    assert field.count(Submission) == 1


def test_a_wrong_clock_is_written_into_the_form(field):
    phone = field.phone(clock_off=timedelta(days=-300))
    phone.sync()

    root = etree.fromstring(born(phone).xml)

    assert root.findtext("mulai") == "2026-01-25T10:00:00.000+07:00"
    assert root.findtext("akhir") == "2026-01-25T10:01:00.000+07:00"
    assert root.findtext("hari") == "2026-01-25"
    assert root.findtext("hp") == "collect:Ani"


def test_what_was_not_relevant_is_absent_and_what_was_left_empty_is_blank(phone):
    root = etree.fromstring(born(phone, weight="8").xml)
    assert root.find("ukur/tinggi") is None
    assert root.findtext("ukur/foto") == ""

    away = phone.fill("visit", {"nama": "x", "ukur": None}, label="x", saves=False)
    root = etree.fromstring(away.xml)
    assert root.find("ukur") is None
    assert block(away)["create"] == "0"


def test_an_answer_to_no_question_is_refused(phone):
    with pytest.raises(ValueError, match="bert"):
        phone.fill("visit", {"bert": "8"})
    with pytest.raises(KeyError):
        phone.fill("sensus", {})
