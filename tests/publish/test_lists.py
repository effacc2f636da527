"""Policies, phone flags and areas that alter while records stand: read anew, never settled anew."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import select, text

from conflict.areas import Area, Rule
from conflict.fold import fold
from sync_server.accounts import devices
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import AlreadyThere, BadValue, NotFound
from sync_server.models.records import RecordScope
from sync_server.publishing import lists
from sync_server.stores.changes import find_histories
from sync_server.stores.lists import hold_lists
from sync_server.stores.packing import unpack_state
from tests.publish.desk import weighing

MELATI = Area(None, {"posyandu": ("melati",)})
MAWAR = Area(None, {"posyandu": ("mawar",)})


@pytest.fixture
def stood(desk):
    """Child 1 with two weights typed by people who had not seen each other's; child 2 with one."""
    desk.publish(weighing(more="| | text | pos | Pos | posyandu | | |\n"))
    devices.add_actor_property(desk.project_id, "posyandu", clock=desk.clock)
    desk.create(1, bb="9", posyandu="melati")
    desk.create(2, bb="8", posyandu="mawar")
    desk.write(1, base=1, bb="12")
    desk.write(1, base=1, bb="10")
    return desk


def set_policy(desk, policy, name="bb"):
    lists.set_policy(desk.project_id, "anak", name, policy, by=None, clock=desk.clock)


def filled(desk, base, **data):
    """What a phone sends that was shown the record under the number `base`."""
    return desk.write(1, base=base, from_form=True, **data)


def scopes():
    with read_transaction() as connection:
        rows = connection.execute(select(RecordScope.entity, RecordScope.scope))
        return sorted((UUID(entity).int, scope) for entity, scope in rows)


def refolded(desk, entity):
    """The record as the law reads its whole history today."""
    with read_transaction() as connection:
        known = find_histories(connection, desk.project_id, [str(UUID(int=entity))])
    return fold(known.values(), desk.info().policies)


def test_a_policy_alters_what_is_shown_and_phones_get_a_new_number(stood):
    assert (stood.record(1).data["bb"], stood.served(1)) == ("10", 3)
    assert stood.open_reviews() == [("field", "bb")]
    seen_by_phones, last = stood.hash_for(), stood.journal()[-1].seq

    set_policy(stood, "max")

    row = stood.record(1)
    assert (row.data["bb"], row.version, row.version_offset, row.open_reviews) == ("12", 3, 1, 0)
    step = stood.steps(1)[-1]
    assert (step.served, step.change_id, step.undo["bb"][0]) == (4, None, "10")
    assert stood.open_reviews() == []
    assert stood.hash_for() != seen_by_phones
    assert [(r.entity, r.change_id) for r in stood.journal(last)] == [
        ("", None),
        (str(UUID(int=1)), None),
    ]


def test_a_record_that_shows_the_same_keeps_its_number(stood):
    before = stood.steps(2)

    set_policy(stood, "max")

    assert (stood.served(2), stood.steps(2)) == (1, before)


def test_a_policy_that_only_closes_a_question_gives_no_new_number(stood):
    set_policy(stood, "last")

    assert (stood.record(1).data["bb"], stood.served(1)) == ("10", 3)
    assert stood.open_reviews() == []
    assert stood.record(1).open_reviews == 0

    set_policy(stood, "review")

    assert stood.open_reviews() == [("field", "bb")]


@pytest.mark.parametrize("policy", ["last", "first", "max", "min", "latest(tgl)"])
def test_reading_anew_agrees_with_folding_the_whole_history(stood, policy):
    set_policy(stood, policy)

    for entity in (1, 2):
        assert unpack_state(stood.record(entity).state) == refolded(stood, entity)


def test_settlements_are_never_touched(stood):
    def settled():
        with read_transaction() as connection:
            known = find_histories(connection, stood.project_id, [str(UUID(int=1))])
        return {cid: one.properties for cid, one in known.items()}

    before = settled()
    set_policy(stood, "max")
    assert settled() == before


def test_who_was_shown_the_record_before_the_policy_is_held_to_what_was_shown_then(stood):
    """Phones: 3 showed 10, and 4 shows 12, so that 10 sent on 3 is a prefill, and on 4 an edit."""
    set_policy(stood, "max")

    set_policy(stood, "review")
    assert stood.served(1) == 5
    assert filled(stood, 3, bb="10").fields == (("bb", "unchanged"),)
    assert filled(stood, 4, bb="12").fields == (("bb", "unchanged"),)
    assert filled(stood, 4, bb="10").fields == (("bb", "written"),)


def test_a_program_names_how_many_changes_it_was_shown_and_was_shown_what_they_read_last(stood):
    set_policy(stood, "max")
    assert (stood.record(1).version, stood.served(1)) == (3, 4)
    assert stood.write(1, base=3, bb="12").fields == (("bb", "unchanged"),)
    assert (stood.record(1).version, stood.served(1)) == (4, 5)
    assert stood.write(1, base=4, bb="12").fields == (("bb", "unchanged"),)


def test_a_policy_that_is_in_force_already_changes_nothing(stood):
    last = stood.journal()[-1].seq
    set_policy(stood, "review")
    assert stood.journal(last) == []


def test_a_union_cannot_be_made_of_values_that_stand(stood):
    with pytest.raises(BadValue, match="has values already"):
        set_policy(stood, "union")

    lists.add_property(stood.project_id, "anak", "imunisasi", by=None, clock=stood.clock)
    set_policy(stood, "union", "imunisasi")
    stood.write(1, base=3, imunisasi="bcg")
    with pytest.raises(BadValue, match="has values already"):
        set_policy(stood, "review", "imunisasi")


@pytest.mark.parametrize(
    ("list_name", "name", "policy", "error"),
    [
        ("anak", "bb", "newest", BadValue),
        ("anak", "tinggi", "last", NotFound),
        ("ibu", "bb", "last", NotFound),
    ],
)
def test_what_is_not_there_has_no_policy(stood, list_name, name, policy, error):
    with pytest.raises(error):
        lists.set_policy(stood.project_id, list_name, name, policy, by=None, clock=stood.clock)


def test_taking_a_property_off_phones_alters_their_list(stood):
    before = stood.hash_for()

    lists.set_phone(stood.project_id, "anak", "bb", False, by=None, clock=stood.clock)

    assert stood.csv_for().splitlines()[0] == "name,label,__version,tgl,posyandu"
    assert stood.hash_for() != before
    assert stood.served(1) == 4


def test_a_new_property_is_a_new_column_and_no_new_number(stood):
    before = stood.hash_for()

    lists.add_property(stood.project_id, "anak", "rt", by=None, clock=stood.clock)

    assert stood.csv_for().splitlines()[0] == "name,label,__version,tgl,bb,posyandu,rt"
    assert stood.hash_for() != before
    assert stood.served(1) == 3


def test_a_property_that_was_sent_before_its_list_had_it_shows_once_it_has(stood):
    stood.write(1, base=3, rt="05")

    lists.add_property(stood.project_id, "anak", "rt", by=None, clock=stood.clock)

    assert stood.csv_for().splitlines()[1].endswith(",melati,05")
    assert stood.served(1) == 5


@pytest.mark.parametrize("name", ["BB", "bb"])
def test_a_property_is_there_once_whatever_its_case(stood, name):
    with pytest.raises(AlreadyThere):
        lists.add_property(stood.project_id, "anak", name, by=None, clock=stood.clock)


@pytest.mark.parametrize("name", ["Anak", "a.b", "", "__x"])
def test_a_list_has_a_name_of_its_own(stood, name):
    with pytest.raises((AlreadyThere, BadValue)):
        lists.add_list(stood.project_id, name, by=None, clock=stood.clock)


def set_filter(desk, *rules):
    lists.set_access_filter(desk.project_id, "anak", rules, by=None, clock=desk.clock)


def test_an_access_filter_scopes_the_records_that_stand(stood):
    everybody = stood.hash_for()

    set_filter(stood, Rule("posyandu", "posyandu"))

    assert scopes() == [(1, '["melati"]'), (2, '["mawar"]')]
    assert stood.csv_for(MELATI).count("Anak") == 1
    assert "Anak 2" in stood.csv_for(MAWAR)
    assert stood.hash_for(MELATI) != everybody

    set_filter(stood)
    assert scopes() == [(1, ""), (2, "")]
    assert stood.hash_for() != everybody


def test_a_village_is_only_told_of_its_own_records(stood):
    set_filter(stood, Rule("posyandu", "posyandu"))
    melati, mawar = stood.hash_for(MELATI), stood.hash_for(MAWAR)

    set_policy(stood, "max")

    assert stood.hash_for(MELATI) != melati
    assert stood.hash_for(MAWAR) == mawar


def test_a_question_about_a_filtered_property_becomes_a_question_of_moving(stood):
    stood.write(1, base=3, posyandu="anggrek")
    stood.write(1, base=3, posyandu="mawar")
    assert ("field", "posyandu") in stood.open_reviews()

    set_filter(stood, Rule("posyandu", "posyandu"))

    assert [kind for kind, name in stood.open_reviews() if name == "posyandu"] == ["move"]
    assert {scope for entity, scope in scopes() if entity == 1} == {'["anggrek"]', '["mawar"]'}


@pytest.mark.parametrize("rule", [Rule("kode", "posyandu"), Rule("posyandu", "desa")])
def test_a_filter_names_properties_that_are_there(stood, rule):
    with pytest.raises(BadValue):
        set_filter(stood, rule)


def test_changes_wait_while_a_list_is_altered(desk, app):
    """Who alters reads every record; a change decided by the old policy must not slip between."""
    desk.publish(weighing())
    taken = threading.Event()

    def write():
        with app.app_context():
            desk.create(1, bb="9")
            taken.set()

    writer = threading.Thread(target=write)
    with write_transaction() as connection:
        hold_lists(connection, desk.project_id, alone=True)
        writer.start()
        assert not taken.wait(0.5)
    writer.join(30)
    assert taken.is_set()
    with read_transaction() as connection:
        assert connection.execute(text("SELECT count(*) FROM records")).scalar_one() == 1
