"""What is settled again when a form comes late: small histories that the oracle found."""

from dataclasses import replace
from itertools import permutations

from conflict.policy import Policy
from conflict.taking import receive
from tests.conflict.phones import Program
from tests.conflict.village import Phone, Server, born, declare, phones


def redeclared(server: Server, **kinds: str) -> None:
    declared = {name: Policy.parse(kind) for name, kind in kinds.items()}
    policies = server.policies
    server.declare(replace(policies, by_property={**policies.by_property, **declared}))


def test_l9_an_edit_of_an_edit_waits_for_the_first_original():
    #  A1 rw 02 on v1 ── A2 mends A1, on v2 ── A3 mends A2: rw 01.  A3, A2, A1 arrive
    for order in permutations(range(3)):
        server = born(Server())
        (a,) = phones(server, "A")
        first = a.fill(rw="02")
        (b,) = phones(server, "B")
        b.fill(rw="02")
        b.send(server)
        a.refresh(server)
        a.rows["anak-siti"] = replace(Phone("A").refresh(server).rows["anak-siti"], branch="new")
        second = a.edit(first)
        third = a.edit(second, rw="01")
        forms = [first, second, third]
        server.take(*(forms[number] for number in order))
        assert server.waiting() == []
        assert server.questions() == {"rw": {"B1", "A3"}}


def test_l9_an_edit_follows_when_the_form_it_mends_is_settled_again():
    #  A1 ── A2 mends A1, holding number 2 until A3 comes ── A4 ── A5 mends A4
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    first = a.fill(rw="01")
    held = a.edit(first, rw="02")
    late = a.fill(rt="06")
    after = a.fill(rt="07")
    mended = a.edit(after, rt="08")
    server.take(first, held, after, mended, late)
    assert (server.value("rt"), server.questions()) == ("08", {})


def test_l9_an_edit_that_waited_is_read_by_the_policies_of_when_it_came():
    #  review: A2 mends A1, A1 is lost ── first ── A1 comes
    server = born(Server(policies=declare()), rt="5")
    (a,) = phones(server, "A")
    lost = a.fill(rt="06")
    mended = a.edit(lost, rt="07")
    server.take(mended)
    redeclared(server, rt="first")
    server.take(lost)
    assert (server.value("rt"), server.questions()) == ("07", {})


def test_l9_who_was_shown_a_value_replaces_it_though_it_was_no_write_for_a_while():
    #  A3 lila 13 is here first, and B sees it ── A1 13: A3 wrote nothing ── A2 14: A3 did write
    server = born(Server(), lila="12")
    (a,) = phones(server, "A")
    one, two, three = a.fill(lila="13"), a.fill(lila="besar"), a.fill(lila="13")
    server.take(three)
    (b,) = phones(server, "B")
    b.fill(lila="kecil")
    server.take(one)
    server.take(two)
    b.send(server)
    assert [w.change_id for w in server.record().state.fields["lila"].writes] == ["B1"]


def test_l3_a_policy_that_shows_another_write_of_the_same_text_gets_a_number_of_its_own():
    #  first: P1 and P2 both say 3201, P1 is shown ── A sees it ── review: P2 is shown
    server = born(Server())
    program = Program("P").fetch(server)
    program.post(nik="3201")
    program.post(nik="3201")
    server.take(*program.outbox)
    (a,) = phones(server, "A")
    a.fill(nik="3210")
    served = server.record().served
    redeclared(server, nik="review")
    assert server.record().served == served + 1
    a.send(server)
    assert server.questions() == {"nik": {"P2", "A1"}}


def test_l14_a_date_that_is_none_is_asked_with_all_of_the_newest_date():
    #  bb 9.5 of October by P, twice ── A: 98 of "kemarin"; answered 9.8, of October
    server = born(Server())
    program = Program("P").fetch(server)
    program.post(bb="9.5", tgl="2026-10-02")
    program.post(bb="9.5", tgl="2026-10-02")
    (a,) = phones(server, "A")
    a.fill(bb="98", tgl="kemarin")
    server.take(*program.outbox, *a.outbox)
    assert server.questions() == {"bb": {"P1", "P2", "A1"}}
    server.resolve("bb", "9.8")
    assert (server.value("bb"), server.questions()) == ("9.8", {})


def test_l13_what_a_hub_settled_on_an_edit_is_settled_again_where_the_form_itself_is():
    #  A1 ── A2 mends A1 and holds number 2 at the hub ── A3, only at the centre ── A4
    pusat = born(Server(), rt="05")
    (a,) = phones(pusat, "A")
    first = a.fill(rt="06")
    held = a.edit(first, rt="07")
    pusat.take(first, held)
    desa = pusat.hub("desa")
    late, last = a.fill(rw="01"), a.fill(rw="02", rt="08")
    desa.take(last)
    pusat.take(late)
    pusat.receive(desa)
    desa.receive(pusat)
    for server in (pusat, desa):
        assert (server.value("rw"), server.value("rt"), server.questions()["rt"]) == (
            "02",
            "08",
            {"A2", "A4"},
        )
        assert "rw" not in server.questions()


def test_l13_an_edit_that_another_server_could_only_guess_at_ends_as_its_own_server_knows_it():
    #  A1, an empty form, and A2, which mends it with the 5 that was shown; both are the hub's
    pusat = born(Server(), rt="5")
    desa = pusat.hub("desa")
    (a,) = phones(desa, "A")
    first = a.fill()
    mended = a.edit(first, rt="5")
    desa.take(mended)
    pusat.receive(desa)
    assert pusat.waiting() == [mended.change_id]
    desa.take(first)
    receive(pusat.record(), desa.record().known[first.change_id], pusat.policies)
    assert pusat.record().known[mended.change_id].inexact
    pusat.receive(desa)
    desa.receive(pusat)
    for server in (pusat, desa):
        one = server.record().known[mended.change_id]
        assert (one.inexact, one.waiting, one.properties["rt"].write) == (False, False, False)
    assert pusat.record().state == desa.record().state
