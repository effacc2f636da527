"""Edits of a submission, in any order of arrival: merge.md, section 3 and histories 7, 8, 17."""

from dataclasses import replace
from itertools import permutations

import pytest

from conflict.basis import waits_for
from conflict.edits import Edits
from conflict.fold import fold
from conflict.settle import settle
from conflict.standing import view_of
from conflict.types import Change, Op
from tests.conflict.village import CHILD, POLICIES, Phone, Server, born, instant, phones

OTHER = "anak-budi"


def told_in_every_order(forms, **born_with):
    """A server for each order in which the forms may arrive; all of them must end alike."""
    servers = []
    for order in permutations(forms):
        server = born(Server(), **born_with)
        server.take(*order)
        servers.append(server)
    first = servers[0]
    for server in servers:
        for entity, record in first.records.items():
            same = server.record(entity)
            assert server.waiting(entity) == []
            assert comparable(same.state) == comparable(record.state)
            assert server.reviews(entity) == first.reviews(entity)
    return servers


def comparable(state):
    """A state without stamps, which follow the order of arrival."""
    standing = {
        name: (one.shown, {w.change_id: (w.value, w.observed_on) for w in one.writes})
        for name, one in state.fields.items()
    }
    return state.version, state.status, standing, state.deletes, state.awaited, state.heirs


def a_phone(**data) -> Phone:
    """A phone that fetched the list of a server with this child on it."""
    return Phone("A").refresh(born(Server(), **data))


def test_7_the_author_mends_the_nik_of_his_own_form():
    #  A1  nik 3201 ── A2 mends A1: nik 3210
    a = a_phone(rt="05")
    first = a.fill(nik="3201", rt="06")
    mended = a.edit(first, nik="3210")

    for server in told_in_every_order([first, mended], rt="05"):
        assert (server.value("nik"), server.value("rt")) == ("3210", "06")
        assert (server.questions(), server.version()) == ({}, 3)


def test_7_also_when_the_form_registered_the_child():
    a = Phone("A")
    create = a.register(nik="3201", rt="05")
    update = a.fill(rt="06")
    mended = a.edit(create, nik="3210")
    for order in permutations([create, update, mended]):
        server = Server()
        server.take(*order)
        assert (server.value("nik"), server.value("rt")) == ("3210", "06")
        assert (server.questions(), server.waiting(), server.version()) == ({}, [], 3)
        assert server.status() == "active"


def test_8_the_wrong_child_was_chosen_then_the_form_is_edited():
    #  A1  bb 8.0 at Siti ── A2 mends A1: the same weight at Budi
    def start() -> Server:
        server = born(Server(), bb="9.0", tgl="2026-06-05")
        server.take(
            Change(change_id="budi", list_name="anak", entity=OTHER, op=Op.CREATE, label="Budi")
        )
        return server

    (a,) = phones(start(), "A")
    wrong = a.fill(CHILD, bb="8.0", tgl="2026-07-03")
    right = a.edit(wrong, OTHER)
    for order in permutations([wrong, right]):
        server = start()
        server.take(*order)
        assert (server.value("bb"), server.value("tgl")) == ("9.0", "2026-06-05")
        assert (server.value("bb", OTHER), server.value("tgl", OTHER)) == ("8.0", "2026-07-03")
        assert (server.version(), server.version(OTHER)) == (3, 2)
        assert not server.questions()
        assert not server.questions(OTHER)
        assert (server.waiting(), server.waiting(OTHER)) == ([], [])


def test_8_chosen_back_and_forth_the_weight_stands_where_the_last_edit_says():
    a = a_phone(bb="9.0", tgl="2026-06-05")
    a.rows[OTHER] = replace(a.rows[CHILD], branch="another")
    first = a.fill(bb="8.0", tgl="2026-07-03")
    there = a.edit(first, OTHER)
    back = a.edit(there, CHILD, bb="8.1")
    budi = Change(change_id="budi", list_name="anak", entity=OTHER, op=Op.CREATE, label="Budi")
    servers = told_in_every_order([budi, first, there, back], bb="9.0", tgl="2026-06-05")
    for server in servers:
        assert (server.value("bb"), server.value("bb", OTHER)) == ("8.1", "")
        assert (server.version(), server.version(OTHER)) == (4, 3)
        assert (server.questions(), server.questions(OTHER)) == ({}, {})


def test_17_a_value_that_an_edit_changed_after_it_was_replaced_is_asked_about():
    #  server  v1 ── v2 A1 rt 06 ── v3 B1 rt 07 ── v4 A2 mends A1: rt 08 -> {07, 08}
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    first = a.fill(rt="06")
    a.send(server)
    b = Phone("B").refresh(server)
    b.fill(rt="07")
    b.send(server)
    a.edit(first, rt="08")
    a.send(server)
    assert server.questions() == {"rt": {"A2", "B1"}}
    assert server.outcome(a.outbox[-1]) == "conflict"


def test_who_replaced_a_value_replaces_it_in_an_edit_that_says_the_same():
    server = born(Server(), rt="05", rw="01")
    (a,) = phones(server, "A")
    first = a.fill(rt="06", rw="02")
    a.send(server)
    b = Phone("B").refresh(server)
    late = Phone("C").refresh(server)
    b.fill(rt="07")
    b.send(server)
    a.edit(first, rw="03")
    a.send(server)
    assert (server.value("rt"), server.value("rw"), server.questions()) == ("07", "03", {})
    late.fill(rw="04")  # was shown the 02 that the edit changed
    late.send(server)
    assert server.questions() == {"rw": {"A2", "C1"}}


def test_after_an_edit_the_fast_path_still_knows_whose_place_it_took():
    server = born(Server(), rt="05", rw="01")
    (a,) = phones(server, "A")
    first = a.fill(rt="06")
    a.send(server)
    late = Phone("C").refresh(server)
    a.edit(first, rw="02")
    a.send(server)
    late.fill(rt="07")  # was shown the 06 of the original, which the edit says too
    late.send(server)
    assert (server.value("rt"), server.questions()) == ("07", {})


def test_an_edit_that_puts_back_what_was_shown_writes_nothing():
    a = a_phone(rt="05")
    first = a.fill(rt="06")
    back = a.edit(first, rt="05")
    for server in told_in_every_order([first, back], rt="05"):
        assert (server.value("rt"), server.questions(), server.version()) == ("05", {}, 3)


def test_two_edits_of_one_original_are_contenders():
    a = a_phone(rt="05")
    first = a.fill(rt="06")
    one, other = a.edit(first, rt="07"), a.edit(first, rt="08")
    for server in told_in_every_order([first, one, other], rt="05"):
        assert server.questions() == {"rt": {one.change_id, other.change_id}}


def test_an_edit_of_an_edit_keeps_the_base_and_the_times_of_the_first_original():
    a = a_phone(rt="05")
    first = a.fill(rt="06", day="2026-10-02")
    second = a.edit(first, rt="07", day="2026-10-09")
    third = a.edit(second, rt="08", day="2026-10-16")
    for server in told_in_every_order([first, second, third], rt="05"):
        assert (server.value("rt"), server.questions()) == ("08", {})
        (write,) = server.record().state.fields["rt"].writes
        assert write.order_time[:10] == "2026-10-02"


def test_a_form_may_be_edited_a_thousand_times_and_more():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    forms = [a.fill(rt="06", rw="02")]
    for number in range(1500):
        forms.append(a.edit(forms[-1], rt=f"{number}"))
    view = view_of(server.record().state, POLICIES)
    known = [settle(one, view, POLICIES, received_at=instant("2026-11-01")) for one in forms]
    state = fold([*server.record().known.values(), *known], POLICIES)
    assert {name: one.ids for name, one in state.fields.items()} == {
        "label": ("lahir",),
        "rt": (forms[-1].change_id,),
        "rw": (forms[-1].change_id,),
    }
    assert state.heirs["A1"] == {"rw": (forms[-1].change_id,)}
    assert len(state.heirs) == len(forms) - 1


def test_an_edit_before_its_original_stands_on_its_own_base_and_waits():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    first = a.fill(rt="06")
    mended = a.edit(first, rt="07")
    server.take(mended)
    assert (server.value("rt"), server.outcome(mended)) == ("07", "waiting")
    assert waits_for(server.record(), mended) == "submission A1"
    server.take(first)
    assert (server.value("rt"), server.questions(), server.waiting()) == ("07", {}, [])
    assert waits_for(server.record(), mended) is None


def test_an_edit_waits_with_its_original():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    lost, first = a.fill(rt="06"), a.fill(rt="07")
    mended = a.edit(first, rw="02")
    server.take(first, mended)
    assert server.waiting() == ["A2", "A3"]
    assert waits_for(server.record(), mended) == f"branch {lost.branch_id} base 1"
    server.take(lost)
    assert (server.value("rt"), server.value("rw")) == ("07", "02")
    assert (server.waiting(), server.questions()) == ([], {})


def test_an_edit_alters_no_list_on_the_phone_so_that_the_next_form_bears_its_number():
    a = a_phone(rt="05", rw="01", catatan="")
    first = a.fill(rt="06")
    mended = a.edit(first, rw="02")
    second, third = a.fill(rt="07"), a.fill(catatan="sehat", rt="08")
    assert mended.base_version == second.base_version == 2
    forms = [first, mended, second, third]
    for server in told_in_every_order(forms, rt="05", rw="01", catatan=""):
        assert server.shown() == {"label": "Siti", "rt": "08", "rw": "02", "catatan": "sehat"}
        assert server.questions() == {}


def test_an_edit_that_holds_a_number_of_its_own_is_a_link_of_the_chain():
    a = a_phone(rt="05", rw="01")
    first = a.fill(rt="06")
    mended = a.edit(first, rw="02")
    a.rows[CHILD].version += 1  # a program whose edits alter its list
    third = a.fill(rt="08")
    for server in told_in_every_order([first, mended, third], rt="05", rw="01"):
        assert (server.value("rt"), server.value("rw"), server.questions()) == ("08", "02", {})


def test_submissions_that_name_each_other_in_a_circle_stand_by_themselves():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    one, other = a.fill(rt="06"), a.fill(rw="02")
    one = replace(one, deprecates=other.submission)
    other = replace(other, deprecates=one.submission)
    server.take(one, other)
    assert (server.value("rt"), server.value("rw")) == ("06", "02")
    assert not Edits(server.record().known).deprecated


def test_a_delete_that_covered_a_value_covers_the_same_value_of_an_edit():
    server = born(Server(), rt="05", rw="01")
    (a,) = phones(server, "A")
    first = a.fill(rt="06")
    a.send(server)
    server.delete()
    a.edit(first)
    a.send(server)
    assert server.status() == "deleted"
    a.edit(first, rt="07")
    a.send(server)
    assert server.status() == "disputed"


@pytest.mark.parametrize("mends", ["bb", "tgl"])
def test_an_edit_mends_a_weight_or_its_date(mends):
    a = a_phone(bb="9.0", tgl="2026-06-05")
    first = a.fill(bb="98", tgl="2026-07-03")
    mended = a.edit(first, **{"bb": "9.8"} if mends == "bb" else {"tgl": "2026-07-04"})
    for server in told_in_every_order([first, mended], bb="9.0", tgl="2026-06-05"):
        assert server.questions() == {}
        shown = (server.value("bb"), server.value("tgl"))
        assert shown == (("9.8", "2026-07-03") if mends == "bb" else ("98", "2026-07-04"))
