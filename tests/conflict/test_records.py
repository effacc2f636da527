"""Bases, branches, waiting and the numbers phones are shown: merge.md, sections 2 and 6."""

import pytest

from conflict.basis import in_branch_order, is_alone, needs_history, waits_for
from conflict.fold import outcomes
from conflict.record import Record, with_offset
from conflict.taking import take
from conflict.types import Change, Op, RecordState, SettledChange
from tests.conflict.village import CHILD, POLICIES, Phone, Server, born, instant, phones


def program(cid, op=Op.UPDATE, base=None, **data):
    """A change of a program that works online and names the version it saw."""
    return Change(
        change_id=cid,
        list_name="anak",
        entity=CHILD,
        op=op,
        label="Siti" if op is Op.CREATE else None,
        data=data,
        base_version=base,
        author="program",
    )


def test_a_program_is_read_against_the_version_it_names():
    server = born(Server(), rt="05")
    server.take(program("p1", base=1, rt="06"), program("p2", base=2, rt="07"))
    assert (server.value("rt"), server.questions()) == ("07", {})
    server.take(program("p3", base=1, rt="08"))
    assert server.questions() == {"rt": {"p2", "p3"}}


@pytest.mark.parametrize("number", [3, 99])
def test_a_number_never_served_reads_as_the_highest_below_it(number):
    server = born(Server(), rt="05")
    server.take(program("p1", base=1, rt="06"))
    server.take(program("p2", base=number, rt="07"))
    assert (server.value("rt"), server.questions(), server.waiting()) == ("07", {}, [])


def test_who_names_a_version_before_the_birth_was_shown_nothing():
    server = born(Server(), rt="05")
    server.take(program("p1", base=0, rt="06"))
    assert (server.questions(), server.waiting()) == ({"rt": {"lahir", "p1"}}, [])


def test_a_program_that_updates_before_its_create_waits_for_it():
    server = Server()
    server.take(program("p2", base=1, rt="06"))
    assert (server.status(), server.waiting()) == ("incomplete", ["p2"])
    assert waits_for(server.record(), program("p2", base=1)) == "create"
    server.take(program("p1", Op.CREATE, rt="05", rw="01"))
    assert waits_for(server.record(), program("p2", base=1)) is None
    assert (server.value("rt"), server.value("rw"), server.questions()) == ("06", "01", {})
    assert (server.status(), server.waiting()) == ("active", [])


def test_a_second_create_is_concurrent_with_the_first_and_never_refused():
    server = born(Server(), rt="05", catatan="a")
    server.take(program("p1", Op.CREATE, rt="06", rw="02", catatan="b"))
    assert server.questions() == {"rt": {"lahir", "p1"}}
    assert (server.value("rw"), server.value("catatan"), server.version()) == ("02", "b", 2)


def test_a_chain_on_one_of_two_creates_is_laid_over_its_authors_own():
    server, a = Server(), Phone("A")
    chain = [a.register(rt="05"), a.fill(rt="06")]
    server.take(program("p1", Op.CREATE, rt="09"), *chain)
    assert server.questions() == {"rt": {"p1", "A2"}}


def test_a_chain_that_began_with_nobody_knows_which_create_waits_for_nothing():
    server, a = Server(), Phone("A")
    a.register(rt="05")
    update = a.fill(rt="06")
    server.take(program("p1", Op.CREATE, rt="09"), program("p2", Op.CREATE, rt="08"), update)
    assert server.waiting() == []
    assert waits_for(server.record(), update) is None


def test_a_chain_sent_with_another_token_than_its_create_waits_for_nothing():
    server, a = Server(), Phone("A")
    server.take(a.register(rt="05"))
    a.name = "A-with-a-new-card"
    server.take(a.fill(rt="06"))
    assert (server.value("rt"), server.waiting(), server.questions()) == ("06", [], {})


def test_of_two_phones_with_one_branch_neither_is_laid_over():
    #  a clone of A shares A's branch: A1 and K1 have one number; A2 was shown A1's value or K1's
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    clone = Phone("K", rows={CHILD: a.rows[CHILD].copy()})
    a.fill(rt="06")
    clone.fill(rt="07")
    second = a.fill(rt="08")
    server.take(*a.outbox[:1], *clone.outbox, second)
    assert server.questions() == {"rt": {"A1", "K1", "A2"}}
    assert server.waiting() == []


def test_a_blank_that_said_nothing_is_on_its_own_phones_screen():
    #  9 of June ── A1 leaves the weight blank ── A2 types the 9 again: it was not on the screen
    server = born(Server(), bb="9", tgl="2026-06-05")
    (a,) = phones(server, "A")
    a.fill(bb="", tb="80", tgl="2026-07-03")
    a.fill(bb="9")
    a.send(server)
    found = server.record().known["A2"].properties["bb"]
    assert (found.write, found.replaces) == (True, ("lahir",))
    assert (server.value("bb"), server.value("tb"), server.questions()) == ("9", "80", {})


def test_a_date_entered_in_one_form_is_borne_by_what_the_next_measures():
    server = born(Server(), bb="9", tgl="2026-06-05")
    (a,) = phones(server, "A")
    a.fill(tgl="2026-07-03")
    a.fill(tb="80")
    a.send(server)
    assert server.record().known["A2"].properties["tb"].observed_on == "2026-07-03"


def test_an_edit_from_a_list_of_another_server_is_laid_over_the_create_when_that_comes():
    server, a = Server(), Phone("A")
    elsewhere = born(Server(), rt="05", rw="01")
    a.refresh(elsewhere)
    a.fill(rt="06", rw="01")
    a.send(server)
    assert (server.status(), server.waiting()) == ("incomplete", ["A1"])
    server.take(elsewhere.record().known["lahir"].change)
    assert (server.value("rt"), server.waiting(), server.questions()) == ("06", [], {})
    assert not server.record().known["A1"].properties["rw"].write


def test_a_number_from_before_the_create_came_was_never_served():
    server, a = Server(), Phone("A")
    create, update = a.register(rt="05"), a.fill(rt="06")
    server.take(update, create)
    assert server.record().born_at == 2
    assert server.record().view_at(1, POLICIES).value("rt") == "06"
    server.take(program("p1", base=1, rt="07"))
    assert server.questions() == {"rt": {"A2", "p1"}}


def test_all_later_changes_of_a_branch_wait_for_the_first_missing():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    first, second, third, fourth = (a.fill(rt=rt) for rt in ("06", "07", "08", "09"))
    server.take(fourth, third, first)
    assert server.waiting() == ["A4", "A3"]
    assert waits_for(server.record(), fourth) == f"branch {fourth.branch_id} base 2"
    server.take(second)
    assert (server.waiting(), server.value("rt"), server.questions()) == ([], "09", {})


def test_a_waiting_change_keeps_the_view_of_its_trunk():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    first, second = a.fill(rw="01"), a.fill(rt="06")
    server.take(second)
    waiting = server.record().known["A2"]
    assert waiting.trunk_view is not None
    assert waiting.trunk_view.value("rt") == "05"
    server.take(first)
    assert server.record().known["A2"].trunk_view is None


def test_a_change_is_merged_when_somebody_elses_came_between_and_applied_when_not():
    server = born(Server(), rt="05")
    a, b = phones(server, "AB")
    forms = [a.fill(rt="06"), a.fill(rw="01"), b.fill(catatan="x"), a.fill(rw="02")]
    server.take(*forms)
    assert [server.outcome(one) for one in forms] == ["applied", "applied", "merged", "merged"]


def test_a_change_is_alone_while_all_others_are_of_its_branch_or_births():
    server = born(Server(), rt="05")
    a, b = phones(server, "AB")
    first, second, other = a.fill(rt="06"), a.fill(rw="01"), b.fill(catatan="x")
    server.take(first, second)
    assert is_alone(server.record(), first)
    assert is_alone(server.record(), second)
    server.take(other)
    assert not is_alone(server.record(), first)
    assert not is_alone(server.record(), other)


def test_a_chain_from_birth_is_applied_also_after_a_restored_backup():
    server, a = Server(), Phone("A")
    forms = [a.register(rt="05"), a.fill(rt="06"), a.fill(rt="07")]
    server.take(*forms[:2])
    server.records[CHILD] = with_offset(server.record(), 1000)
    server.take(forms[2])
    assert server.outcome(forms[2]) == "applied"


def test_numbers_served_are_versions_and_the_offset_and_are_read_back_so():
    server = born(Server(), rt="05")
    record = server.records[CHILD] = Record(
        **{name: getattr(server.record(), name) for name in ("state", "undo", "known")},
        born_at=1,
        offset=0,
    )
    server.take(program("p1", base=1, rt="06"))
    record.offset = 1000
    assert record.served == 1002
    (a,) = phones(server, "A")
    assert a.rows[CHILD].version == 1002
    a.fill(rt="07")
    server.take(program("p2", base=2, rt="06"), *a.outbox)
    assert (server.value("rt"), server.questions()) == ("07", {})


def test_the_view_at_a_number_is_the_record_as_it_first_stood_there():
    server = born(Server(), rt="05", bb="9", tgl="2026-06-05")
    (a,) = phones(server, "A")
    a.fill(rt="06", bb="9.5", tgl="2026-10-02")
    a.fill(rt="07")
    a.send(server)
    server.delete()
    record = server.record()
    for number, rt, tgl in [
        (1, "05", "2026-06-05"),
        (2, "06", "2026-10-02"),
        (3, "07", "2026-10-02"),
    ]:
        view = record.view_at(number, POLICIES)
        assert (view.value("rt"), view.value("tgl")) == (rt, tgl)


def test_a_history_is_asked_for_only_when_the_state_does_not_do():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    first, second = a.fill(rt="06"), a.fill(rt="07")
    state = server.record().state
    create = program("p1", Op.CREATE)
    assert not needs_history(RecordState(), [second, server.record().known["lahir"].change], [])
    assert not needs_history(state, [first], [])
    assert not needs_history(
        state, [second], [SettledChange(change=first, received_at="", properties={})]
    )
    assert not needs_history(state, [second, first], [])
    assert not needs_history(state, [program("p2", Op.DELETE)], [])
    assert needs_history(state, [second], [])
    assert needs_history(state, [program("p2", Op.RESTORE)], [])
    server.take(second)
    assert needs_history(server.record().state, [create], [])
    from_birth = Phone("B")
    from_birth.register()
    assert needs_history(state, [from_birth.fill(rt="1")], [])


def test_a_change_that_needs_a_history_that_was_not_loaded_is_refused_and_alters_nothing():
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    a.fill(rt="06")
    second = a.fill(rt="07")
    whole = server.record()
    slim = Record(whole.state, born_at=1, whole=False)
    with pytest.raises(LookupError):
        take(slim, second, POLICIES, received_at=instant("2026-11-01"))
    assert (slim.state, slim.known, slim.undo) == (whole.state, {}, [])


def test_a_batch_is_ordered_creates_first_and_decisions_last():
    server = born(Server())
    (a,) = phones(server, "A")
    first, second = a.fill(rt="1"), a.fill(rt="2")
    page, create = program("p2", Op.DELETE), program("p1", Op.CREATE)
    assert in_branch_order([page, second, first, create]) == [create, first, second, page]


def test_every_value_received_has_its_word_in_history():
    server = born(Server(), rt="05", catatan="a", nik="3201")
    a, b = phones(server, "AB")
    a.fill(rt="06", catatan="b", nik="3201")
    b.fill(rt="07", catatan="c", nik="3210")
    a.send(server)
    b.send(server)
    record = server.record()
    contending = {one.field: one.contenders for one in server.reviews()}
    words = {
        cid: {o.name: o.outcome for o in outcomes(one, record.state, contending, POLICIES)}
        for cid, one in record.known.items()
    }
    assert words == {
        "lahir": {
            "rt": "superseded",
            "catatan": "superseded",
            "nik": "contender",
            "label": "current",
        },
        "A1": {"rt": "contender", "catatan": "settled", "nik": "unchanged"},
        "B1": {"rt": "contender", "catatan": "current", "nik": "contender"},
    }
