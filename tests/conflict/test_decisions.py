"""Deletes, disputes, restores, resolves and reopening: merge.md, section 3."""

import pytest

from conflict.basis import in_branch_order
from conflict.types import Change, Op, RecordStatus
from tests.conflict.village import CHILD, Phone, Server, born, phones


def contended(**data):
    """RT 06 by A and 07 by B, who did not see each other; 07 is shown."""
    server = born(Server(), rt="05", **data)
    a, b = phones(server, "AB")
    a.fill(rt="06")
    b.fill(rt="07")
    a.send(server)
    b.send(server)
    assert server.questions() == {"rt": {"A1", "B1"}}
    return server


def disputed():
    """Deleted by the bidan while A changed the RT."""
    server = born(Server(), rt="05", imunisasi="bcg", bb="9", tgl="2026-10-02")
    (a,) = phones(server, "A")
    a.fill(rt="06")
    server.delete()
    a.send(server)
    assert server.questions() == {"delete": {"bidan1", "A1"}}
    return server


# deletes


def test_a_delete_covers_all_that_stood_contenders_and_dates_too():
    server = contended(imunisasi="bcg", bb="9", tgl="2026-10-02", nik="3201")
    server.delete()
    assert (server.status(), server.version()) == (RecordStatus.DELETED, 3)
    assert server.value("nik") == "3201"
    assert server.questions() == {"rt": {"A1", "B1"}}


def test_a_delete_that_names_its_base_covers_what_stood_there():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    a.fill(rt="06")
    a.send(server)
    server.decide(Op.DELETE, base_version=1)
    assert server.questions() == {"delete": {"bidan1", "A1"}}


def test_a_write_that_comes_after_a_restore_disputes_nothing():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    a.fill(rt="06")
    server.delete()
    server.restore()
    a.send(server)
    assert (server.status(), server.value("rt"), server.version()) == ("active", "06", 2)
    assert not server.questions()


def test_a_restore_gives_back_the_state_before_the_delete():
    server = contended()
    before = server.record().state
    server.delete()
    server.restore()
    assert server.record().state == before


def test_two_deletes_are_both_restored_and_two_deletes_cover_together():
    server = disputed()
    server.delete()
    assert server.status() == RecordStatus.DELETED
    assert not server.questions()
    server.restore()
    assert (server.status(), server.value("rt")) == ("active", "06")


def test_a_dispute_settled_as_active_voids_the_delete():
    server = disputed()
    server.settle_delete("active")
    assert (server.status(), server.questions(), server.value("rt")) == ("active", {}, "06")


def test_a_dispute_settled_as_deleted_covers_what_it_lists_and_no_more():
    server = disputed()
    b = Phone("B").refresh(server)
    server.settle_delete("deleted")
    assert (server.status(), server.questions()) == ("deleted", {})
    b.fill(rw="02")
    b.send(server)
    assert server.status() == RecordStatus.DISPUTED
    assert server.questions() == {"delete": {"bidan1", "bidan2", "B1"}}


@pytest.mark.parametrize("status", ["active", "deleted"])
def test_a_settled_dispute_reopens_as_it_was(status):
    server = disputed()
    asked = server.reviews()
    decision = server.settle_delete(status)
    server.reopen(decision)
    assert server.reviews() == asked
    assert server.status() == RecordStatus.DISPUTED


def test_a_delete_before_the_create_asks_once_the_create_has_come():
    server, a = Server(), Phone("A")
    create, update = a.register(rt="05"), a.fill(rt="06")
    server.take(update)
    server.delete()
    assert server.status() == RecordStatus.DELETED
    server.take(create)
    assert server.status() == RecordStatus.DISPUTED
    assert server.questions() == {"delete": {"bidan1", "A1"}}


def test_a_record_that_is_incomplete_and_disputed_asks_too():
    server, a = Server(), Phone("A")
    a.register(rt="05")
    second, third = a.fill(rt="06"), a.fill(rw="02")
    server.take(second)
    server.delete()
    server.take(third)
    assert server.status() == RecordStatus.INCOMPLETE
    assert server.questions() == {"delete": {"bidan1", "A3"}}


def test_a_delete_covers_what_its_author_saw_though_the_value_turns_out_to_be_older():
    #  A1 rt 06, lost ── A2 rt 06, deleted by the bidan ── A1 comes: the 06 she saw is A1's
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    lost, second = a.fill(rt="06"), a.fill(rt="06")
    server.take(second)
    server.delete()
    server.take(lost)
    assert (server.status(), server.questions()) == ("deleted", {})


# decisions


@pytest.mark.parametrize("value", ["06", "07", "08", "", "05"])
def test_a_resolve_closes_what_it_lists_and_shows_its_value_even_one_shown_before(value):
    server = contended()
    server.resolve("rt", value)
    assert (server.value("rt"), server.questions(), server.version()) == (value, {}, 4)


def test_a_resolve_replaces_exactly_what_it_lists():
    server = contended()
    a, late = phones(server, "CD")
    listed = server.reviews()[0].contenders
    a.fill(rt="08")
    a.send(server)  # replaces the 07 that was shown
    late.fill(rw="09")
    server.decide(Op.RESOLVE, contenders=listed, data={"rt": "06"})
    assert server.questions() == {"rt": {"C1", "bidan1"}}


def test_a_resolve_made_elsewhere_replaces_also_what_comes_later():
    server = born(Server(), rt="05")
    a, b = phones(server, "AB")
    a.fill(rt="06")
    b.fill(rt="07")
    a.send(server)
    server.decide(Op.RESOLVE, contenders=("A1", "B1"), data={"rt": "06"})
    assert server.record().state.awaited == {"B1"}
    b.send(server)
    assert (server.value("rt"), server.questions()) == ("06", {})
    assert server.record().state.awaited == frozenset()


def test_an_edit_on_a_page_replaces_all_that_stands_in_the_fields_it_names():
    server = contended(rw="01")
    server.patch(rt="08", rw="02")
    assert (server.value("rt"), server.value("rw"), server.questions()) == ("08", "02", {})


def test_an_edit_on_a_page_sets_a_nik_and_another_phone_is_still_asked_about():
    server = born(Server(), nik="3201")
    (b,) = phones(server, "B")
    server.patch(nik="3210")
    assert (server.value("nik"), server.questions()) == ("3210", {})
    b.fill(nik="9999")
    b.send(server)
    assert (server.value("nik"), server.questions()) == ("3210", {"nik": {"bidan1", "B1"}})


def test_an_edit_on_a_page_of_an_incomplete_record_is_made_over_what_the_page_showed():
    server, a = Server(), Phone("A")
    create, update = a.register(rt="05"), a.fill(rt="06", rw="02")
    server.take(update)
    assert server.value("rt") == "06"
    page = server.patch(rt="07")
    assert server.outcome(page) == "applied"
    server.take(create)
    assert (server.value("rt"), server.value("rw"), server.waiting()) == ("07", "02", [])
    assert not server.questions()


def test_an_edit_on_a_page_unticks_an_option_and_ticks_another():
    server = born(Server(), imunisasi="bcg dpt")
    server.patch(imunisasi="dpt polio")
    assert server.value("imunisasi") == "dpt polio"


def test_a_resolve_of_a_day_named_bears_that_day_and_else_the_newest_it_lists():
    server = born(Server(today="2026-11-05"), bb="9.5", tgl="2026-10-02")
    (a,) = phones(server, "A")
    a.fill(bb="98", tgl="2027-11-05")
    a.send(server)
    listed = server.reviews()[0].contenders
    b = Phone("B").refresh(server)
    b.fill(bb="9.6", tgl="2026-11-05")
    b.send(server)  # the 9.5 that the decision lists stands no more

    late = server.decide(Op.RESOLVE, contenders=listed, data={"bb": "9.8"})
    named = server.decide(Op.RESOLVE, contenders=(), data={"bb": "9.9", "tgl": "2026-11-04"})

    known = server.record().known
    assert known[late.change_id].properties["bb"].observed_on == "2026-10-02"
    assert known[named.change_id].properties["bb"].observed_on == "2026-11-04"
    assert (server.value("bb"), server.questions()) == ("9.6", {})


@pytest.mark.parametrize("value", ["06", "08"])
def test_reopening_gives_back_the_state_before(value):
    server = contended()
    before, asked = server.record().state, server.reviews()
    server.reopen(server.resolve("rt", value))
    after = server.record().state
    assert (after.fields, after.deletes, after.status) == (
        before.fields,
        before.deletes,
        before.status,
    )
    assert (server.reviews(), server.version()) == (asked, 5)


def test_reopening_what_somebody_edited_since_asks_about_that_edit_too():
    server = contended()
    decision = server.resolve("rt", "08")
    c = Phone("C").refresh(server)
    c.fill(rt="09")
    c.send(server)
    server.reopen(decision)
    assert server.questions() == {"rt": {"A1", "B1", "C1"}}


def test_only_a_resolve_can_be_reopened():
    server = born(Server(), rt="05")
    before = server.record().state.fields
    server.decide(Op.REOPEN, of="lahir")
    server.decide(Op.REOPEN, of="nobody")
    server.decide(Op.REOPEN)
    assert (server.record().state.fields, server.version()) == (before, 4)


def test_a_reopening_may_come_before_its_resolve():
    server = contended()
    before = server.record().state.fields
    server.decide(Op.REOPEN, of="bidan2")
    server.resolve("rt", "08")
    assert server.record().state.fields == before


def test_a_program_that_sends_a_delete_after_its_update_is_not_disputed():
    server = Server()
    common = {"list_name": "anak", "entity": CHILD, "author": "program"}
    batch = [
        Change(change_id="p4", op=Op.RESTORE, **common),
        Change(change_id="p2", op=Op.UPDATE, data={"rt": "06"}, base_version=1, **common),
        Change(change_id="p1", op=Op.CREATE, label="Siti", data={"rt": "05"}, **common),
        Change(change_id="p3", op=Op.DELETE, **common),
    ]
    assert [c.change_id for c in in_branch_order(batch)] == ["p1", "p2", "p4", "p3"]
    server.take(*in_branch_order(batch))
    assert (server.status(), server.value("rt")) == (RecordStatus.DELETED, "06")
