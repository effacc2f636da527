"""What a filled form makes of entities: each by itself, whatever became of the others."""

import uuid
from itertools import permutations

import pytest

from sync_server.intake.quarantine import retry
from sync_server.intake.reading import MOST_ENTITIES
from sync_server.openrosa.parts import MOST_FORMS
from tests.openrosa.family import child, publish_visit, visit
from tests.openrosa.okhttp import BOUNDARY, body_of
from tests.support.api import administrator
from tests.support.promises import promise


@pytest.fixture
def phone(village):
    publish_visit(village)
    phone = village.phone("a")
    phone.sync()
    return phone


def new() -> str:
    return str(uuid.uuid4())


def records(village, *wanted: str) -> dict[str, tuple[int, int, dict[str, str]]]:
    """Of those that are here: version, changes that wait, and what is shown."""
    found = {}
    for one in wanted:
        if village.changes(one):
            row = village.record(one)
            data = {name: value for name, value in row.data.items() if value}
            found[one] = (row.version, row.waiting, data)
    return found


def kept(village, xml: bytes) -> list[str]:
    """Why entities of a form are kept for a person."""
    name = xml.decode().split("<instanceID>")[1].split("<")[0]
    return sorted(row.code for row in village.quarantine() if row.instance_id == name)


@promise("O59", "O60")
def test_of_several_entities_none_is_dropped_in_whatever_order_they_stand(
    village, phone, engine_name
):
    mawar = village.phone("b", "mawar")
    mawar.sync()
    theirs = new()
    mawar.send(mawar.register(theirs, nama="Dewi", posyandu="mawar"))
    orders = [*permutations(range(4))]
    for order in orders if engine_name == "sqlite" else (orders[0], orders[-1]):
        house, mother, good, early, branch = (new() for _ in range(5))
        offline = f"create='0' update='1' baseVersion='1' trunkVersion='' branchId='{branch}'"
        stolen = "create='0' update='1' baseVersion='1' trunkVersion='' branchId=''"
        children = [
            child(good, nama="Siti", rt="05", di="melati"),
            child("bukan-uuid", nama="Budi", rt="05", di="melati"),
            child(early, offline, rt="06"),
            child(theirs, stolen, rt="99"),
        ]
        sent = visit(house, mother, [children[place] for place in order])
        phone.send(sent)
        assert kept(village, sent) == ["bad_data", "out_of_area"], order
        assert records(village, house, mother, good, early) == {
            house: (1, 0, {"alamat": "Melati 5"}),
            mother: (1, 0, {"nama": "Ani"}),
            good: (1, 0, {"nama": "Siti", "rt": "05", "posyandu": "melati"}),
            early: (1, 1, {"rt": "06"}),
        }, order
        phone.send(phone.register(early, nama="Tono", rt="05", posyandu="melati"), sent)
        assert records(village, early) == {
            early: (2, 0, {"nama": "Tono", "rt": "06", "posyandu": "melati"})
        }, order
        assert kept(village, sent) == ["bad_data", "out_of_area"], order
    assert village.shown(theirs) == {"nama": "Dewi", "posyandu": "mawar"}


@promise("O59")
def test_a_form_of_which_nothing_can_be_used_is_taken_all_the_same(village, phone):
    bad = visit("x", "y", [child("z", nama="Siti")])
    phone.send(bad, bad)
    assert kept(village, bad) == ["bad_data"] * 3


@promise("O59")
def test_two_entities_of_one_form_may_be_one_record(village, phone):
    twin, house, mother = new(), new(), new()
    phone.send(
        visit(
            house,
            mother,
            [
                child(twin, nama="Siti", rt="05", di="melati"),
                child(twin, nama="Siti", rt="06", di="melati"),
            ],
        )
    )
    assert village.record(twin).version == 2
    assert village.asked(twin) == {"rt": {"05", "06"}}


@promise("O61")
@pytest.mark.parametrize(
    ("here", "base", "version", "asked"),
    [
        pytest.param(True, "1", 2, {}, id="known"),
        pytest.param(False, "", 1, {}, id="new"),
        pytest.param(True, "", 2, {"rt": {"05", "06"}}, id="made-by-two"),
    ],
)
def test_an_upsert_updates_what_the_phone_knew_and_makes_what_it_did_not(
    village, phone, here, base, version, asked
):
    one = new()
    if here:
        phone.send(phone.register(one, nama="Siti", rt="05", posyandu="melati"))
    village.pass_time()
    both = f"create='1' update='1' baseVersion='{base}' trunkVersion='' branchId=''"
    phone.send(visit(new(), new(), [child(one, both, nama="Siti", rt="06", di="melati")]))
    assert (village.record(one).version, village.record(one).waiting) == (version, 0)
    assert (village.shown(one)["rt"], village.asked(one)) == ("06", asked)


@promise("O64")
def test_what_is_absent_stays_and_what_is_blank_is_blanked(village, phone):
    one, branch = new(), new()
    phone.send(phone.register(one, nama="Siti", rt="05", posyandu="melati"))
    on = f"create='0' update='1' trunkVersion='' branchId='{branch}'"
    phone.send(visit(new(), new(), [child(one, f"{on} baseVersion='1'", nama="Siti N")]))
    assert village.shown(one) == {"nama": "Siti N", "rt": "05", "posyandu": "melati"}
    phone.send(visit(new(), new(), [child(one, f"{on} baseVersion='2'", rt="")]))
    assert village.shown(one) == {"nama": "Siti N", "rt": "", "posyandu": "melati"}


@promise("O64")
def test_a_measurement_left_blank_takes_the_last_one_from_nobody(village, phone):
    one = new()
    phone.send(phone.register(one, posyandu="melati", bb="9.0", tgl="2026-06-05", nik="3201"))
    phone.sync()
    phone.send(phone.measure(one, bb="", nik="", tb="80", tgl="2026-07-05"))
    shown = village.shown(one)
    assert (shown["bb"], shown["tb"], shown["nik"]) == ("9.0", "80", "3201")


@promise("O59")
def test_what_cannot_be_used_of_a_form_is_kept_with_its_bytes_once(village, phone):
    bad = visit("x", "y", [child("z", nama="Siti")] * 50)
    phone.send(bad)
    kept = village.quarantine()
    assert len(kept) == 52
    assert sum(len(row.raw) for row in kept) == 0
    shown = administrator(village.client).call(
        "GET", f"/projects/{village.project.id}/sync/quarantine/{kept[0].quarantine_id}/raw"
    )
    assert shown.data == bad


@promise("O79")
def test_a_form_about_more_entities_than_any_village_has_waits_for_a_supervisor(village, phone):
    children = [new() for _ in range(MOST_ENTITIES - 1)]
    many = visit(new(), new(), [child(one, nama="Siti", di="melati") for one in children])
    assert phone.post(many).status_code == 202
    (kept,) = village.quarantine()
    assert (kept.kind, kept.code, kept.raw) == ("submission", "bad_data", many)
    assert records(village, *children) == {}
    with village.app.app_context():
        retry(village.project, kept.quarantine_id, by=village.admin, clock=village.clock)
    assert len(records(village, *children[:3])) == 3
    assert phone.post(many).status_code == 201


@promise("O54")
def test_a_post_of_more_forms_than_a_phone_sends_is_kept_as_it_came(village, phone):
    body = body_of(None, [("xml_submission_file", visit(new(), new(), []))] * (MOST_FORMS + 1))
    answer = village.client.post(
        f"{phone.base}/submission",
        data=body,
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
    )
    assert answer.status_code == 400
    assert [(row.kind, row.raw) for row in village.quarantine()] == [("request", body)]


@promise("O63")
def test_a_record_of_which_an_edit_leaves_nothing_is_no_choice_on_any_phone(village):
    phone, mistaken, right = village.phone("a"), new(), new()
    first = phone.register(mistaken, nama="Siti", posyandu="melati")
    phone.send(first)
    phone.sync()
    assert mistaken in phone.anak.entities
    phone.send(phone.edit(first).replace(mistaken.encode(), right.encode()))
    phone.sync()
    assert (mistaken in phone.anak.entities, right in phone.anak.entities) == (False, True)
    assert village.record(mistaken).status == "active"
