"""The histories of docs/merge.md, section 5, each with the answer that a bidan expects."""

import pytest

from conflict.basis import waits_for
from conflict.types import Op, RecordStatus
from tests.conflict.village import CHILD, Phone, Server, born, declare, phones


def test_1_a_weight_left_empty_under_a_newer_date_leaves_the_last_weight():
    #  server  v1 bb 9.0 of June ── v2
    #  A        ╰── tb 80, bb "", tgl 3 July
    server = born(Server(), bb="9.0", tb="", tgl="2026-06-05")
    (a,) = phones(server, "A")

    visit = a.fill(tb="80", bb="", tgl="2026-07-03")
    a.send(server)

    assert server.value("bb") == "9.0"
    assert (server.value("tb"), server.value("tgl")) == ("80", "2026-07-03")
    assert (server.version(), server.outcome(visit)) == (2, "applied")
    assert not server.questions()


def test_2_a_phone_back_late_with_the_weight_of_august_does_not_beat_october():
    #  server  v1 9.1 June ── v2 9.1 October ── v3
    #  late     ╰── 8.7 of August ──────────────╯
    server = born(Server(), bb="9.1", tgl="2026-06-05")
    late, b = phones(server, "AB")
    august = late.fill(bb="8.7", tgl="2026-08-07")
    october = b.fill(bb="9.1", tgl="2026-10-02")

    b.send(server)
    late.send(server)

    assert (server.value("bb"), server.value("tgl")) == ("9.1", "2026-10-02")
    assert server.record().state.fields["bb"].shown == october.change_id
    assert (server.version(), server.outcome(august)) == (3, "merged")
    assert not server.questions()


def test_3_a_weight_of_next_year_is_asked_about_at_once_and_wins_over_nothing():
    #  A: 98 of 2027-11-05 ── B: 9.7 of December ── bidan: 9.8 for the 98 ── A: 10.0 of January
    server = born(Server(today="2026-11-05"))
    a, b = phones(server, "AB")
    slip = a.fill(bb="98", tgl="2027-11-05")
    a.send(server)
    assert server.value("bb") == ""
    assert server.questions() == {"bb": {slip.change_id}}
    assert server.outcome(slip) == "conflict"

    server.today = "2026-12-03"
    december = b.refresh(server).fill(bb="9.7", tgl="2026-12-03")
    b.send(server)
    assert server.value("bb") == "9.7"
    assert server.questions() == {"bb": {slip.change_id, december.change_id}}

    bidan = server.decide(Op.RESOLVE, contenders=(slip.change_id,), data={"bb": "9.8"})
    assert server.record().known[bidan.change_id].properties["bb"].observed_on == "2026-11-05"
    assert (server.value("bb"), server.value("tgl")) == ("9.7", "2026-12-03")
    assert not server.questions()

    server.today = "2027-01-05"
    a.refresh(server).fill(bb="10.0", tgl="2027-01-05")
    a.send(server)
    assert (server.value("bb"), server.version()) == ("10.0", 5)
    assert not server.questions()


def test_3_a_decision_over_the_weight_shown_bears_its_date():
    server = born(Server(today="2026-11-05"), bb="9.5", tgl="2026-10-02")
    (a,) = phones(server, "A")
    a.fill(bb="98", tgl="2027-11-05")
    a.send(server)

    server.resolve("bb", "9.8")

    assert (server.value("bb"), server.value("tgl")) == ("9.8", "2026-10-02")
    assert not server.questions()
    b = Phone("B").refresh(server)
    b.fill(bb="9.9", tgl="2026-11-05")
    b.send(server)
    assert server.value("bb") == "9.9"


def test_4_remeasured_on_the_same_day_by_someone_who_saw_the_first_value_the_second_stands():
    #  server  v1 ── v2 9.1 (A) ── v3 9.3 (B saw 9.1)
    server = born(Server())
    (a,) = phones(server, "A")
    a.fill(bb="9.1", tgl="2026-10-02")
    a.send(server)
    b = Phone("B").refresh(server)
    again = b.fill(bb="9.3", tgl="2026-10-02")
    b.send(server)

    assert (server.value("bb"), server.version(), server.outcome(again)) == ("9.3", 3, "applied")
    assert not server.questions()


def test_4_remeasured_on_the_same_day_by_someone_who_did_not_see_it_is_a_question():
    #  server  v1 ──┬── A 9.1 ──┬── v3 9.1 or 9.3?
    #               ╰── B 9.3 ──╯
    server = born(Server())
    a, b = phones(server, "AB")
    first, second = a.fill(bb="9.1", tgl="2026-10-02"), b.fill(bb="9.3", tgl="2026-10-02")
    a.send(server)
    b.send(server)

    assert server.questions() == {"bb": {first.change_id, second.change_id}}
    assert (server.value("bb"), server.version(), server.outcome(second)) == ("9.3", 3, "conflict")


def test_5_an_old_slip_entered_late_and_resent_by_another_form_leaves_october():
    #  server  v1 9.1 of October
    #  A        ╰── 8.0 of August ── another form sends the 8.0 and the date on its screen again
    server = born(Server(), bb="9.1", tgl="2026-10-02")
    (a,) = phones(server, "A")
    a.fill(bb="8.0", tgl="2026-08-07")
    resent = a.fill(resend=["bb", "tgl"], rt="04")
    a.send(server)

    assert (server.value("bb"), server.value("tgl")) == ("9.1", "2026-10-02")
    assert not server.record().known[resent.change_id].properties["bb"].write
    assert (server.version(), server.outcome(resent)) == (3, "applied")
    assert not server.questions()


@pytest.mark.parametrize("kept_off_phones", [(), ("nik",)], ids=["on-phones", "kept-off-phones"])
def test_6_a_nik_typed_again_with_a_typo_leaves_the_first_and_asks(kept_off_phones):
    server = born(Server(declare(nik="first", kept_off_phones=kept_off_phones)), nik="3201")
    (a,) = phones(server, "A")
    typo = a.fill(nik="3210")
    a.send(server)

    assert (server.value("nik"), server.version(), server.outcome(typo)) == ("3201", 2, "conflict")
    assert server.questions() == {"nik": {"lahir", typo.change_id}}


@pytest.mark.parametrize(
    "arrival",
    ["A1 A2 B1", "A2 B1 A1", "A2 A1 B1", "B1 A2 A1", "A1 B1 A2", "B1 A1 A2", "A2 A2 B1 A1 A1"],
)
def test_9_the_second_offline_edit_comes_first_and_somebody_edits_meanwhile(arrival):
    #  server  v1 rt 05 ── …
    #  A        ├── A1 rt 06 ── A2 rt 07, rw 02     A2 arrives first: waiting until A1 has come
    #  B        ╰── B1 rt 08
    server = born(Server(), rt="05", rw="01")
    a, b = phones(server, "AB")
    forms = {c.change_id: c for c in (a.fill(rt="06"), a.fill(rt="07", rw="02"), b.fill(rt="08"))}
    for name in arrival.split():
        server.take(forms[name])
        if name == "A2" and "A1" not in server.record().known:
            assert server.outcome(forms["A2"]) == "waiting"
            missing = waits_for(server.record(), forms["A2"])
            assert missing == f"branch {forms['A2'].branch_id} base 1"
            assert server.value("rt") == "07" or "B1" in server.record().known

    assert server.questions() == {"rt": {"A2", "B1"}}
    assert (server.value("rw"), server.version(), server.waiting()) == ("02", 4, [])
    assert waits_for(server.record(), forms["A2"]) is None
    assert server.record().known["A2"].properties["rt"].replaces == ("A1",)


def test_10_a_phone_set_to_2015_does_not_take_over_the_nik_in_force():
    server = born(Server())
    a, b = phones(server, "AB")
    a.fill(nik="3201", day="2026-10-02")
    a.send(server)
    b.fill(nik="3210", day="2015-01-01")
    b.send(server)

    assert server.value("nik") == "3201"
    assert server.questions() == {"nik": {"A1", "B1"}}


def test_11_a_record_deleted_while_a_phone_measures_is_alive_and_disputed_with_all_its_fields():
    #  server  v1 ── deleted ── v2 disputed
    #  A        ╰── bb 9.1 ─────╯
    server = born(Server(), rt="05", nik="3201")
    (a,) = phones(server, "A")
    visit = a.fill(bb="9.1", tgl="2026-10-02")
    gone = server.delete()
    assert (server.status(), server.version()) == (RecordStatus.DELETED, 1)
    assert server.row(CHILD) is None

    a.send(server)

    assert (server.status(), server.version()) == (RecordStatus.DISPUTED, 2)
    assert server.shown() == {
        "label": "Siti",
        "rt": "05",
        "nik": "3201",
        "bb": "9.1",
        "tgl": "2026-10-02",
    }
    assert server.questions() == {"delete": {gone.change_id, visit.change_id}}
    assert server.outcome(visit) == "conflict"
    assert server.row(CHILD) is not None


def two_who_did_not_see_each_other():
    """81 by A and 90 by B; the 90 is shown."""
    server = born(Server(), lingkar="80")
    a, b = phones(server, "AB")
    a.fill(lingkar="81", day="2026-10-01")
    b.fill(lingkar="90", day="2026-10-02")
    a.send(server)
    b.send(server)
    assert server.value("lingkar") == "90"
    return server


def test_12_a_contender_that_a_plain_edit_was_not_shown_stays():
    #  server  v1 80 ──┬── A 81 ──┬── v3 90 shown ── C 91
    #                  ╰── B 90 ──╯
    server = two_who_did_not_see_each_other()
    c = Phone("C").refresh(server)
    c.fill(lingkar="91")
    c.send(server)

    assert server.questions() == {"lingkar": {"A1", "C1"}}
    assert (server.value("lingkar"), server.version()) == ("91", 4)


def test_13_confirming_the_value_shown_closes_the_question():
    server = two_who_did_not_see_each_other()
    server.resolve("lingkar", "90")

    assert (server.value("lingkar"), server.version()) == ("90", 4)
    assert not server.questions()


def test_14_one_ticks_polio_while_another_ticks_dpt():
    server = born(Server(), imunisasi="bcg")
    a, b = phones(server, "AB")
    a.fill(imunisasi="bcg polio")
    b.fill(imunisasi="bcg dpt")
    a.send(server)
    b.send(server)

    assert (server.value("imunisasi"), server.version()) == ("bcg dpt polio", 3)
    assert server.outcome(b.outbox[0]) == "merged"
    assert not server.questions()


@pytest.mark.parametrize("arrival", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_15_updates_that_come_before_their_create_leave_an_incomplete_record_until_it_comes(
    arrival,
):
    #  A   A1 create (offline) ── A2 rt 06 ── A3 rt 07
    server, a = Server(), Phone("A")
    forms = [a.register(rt="05", nik="3201"), a.fill(rt="06", nik="3201"), a.fill(rt="07")]
    for place in arrival:
        server.take(forms[place])
        if "A1" not in server.record().known:
            assert server.status() == RecordStatus.INCOMPLETE
            assert server.row(CHILD) is None
            assert server.outcome(forms[place]) == "waiting"
            assert waits_for(server.record(), forms[place]) == "create"

    assert server.shown() == {"label": "Siti", "rt": "07", "nik": "3201"}
    assert (server.status(), server.version(), server.waiting()) == ("active", 3, [])
    assert not server.questions()
    assert server.record().state.fields["nik"].shown == "A1"


@pytest.mark.parametrize("first", ["06", "07"], ids=["other-value", "same-value"])
def test_16_a_value_shown_while_its_chain_waited_is_replaced_by_who_was_shown_it(first):
    #  server  v1 ── v2 A2 rt 07 (waiting) ── v3 B1 rt 08 ── v4 A1 comes: no question
    #  A        ╰── A1 rt 06, lost on the way ── A2 rt 07
    #  B                 ╰── is shown A2's 07, writes 08
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    lost, second = a.fill(rt=first), a.fill(rt="07")
    a.send(server, second)
    b = Phone("B").refresh(server)
    assert b.rows[CHILD].data["rt"] == "07"
    b.fill(rt="08")
    b.send(server)
    a.send(server, lost)

    assert (server.value("rt"), server.version(), server.waiting()) == ("08", 4, [])
    assert not server.questions()


def test_16_also_when_the_lost_form_comes_before_the_answer_of_the_other_phone():
    #  server  v1 ── v2 A2 rt 07 (waiting) ── v3 A1 rt 07 comes: A2 wrote nothing ── v4 B1 rt 08
    #  B                ╰── is shown A2's 07 ─────────────────────────────────────────╯
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    lost, second = a.fill(rt="07"), a.fill(rt="07")
    a.send(server, second)
    b = Phone("B").refresh(server)
    a.send(server, lost)
    b.fill(rt="08")
    b.send(server)

    assert (server.value("rt"), server.version()) == ("08", 4)
    assert not server.questions()


def test_18_rt_5_retyped_as_05_is_an_edit():
    server = born(Server(), rt="5")
    (a,) = phones(server, "A")
    a.fill(rt="05")
    a.send(server)

    assert (server.value("rt"), server.version()) == ("05", 2)
    assert server.record().known["A1"].properties["rt"].write
    assert not server.questions()
