"""Changes that another server settled, and two copies of one: merge.md, section 2 and law L13."""

from dataclasses import replace
from itertools import permutations

import pytest

from conflict.fold import fold, outcomes
from conflict.record import Record
from conflict.taking import receive
from conflict.types import Change, Op, Settled, SettledChange
from tests.conflict.village import CHILD, POLICIES, Server, born, instant, phones


def hub(**data) -> Server:
    """A hub in a village that the child was registered at, an hour before the centre's day."""
    return born(Server(today="2026-10-31", node="desa"), **data)


def copies(hub_of: Server, centre: Server, cid: str) -> tuple[SettledChange, SettledChange]:
    return hub_of.record().known[cid], centre.record().known[cid]


def test_what_a_hub_settled_is_folded_as_it_was_there():
    desa, pusat = hub(rt="05"), Server()
    (a,) = phones(desa, "A")
    a.fill(rt="06", nik="3201")
    a.send(desa)
    pusat.receive(desa)
    assert pusat.record().state == desa.record().state
    assert pusat.record().born_at == 1


@pytest.mark.parametrize("whole", [True, False])
def test_a_change_that_replaces_what_has_not_come_needs_the_whole_history(whole):
    desa, pusat = hub(rt="05", rw="01"), Server()
    (a,) = phones(desa, "A")
    a.fill(rt="06")
    a.fill(rt="07")
    a.send(desa)
    for cid in ("lahir", "A2"):
        record = replace(pusat.record(), whole=whole or cid == "lahir")
        one = desa.record().known[cid]
        if record.whole:
            assert receive(record, one, POLICIES) is not None
            pusat.records[CHILD] = record
        else:
            with pytest.raises(LookupError):
                receive(record, one, POLICIES)
            return
    assert pusat.questions() == {"rt": {"lahir", "A2"}}
    pusat.receive(desa)
    assert pusat.record().state == desa.record().state


@pytest.mark.parametrize("order", list(permutations(("A1", "A2", "A3"))))
def test_a_restored_server_is_given_its_own_changes_back_in_any_order(order):
    pusat = born(Server(), rt="05", rw="01")
    backup = pusat.copy()
    (a,) = phones(pusat, "A")
    for rt in ("06", "07", "08"):
        a.fill(rt=rt)
    a.send(pusat)
    for cid in order:
        receive(backup.record(), pusat.record().known[cid], POLICIES)
    assert backup.record().state == pusat.record().state


def test_a_property_that_is_not_here_at_all_names_what_does_not_stand():
    desa, pusat = hub(rt="05"), Server()
    (a,) = phones(desa, "A")
    a.fill(rt="06")
    a.send(desa)
    receive(pusat.record(), desa.record().known["A1"], POLICIES)
    assert (pusat.status(), pusat.record().state.awaited) == ("incomplete", {"lahir"})


def test_the_copy_with_the_earlier_stamp_counts_and_shows_nothing_else():
    desa, pusat = hub(rt="05"), Server()
    pusat.receive(desa)
    (a,) = phones(desa, "A")
    a.fill(rt="06")
    a.send(pusat)
    a.send(desa)
    early, late = copies(desa, pusat, "A1")
    assert early.received_at < late.received_at
    taken = receive(pusat.record(), early, POLICIES)
    assert taken is not None
    assert (taken.settled, taken.undo, taken.resettled) == (early, None, ())
    assert receive(pusat.record(), late, POLICIES) is None
    assert receive(pusat.record(), early, POLICIES) is None
    assert pusat.record().state == desa.record().state
    assert pusat.record().served == pusat.version()


def test_a_copy_that_shows_something_else_is_served_under_the_next_number():
    desa, pusat = hub(rt="05"), Server()
    pusat.receive(desa)
    a, b = phones(desa, "AB")
    a.fill(rt="06")
    b.fill(rt="07")
    b.send(pusat)
    a.send(pusat)
    a.send(desa)
    assert pusat.value("rt") == "06"
    before = pusat.record().served
    taken = receive(pusat.record(), desa.record().known["A1"], POLICIES)
    assert taken is not None
    assert taken.undo is not None
    assert pusat.value("rt") == "07"
    assert (taken.undo.served, pusat.record().served) == (before + 1, before + 1)
    assert pusat.record().view_at(before, POLICIES).value("rt") == "06"
    assert pusat.version() == 3


def test_a_final_copy_counts_before_a_waiting_one_whatever_their_stamps():
    #  the centre has A1 without its create, so that the 01 left on screen looks like an edit
    desa, pusat = hub(rt="05", rw="01"), Server(today="2026-10-01")
    (a,) = phones(desa, "A")
    a.fill(rt="06", rw="01")
    a.send(pusat)
    a.send(desa)
    final, waiting = copies(desa, pusat, "A1")
    assert waiting.waiting
    assert waiting.received_at < final.received_at
    assert pusat.value("rw") == "01"
    taken = receive(pusat.record(), final, POLICIES)
    assert taken is not None
    assert taken.undo is not None
    assert taken.undo.unwritten == {"rw": {"A1": ("lahir",)}}
    assert (pusat.waiting(), pusat.value("rw"), pusat.record().offset) == ([], "", 0)


def test_an_edit_of_what_a_hub_settled_is_read_against_what_its_author_saw_there():
    desa, pusat = hub(rt="05", rw="01", nik="3201"), Server()
    (a,) = phones(desa, "A")
    first = a.fill(rt="06", rw="01")
    a.send(desa)
    pusat.receive(desa)
    mended = a.edit(first, rt="08")
    a.send(pusat, mended)
    found = pusat.record().known[mended.change_id].properties
    assert found == {"rt": Settled(True, ("lahir",)), "rw": Settled(False, ("lahir",))}
    assert (pusat.value("rt"), pusat.questions()) == ("08", {})


def test_what_is_replaced_twice_over_is_replaced_once():
    #  lahir 05 <- B1 left the 05 on screen <- A1, over B1 and over lahir too
    settled = {
        "lahir": Settled(True),
        "B1": Settled(False, ("lahir",)),
        "A1": Settled(True, ("B1", "lahir")),
    }
    known = [
        SettledChange(
            change=Change(
                change_id=cid,
                list_name="anak",
                entity=CHILD,
                op=Op.CREATE if cid == "lahir" else Op.UPDATE,
                data={"rt": "06" if cid == "A1" else "05"},
            ),
            received_at=instant("2026-11-01", place),
            properties={"rt": one},
        )
        for place, (cid, one) in enumerate(settled.items())
    ]
    state = fold(known, POLICIES)
    assert [write.change_id for write in state.fields["rt"].writes] == ["A1"]
    assert state.awaited == frozenset()


def test_a_date_reads_as_current_while_it_is_the_one_shown():
    server = born(Server(), bb="9", tgl="2026-06-05")
    (a,) = phones(server, "A")
    a.fill(bb="9.5", tgl="2026-10-02")
    a.send(server)
    words = {
        cid: {o.name: o.outcome for o in outcomes(one, server.record().state, {}, POLICIES)}
        for cid, one in server.record().known.items()
    }
    assert words["lahir"] == {"bb": "superseded", "tgl": "superseded", "label": "current"}
    assert words["A1"] == {"bb": "current", "tgl": "current"}
    a.fill(tgl="2026-11-01")  # a date without a weight is nobody's observation
    a.send(server)
    alone = outcomes(server.record().known["A2"], Record().state, {}, POLICIES)
    assert [(one.name, one.outcome) for one in alone] == [("tgl", "superseded")]
