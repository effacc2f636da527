"""The histories of `docs/merge.md`, section 5, through the phones' door, on both databases.

Those with edits of submissions (7, 8, 17) come with edits.
"""

import itertools
import uuid

import pytest

from conflict.types import Change, Op
from sync_server.intake.arrival import Author, SentChange, Status
from sync_server.intake.ingest import ingest

pytestmark = pytest.mark.scenario


@pytest.fixture
def siti() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def registered(village, siti):
    """A child on the server, and the two phones that have her in their lists."""
    a, b = village.phone("a"), village.phone("b")
    a.sync()
    a.send(a.register(siti, nama="Siti", posyandu="melati", nik="3211010101200001", rt="5"))
    village.pass_time()
    for phone in (a, b):
        phone.sync()
    return a, b


def later(village, *phones):
    village.pass_time()
    for phone in phones:
        phone.sync()


def test_1_a_weight_left_empty_keeps_the_last_weight(village, registered, siti):
    a, _ = registered
    a.send(a.measure(siti, bb="9.1", tgl="2026-06-05"))
    later(village, a)
    a.send(a.measure(siti, bb="", tb="75", tgl="2026-10-05"))
    assert village.shown(siti)["bb"] == "9.1"
    assert village.shown(siti)["tb"] == "75"
    assert not village.reviews(siti)


def test_2_a_late_phone_does_not_move_the_weight_back(village, registered, siti):
    a, b = registered
    a.send(a.measure(siti, bb="9.1", tgl="2026-06-05"))
    later(village, a, b)
    august = b.measure(siti, bb="8.7", tgl="2026-08-05")
    a.send(a.measure(siti, bb="9.1", tgl="2026-10-05"))
    village.pass_time()
    b.send(august)
    assert village.shown(siti)["bb"] == "9.1"
    assert village.shown(siti)["tgl"] == "2026-10-05"
    assert not village.reviews(siti)


def test_3_a_slip_with_a_date_to_come_is_asked_about_and_never_wins(village, registered, siti):
    a, b = registered
    a.send(a.measure(siti, bb="98", tgl="2027-11-05"))
    assert set(village.asked(siti)) == {"bb"}
    later(village, b)
    b.send(b.measure(siti, bb="9.8", tgl="2026-11-20"))
    assert village.shown(siti)["bb"] == "9.8"
    assert village.asked(siti) == {"bb": {"98", "9.8"}}
    village.pass_time()
    village.settle(siti, "bb", "9.8")
    assert not village.reviews(siti)
    village.pass_time(20)
    later(village, b)
    b.send(b.measure(siti, bb="10.0", tgl="2026-12-05"))
    assert village.shown(siti)["bb"] == "10.0"
    assert not village.reviews(siti)


def test_4_remeasured_by_somebody_who_saw_it_needs_no_question(village, registered, siti):
    a, b = registered
    a.send(a.measure(siti, bb="9.1", tgl="2026-11-20"))
    later(village, b)
    b.send(b.measure(siti, bb="9.3", tgl="2026-11-20"))
    assert village.shown(siti)["bb"] == "9.3"
    assert not village.reviews(siti)


def test_4_remeasured_by_somebody_who_did_not_see_it_is_a_question(village, registered, siti):
    a, b = registered
    a.send(a.measure(siti, bb="9.1", tgl="2026-11-20"))
    village.pass_time()
    b.send(b.measure(siti, bb="9.3", tgl="2026-11-20"))
    assert village.asked(siti) == {"bb": {"9.1", "9.3"}}


def test_5_a_stale_value_sent_again_from_the_screen_is_no_observation(village, registered, siti):
    a, _ = registered
    a.send(a.measure(siti, bb="9.1", tgl="2026-10-05"))
    later(village, a)
    slip = a.measure(siti, bb="8.0", tgl="2026-08-05")
    again = a.measure(siti, bb=a.screen(siti)["bb"], rt="7")
    a.send(slip, again)
    assert village.shown(siti)["bb"] == "9.1"
    assert village.shown(siti)["rt"] == "7"
    assert not village.reviews(siti)


def test_6_a_nik_typed_again_with_a_slip_is_asked_about_and_the_first_stays(
    village, registered, siti
):
    _, b = registered
    b.send(b.measure(siti, nik="3211010101200007"))
    assert village.shown(siti)["nik"] == "3211010101200001"
    assert village.asked(siti) == {"nik": {"3211010101200001", "3211010101200007"}}


def test_9_a_chain_that_begins_in_the_middle_ends_as_in_order(village, registered, siti):
    a, b = registered
    first = a.measure(siti, nama="Siti A")
    second = a.measure(siti, nama="Siti Aminah")
    other = b.measure(siti, nama="Siti B")
    a.send(second)
    assert village.record(siti).waiting == 1
    b.send(other)
    a.send(first)
    assert village.record(siti).waiting == 0
    assert village.asked(siti) == {"nama": {"Siti Aminah", "Siti B"}}


def test_10_a_phone_set_to_2015_does_not_take_over_the_nik(village, registered, siti):
    _, b = registered
    b.client_time = "2015-01-01T08:00:00.000+07:00"
    b.send(b.measure(siti, nik="3211010101150009"))
    assert village.shown(siti)["nik"] == "3211010101200001"


def decide(village, child, op):
    with village.app.app_context():
        change = Change(change_id=str(uuid.uuid4()), list_name="anak", entity=child, op=op)
        author = Author(village.admin, may_decide=True)
        return ingest(village.project, [SentChange(change)], author=author, clock=village.clock)[0]


def test_11_deleted_while_a_phone_measures_is_alive_and_disputed(village, registered, siti):
    a, b = registered
    a.send(a.measure(siti, tb="75", tgl="2026-11-19"))
    village.pass_time()
    assert decide(village, siti, Op.DELETE).status is Status.APPLIED
    assert village.record(siti).status == "deleted"
    b.send(b.measure(siti, bb="9.1", tgl="2026-11-20"))
    record = village.record(siti)
    assert record.status == "disputed"
    assert record.data["nama"] == "Siti"
    assert (record.data["tb"], record.data["bb"]) == ("75", "9.1")
    assert [review.kind for review in village.reviews(siti)] == ["delete"]


def test_12_an_edit_replaces_only_what_its_author_was_shown(village, registered, siti):
    a, b = registered
    c = village.phone("c")
    c.sync()
    b.send(b.measure(siti, rt="81"))
    village.pass_time()
    a.send(a.measure(siti, rt="90"))
    assert village.asked(siti) == {"rt": {"81", "90"}}
    later(village, c)
    assert c.screen(siti)["rt"] == "90"
    c.send(c.measure(siti, rt="91"))
    assert village.asked(siti) == {"rt": {"81", "91"}}


def test_13_confirming_the_value_shown_closes_the_question(village, registered, siti):
    a, b = registered
    b.send(b.measure(siti, rt="81"))
    village.pass_time()
    a.send(a.measure(siti, rt="90"))
    village.pass_time()
    village.settle(siti, "rt", "90")
    assert village.shown(siti)["rt"] == "90"
    assert not village.reviews(siti)
    assert [c.op for c in village.changes(siti)].count("resolve") == 1


def test_14_two_ticks_of_two_phones_are_both_there(village, registered, siti):
    a, b = registered
    a.send(a.measure(siti, imunisasi="polio"))
    b.send(b.measure(siti, imunisasi="dpt"))
    assert village.shown(siti)["imunisasi"] == "dpt polio"
    assert not village.reviews(siti)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_15_an_offline_birth_ends_the_same_in_every_order(village, siti, order):
    phone = village.phone("a")
    phone.sync()
    chain = (
        phone.register(siti, nama="Siti", posyandu="melati"),
        phone.measure(siti, bb="4.1", tgl="2026-11-10"),
        phone.measure(siti, bb="4.3", tgl="2026-11-20"),
    )
    seen_incomplete = False
    for place in order:
        phone.send(chain[place])
        seen_incomplete |= village.record(siti).status == "incomplete"
        village.pass_time()
    record = village.record(siti)
    assert seen_incomplete == (order[0] != 0)
    assert (record.version, record.waiting, record.status) == (3, 0, "active")
    assert record.data == {
        "nama": "Siti",
        "posyandu": "melati",
        "bb": "4.3",
        "tgl": "2026-11-20",
    }
    assert not village.reviews(siti)
    phone.sync()
    assert phone.anak.entities[siti].version == 3


def test_16_a_value_that_was_no_write_after_all_raises_no_question(village, registered, siti):
    a, b = registered
    lost = a.measure(siti, rt="6")
    second = a.measure(siti, rt="6", nama="Siti Aminah")
    a.send(second)
    later(village, b)
    assert b.screen(siti)["rt"] == "6"
    b.send(b.measure(siti, rt="7"))
    village.pass_time()
    a.send(lost)
    assert village.shown(siti)["rt"] == "7"
    assert not village.reviews(siti)
    assert village.record(siti).waiting == 0


def test_16_also_when_the_lost_form_comes_before_the_other_phones_edit(village, registered, siti):
    a, b = registered
    lost = a.measure(siti, rt="6")
    a.send(a.measure(siti, rt="6", nama="Siti Aminah"))
    later(village, b)
    shown_six = b.measure(siti, rt="7")
    village.pass_time()
    a.send(lost)
    b.send(shown_six)
    assert village.shown(siti)["rt"] == "7"
    assert not village.reviews(siti)


def test_18_rt_5_typed_again_as_05_is_an_edit(village, registered, siti):
    a, _ = registered
    a.send(a.measure(siti, rt="05"))
    assert village.shown(siti)["rt"] == "05"
    assert not village.reviews(siti)


def test_different_fields_from_one_version_are_merged_without_a_question(village, registered, siti):
    a, b = registered
    a.send(a.measure(siti, bb="9.1", tgl="2026-11-20"))
    b.send(b.measure(siti, tb="75.5", tgl="2026-11-20"))
    assert (village.shown(siti)["bb"], village.shown(siti)["tb"]) == ("9.1", "75.5")
    assert not village.reviews(siti)
    assert {row.status for row in village.changes(siti)} == {"applied", "merged"}
