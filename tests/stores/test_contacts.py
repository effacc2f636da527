"""What phones asked for: summed up, written in time, and kept when the store is away."""

import threading

import pytest
from sqlalchemy import select

from sync_server.accounts import contacts as room
from sync_server.accounts import devices, people
from sync_server.accounts.contacts import Contacts, Heard
from sync_server.db import read_transaction, write_transaction
from sync_server.errors import StoreBusy
from sync_server.models.people import Contact, ServedForm, ServedList
from sync_server.stores.contacts import ContactSum, add_contacts
from sync_server.stores.upsert import table_of

FIRST, SECOND, THIRD = (f"2026-11-21T03:00:0{n}.000Z" for n in (1, 2, 3))


@pytest.fixture
def phone(app, clock):
    """(project, actor) of a device; the app's context is open."""
    with app.app_context():
        project = people.create_project("Balita", clock=clock)
        made = devices.create_app_user(project, "Ani", by=None, clock=clock, secret_key="of a test")
        yield project, made.actor_id


@pytest.fixture
def store(monkeypatch):
    """store.away(n): the next n writings find the store busy."""

    class Store:
        refusals = 0

        def away(self, times):
            self.refusals = times

        def add(self, connection, sums):
            add_contacts(connection, sums)
            if self.refusals:
                self.refusals -= 1
                raise StoreBusy("the store cannot be written to just now")

    store = Store()
    monkeypatch.setattr(room, "add_contacts", store.add)
    return store


def heard(phone, at, device="collect:a", **kwargs):
    return Heard(*phone, device, at, **kwargs)


def written(model=Contact):
    with read_transaction() as connection:
        return connection.execute(select(*table_of(model).c)).all()


def test_what_could_not_be_written_is_added_to_the_next_try(phone, store):
    contacts = Contacts()
    form = {"xml_form_id": "ukur", "version": "1"}
    contacts.note(heard(phone, FIRST, user_agent="Collect", bytes_up=1, submission=True, **form))
    contacts.note(heard(phone, FIRST, device="collect:b", bytes_down=7))
    store.away(1)
    with pytest.raises(StoreBusy):
        contacts.flush()
    assert written() == []
    contacts.note(heard(phone, THIRD, bytes_up=2, bytes_down=4, **form | {"version": "2"}))
    contacts.note(heard(phone, SECOND, bytes_up=3))

    contacts.flush()

    a, b = sorted(written(), key=lambda row: row.device_id)
    assert (a.first_at, a.last_at, a.last_submission_at) == (FIRST, THIRD, FIRST)
    assert (a.user_agent, a.bytes_up, a.bytes_down) == ("Collect", 6, 4)
    assert (b.last_at, b.bytes_down) == (FIRST, 7)
    (served,) = written(ServedForm)
    assert (served.version, served.at) == ("2", THIRD)
    contacts.flush()
    assert {row.bytes_up for row in written()} == {6, 0}


def test_the_writing_goes_on_after_an_error(app, phone, store, caplog):
    contacts = Contacts(every_seconds=0.01)
    contacts.note(heard(phone, FIRST, bytes_up=5))
    store.away(2)
    arrived = threading.Event()

    def flush():
        with app.app_context():
            contacts.flush()
            arrived.set()

    thread = threading.Thread(target=contacts.run, args=(flush,), daemon=True)
    thread.start()
    assert arrived.wait(30)
    contacts.stop()
    thread.join(30)

    assert not thread.is_alive()
    assert [row.bytes_up for row in written()] == [5]
    said = [r.getMessage() for r in caplog.records if r.name == room.__name__]
    assert said == ["contacts could not be written: StoreBusy"] * 2


def test_what_is_kept_is_bounded_and_the_oldest_goes_first(phone, store):
    contacts = Contacts(most_kept=2)
    for name in ("collect:a", "collect:b"):
        contacts.note(heard(phone, FIRST, device=name, xml_form_id="ukur", version="1"))
    store.away(1)
    with pytest.raises(StoreBusy):
        contacts.flush()
    for name in ("collect:a", "collect:c"):
        contacts.note(heard(phone, SECOND, device=name, xml_form_id="ukur", version="1"))

    contacts.flush()

    for model in (Contact, ServedForm):
        assert {row.device_id for row in written(model)} == {"collect:a", "collect:c"}


def test_sums_that_come_late_turn_no_time_back(phone):
    for at, sent in ((SECOND, SECOND), (FIRST, FIRST), (FIRST, None)):
        with write_transaction() as connection:
            add_contacts(
                connection,
                [ContactSum(*phone, "collect:a", at, at, last_submission_at=sent)],
            )
    (row,) = written()
    assert (row.last_at, row.last_submission_at) == (SECOND, SECOND)


def test_sums_beyond_32_bits_are_kept(phone):
    contacts = Contacts()
    for _ in range(2):
        contacts.note(
            heard(phone, FIRST, bytes_up=2**31, bytes_down=2**33, clock_ahead=-(2**31) - 9)
        )
        contacts.flush()
    (row,) = written()
    assert (row.bytes_up, row.bytes_down, row.clock_ahead) == (2**32, 2**34, -(2**31) - 9)


def test_a_phone_that_the_store_never_takes_holds_no_other_back(phone, caplog):
    project, actor = phone
    form = {"xml_form_id": "ukur", "version": "1", "lists_served": {"anak": "hash"}}
    contacts = Contacts()
    contacts.note(heard(phone, FIRST, device="collect:a", bytes_up=3, **form))
    contacts.note(heard((project, actor + 99), FIRST, user_agent="Rahasia", bytes_up=4, **form))
    contacts.note(heard(phone, SECOND, device="collect:b", bytes_up=5, **form))

    contacts.flush()

    for model in (Contact, ServedForm, ServedList):
        assert {row.device_id for row in written(model)} == {"collect:a", "collect:b"}
    said = [r.getMessage() for r in caplog.records if r.name == room.__name__]
    assert said == ["telemetry of 1 of 3 phones dropped: the store never takes it"]
    contacts.flush()
    assert {row.bytes_up for row in written()} == {3, 5}


def test_a_store_that_goes_away_meanwhile_loses_nothing(phone, store, monkeypatch):
    project, actor = phone
    contacts = Contacts()
    contacts.note(heard(phone, FIRST, bytes_up=3))
    contacts.note(heard((project, actor + 99), FIRST))
    contacts.note(heard(phone, FIRST, device="collect:b", bytes_up=5))
    refuses = iter([False, False, True])  # all at once, which fails; then one by one

    def add(connection, sums):
        store.refusals = int(next(refuses))
        store.add(connection, sums)

    with monkeypatch.context() as patch:
        patch.setattr(room, "add_contacts", add)
        with pytest.raises(StoreBusy):
            contacts.flush()
    assert written() == []

    contacts.flush()
    assert sorted(row.bytes_up for row in written()) == [3, 5]
