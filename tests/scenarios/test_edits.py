"""Edits of submissions through the phones' door, in any order: merge.md, histories 7, 8 and 17."""

import uuid
from itertools import permutations

import pytest

from tests.scenarios.posyandu import Village

pytestmark = pytest.mark.scenario


@pytest.fixture
def village(app, clock) -> Village:
    return Village.begin(app, clock)


def a_child(phone, **values: str) -> str:
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu="melati", **values))
    phone.sync()
    return child


def settled_down(village: Village, child: str) -> bool:
    row = village.record(child)
    return row.waiting == 0 and not any(one.waiting for one in village.changes(child))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in-order", "edit-first"])
def test_7_the_author_mends_the_nik_of_his_own_form(village, order):
    a = village.phone("A")
    child = a_child(a, nama="Siti")
    first = a.measure(child, nik="3201", rt="06")
    forms = [first, a.edit(first, nik="3210")]
    a.send(*(forms[place] for place in order))
    assert (village.shown(child)["nik"], village.shown(child)["rt"]) == ("3210", "06")
    assert (village.asked(child), village.record(child).version) == ({}, 3)
    assert settled_down(village, child)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in-order", "edit-first"])
def test_8_the_weight_leaves_the_wrong_child_and_stands_at_the_right_one(village, order):
    a = village.phone("A")
    siti, budi = (a_child(a, nama=nama, bb="9.0", tgl="2026-06-05") for nama in ("Siti", "Budi"))
    wrong = a.measure(siti, bb="8.0", tgl="2026-07-03")
    forms = [wrong, a.edit(wrong, budi)]
    a.send(*(forms[place] for place in order))
    assert (village.shown(siti)["bb"], village.shown(siti)["tgl"]) == ("9.0", "2026-06-05")
    assert (village.shown(budi)["bb"], village.shown(budi)["tgl"]) == ("8.0", "2026-07-03")
    assert (village.record(siti).version, village.record(budi).version) == (3, 2)
    assert (village.asked(siti), village.asked(budi)) == ({}, {})
    assert settled_down(village, siti)
    assert settled_down(village, budi)
    a.sync()
    assert (a.screen(siti)["bb"], a.screen(budi)["bb"]) == ("9.0", "8.0")


def test_8_taken_back_and_forth_in_every_order(village):
    a = village.phone("A")
    for order in permutations(range(3)):
        siti, budi = (a_child(a, nama=nama, rt="05") for nama in ("Siti", "Budi"))
        first = a.measure(siti, rt="06")
        there = a.edit(first, budi)
        forms = [first, there, a.edit(there, siti, rt="07")]
        a.send(*(forms[place] for place in order))
        assert (village.shown(siti)["rt"], village.shown(budi)["rt"]) == ("07", "05"), order
        assert (village.record(siti).version, village.record(budi).version) == (4, 3), order
        assert (village.asked(siti), village.asked(budi)) == ({}, {}), order
        assert settled_down(village, siti)
        assert settled_down(village, budi)


def test_17_a_value_changed_by_its_author_after_somebody_replaced_it_is_asked_about(village):
    a, b = village.phone("A"), village.phone("B")
    child = a_child(a, nama="Siti", rt="05")
    first = a.measure(child, rt="06")
    a.send(first)
    b.sync()
    b.send(b.measure(child, rt="07"))
    a.send(a.edit(first, rt="08"))
    assert village.asked(child) == {"rt": {"07", "08"}}
    history = {one.data.get("rt"): one for one in village.changes(child)}
    assert history["08"].status == "conflict"
    assert history["08"].deprecated_id == history["06"].instance_id


def test_an_offline_chain_with_an_edit_ends_alike_in_every_order(village):
    a = village.phone("A")
    a.sync()
    ends = set()
    for order in permutations(range(4)):
        child = str(uuid.uuid4())
        forms = [a.register(child, posyandu="melati", nama="Siti", rt="05")]
        forms += [a.measure(child, rt="06", bb="9", tgl="2026-06-05")]
        forms += [a.measure(child, rt="07", tb="80"), a.edit(forms[1], bb="9.5")]
        a.send(*(forms[place] for place in order))
        assert settled_down(village, child), order
        assert village.asked(child) == {}, order
        row = village.record(child)
        data = {name: value for name, value in row.data.items() if value}
        ends.add((row.version, row.status, tuple(sorted(data.items()))))
    ((version, _, data),) = ends
    assert (version, dict(data)["bb"], dict(data)["rt"]) == (4, "9.5", "07")


def test_an_edit_that_names_no_child_any_more_takes_the_values_back(village):
    a = village.phone("A")
    child = a_child(a, nama="Siti", rt="05")
    first = a.measure(child, rt="06")
    nobody = a.edit(first).replace(b'update="1"', b'update="0"')
    a.send(nobody, first)
    assert (village.shown(child)["rt"], village.record(child).version) == ("05", 3)


def test_a_phone_of_another_posyandu_edits_nothing_of_this_one(village):
    a, stranger = village.phone("A"), village.phone("X", posyandu="mawar")
    child = a_child(a, nama="Siti", rt="05")
    first = a.measure(child, rt="06")
    a.send(first)
    stranger.post(a.edit(first, rt="99"))
    stranger.post(a.edit(first).replace(b'update="1"', b'update="0"'))
    assert village.shown(child)["rt"] == "06"
    assert [one.code for one in village.quarantine()] == ["out_of_area"]


def test_an_edit_made_after_the_list_was_fetched_again_stands_where_its_original_stood(village):
    a = village.phone("A")
    child = a_child(a, nama="Siti", rt="05")
    first = a.measure(child, rt="06", nik="3201")
    a.send(first)
    a.sync()
    a.send(a.edit(first, child, nik="3210"))
    assert (village.shown(child)["rt"], village.shown(child)["nik"]) == ("06", "3210")
    assert village.asked(child) == {}


def test_nor_does_it_when_its_edits_come_before_their_original(village):
    a, stranger = village.phone("A"), village.phone("X", posyandu="mawar")
    child = a_child(a, nama="Siti", rt="05")
    first = a.measure(child, rt="06")
    stranger.post(a.edit(first, rt="99"))
    stranger.post(a.edit(first).replace(b'update="1"', b'update="0"'))
    a.send(first)
    assert (village.shown(child)["rt"], village.record(child).version) == ("06", 2)


def test_an_edit_in_quarantine_takes_nothing_back_from_the_child_that_it_names(village):
    a = village.phone("A")
    child = a_child(a, nama="Siti", rt="05")
    first = a.measure(child, rt="06")
    bad = a.edit(first, rt="07").replace(b'baseVersion="1"', b'baseVersion="?"')
    a.send(bad, first)
    assert (village.shown(child)["rt"], village.record(child).version) == ("06", 2)
    assert [one.code for one in village.quarantine()] == ["bad_data"]
