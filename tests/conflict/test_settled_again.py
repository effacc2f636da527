"""What is settled again when a form comes late: small histories that the oracle found."""

from dataclasses import replace
from itertools import permutations

from conflict import taking
from conflict.basis import waits_for
from conflict.fold import fold
from conflict.policy import Policy
from conflict.settle import settle
from conflict.taking import receive
from conflict.types import Change, Op, SettledChange
from tests.conflict.phones import Program
from tests.conflict.village import CHILD, Phone, Server, born, declare, phones


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


def form(cid: str, base=None, trunk=None, branch=None, deprecates="", op=Op.UPDATE, **data):
    """A form as hostile or confused programs send it: any number may be in it."""
    return Change(
        change_id=cid,
        list_name="anak",
        entity=CHILD,
        op=op,
        data=data,
        base_version=base,
        trunk_version=trunk,
        branch_id=branch,
        from_form=True,
        submission=cid,
        deprecates=deprecates,
    )


def test_an_edit_that_bears_a_lower_number_than_its_original_is_no_link_of_its_own_chain():
    server = born(Server(), rt="05")
    first = form("A1", 3, 1, "b", rt="06")
    mended = form("A2", 2, 1, "b", deprecates="A1", rt="06", bb="9.0", tgl="2026-10-03")
    server.take(first, mended)
    assert server.waiting() == ["A1", "A2"]
    assert (server.value("rt"), server.value("bb")) == ("06", "9.0")
    server.take(form("A0", 1, 1, "b", rw="01"), form("A00", 2, 1, "b", rw="02"))
    assert (server.waiting(), server.value("rt"), server.questions()) == ([], "06", {})


def test_l3_an_edit_of_a_form_with_a_number_that_was_never_served_keeps_its_value():
    first = form("A1", 9, rt="06")
    server = born(Server(), rt="05")
    server.take(first, form("A2", 9, deprecates="A1", rt="06", rw="02"))
    assert (server.value("rt"), server.value("rw"), server.questions()) == ("06", "02", {})
    other = born(Server(), rt="05")
    other.take(form("A1", 5, rt="06"), form("B1", 2, rt="07"))
    other.take(*(form(f"C{n}", 3 + n, rw=str(n)) for n in range(3)))
    other.take(form("A2", 5, deprecates="A1", rt="08"))
    assert other.questions() == {"rt": {"A2", "B1"}}


def test_l9_an_edit_of_a_form_that_came_before_its_create_ends_as_in_order():
    create = form("c0", op=Op.CREATE, rt="05")
    forms = [create, form("A1", 1, rt="06"), form("A2", 1, deprecates="A1", rt="08")]
    for order in permutations(forms):
        if [one.change_id for one in order] == ["A2", "c0", "A1"]:
            continue  # number 1 was served here without the create: A1 names another server's
        server = Server()
        server.take(*order)
        assert (server.value("rt"), server.questions(), server.waiting()) == ("08", {}, []), order


def test_l13_what_another_server_settled_finally_is_left_as_it_is_in_any_order():
    desa = Server(node="desa")
    desa.take(form("c0", op=Op.CREATE, rt="05", rw="1"), form("A1", 1, rt="06"))
    desa.take(form("A2", 1, deprecates="A1", rt="06", rw="2"))
    assert desa.questions() == {}
    copies = list(desa.record().known.values())
    for order in permutations(copies):
        pusat = Server()
        pusat.record().here = frozenset({"A1"})
        for one in order:
            receive(pusat.record(), one, pusat.policies)
        assert pusat.record().state == desa.record().state
        assert pusat.record().known == desa.record().known


def test_l12_a_delete_that_comes_after_its_restore_deletes_nothing():
    desa = born(Server(node="desa"), rt="05")
    deleted = desa.delete()
    restored = desa.restore()
    pusat = Server()
    for cid in ("lahir", restored.change_id, deleted.change_id):
        receive(pusat.record(), desa.record().known[cid], pusat.policies)
    assert pusat.record().state == fold(desa.record().known.values(), pusat.policies)
    assert pusat.status() == "active"


def test_a_create_that_is_an_edit_and_newly_names_a_record_begins_its_branch():
    server = Server()
    server.record().here = frozenset({"E1"})
    server.take(form("k1", op=Op.CREATE, deprecates="E1", rt="05"))
    server.take(form("k2", 1, None, "br", rt="06"))
    assert (server.value("rt"), server.waiting(), server.questions()) == ("06", [], {})


def test_a_thousand_edits_of_edits_whose_first_original_is_lost_wait_for_it():
    server = born(Server(), rt="05")
    record = server.record()
    known = {f"A{n}": form(f"A{n}", 1, deprecates=f"A{n - 1}", rt="06") for n in range(1, 1500)}
    record.known.update(
        {
            cid: SettledChange(change=one, received_at="", properties={}, waiting=True)
            for cid, one in known.items()
        }
    )
    assert waits_for(record, known["A1499"]) == "submission A0"


def test_a_long_chain_whose_first_form_is_lost_is_settled_once_when_that_comes(monkeypatch):
    server = born(Server(), rt="05")
    (a,) = phones(server, "A")
    forms = [a.fill(rw=str(n)) for n in range(30)]
    settled: list[str] = []

    def counted(change, *args, **named):
        settled.append(change.change_id)
        return settle(change, *args, **named)

    monkeypatch.setattr(taking, "settle", counted)
    server.take(*forms[1:])
    assert len(settled) <= 2 * len(forms)
    server.take(forms[0])
    assert (server.value("rw"), server.waiting()) == ("29", [])
    assert len(settled) <= 5 * len(forms)
