"""People in the store: what a stolen database gives away, and what an administrator leaves."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from sync_server.accounts import devices, people
from sync_server.db import db, read_transaction, write_transaction
from sync_server.errors import AlreadyThere, BadValue, NotFound, TooManyTries, WrongPassword
from sync_server.models.base import Base
from sync_server.models.people import Audit
from sync_server.stores.logins import add_failure, find_failure, lock_failure
from tests.support.serving import ADMIN_EMAIL, ADMIN_PASSWORD

KEY = "a key of this test"


@pytest.fixture
def project(app, clock) -> int:
    with app.app_context():
        made = people.create_project("Balita", clock=clock)
        devices.add_actor_property(made, "posyandu", clock=clock)
        yield made


def everything() -> str:
    """All that the tables of people hold, as text."""
    with db.engine.connect() as connection:
        return "\n".join(
            str(row)
            for table in Base.metadata.sorted_tables
            for row in connection.execute(text(f'SELECT * FROM "{table.name}"'))  # noqa: S608
        )


def test_no_secret_stands_in_the_database(project, clock):
    login = people.log_in(ADMIN_EMAIL, ADMIN_PASSWORD, clock=clock)
    by = login.person.actor_id
    device = devices.create_app_user(project, "Ani", by=by, clock=clock, secret_key=KEY)
    stored = everything()
    for secret in (ADMIN_PASSWORD, login.token, device.token):
        assert secret not in stored
        assert secret not in repr((login, device))
    assert devices.reveal_token(project, device.actor_id, secret_key=KEY) == device.token
    with pytest.raises(BadValue) as caught:
        devices.reveal_token(project, device.actor_id, secret_key="another key")
    assert device.token not in str(caught.value.details)


def test_every_act_of_an_administrator_is_audited(project, clock):
    user = people.create_user("b@example.org", None, by=1, clock=clock)
    people.assign(user, "viewer", project, properties={"posyandu": "x"}, by=1, clock=clock)
    people.unassign(user, "viewer", project, by=1, clock=clock)
    device = devices.create_app_user(project, "Ani", by=1, clock=clock, secret_key=KEY)
    devices.set_properties(project, device.actor_id, {"posyandu": "y"}, by=1, clock=clock)
    devices.revoke_app_user(project, device.actor_id, by=1, clock=clock)
    with read_transaction() as connection:
        rows = connection.execute(select(Audit.action, Audit.actor_id).order_by(Audit.id)).all()
    assert [action for action, _ in rows][-6:] == [
        "user.create",
        "assignment.create",
        "assignment.delete",
        "field_key.create",
        "field_key.update",
        "field_key.session.end",
    ]
    assert {by for _, by in rows[-6:]} == {1}


def test_an_area_binds_a_viewer_and_nobody_else(project, clock):
    user = people.create_user("b@example.org", "password-of-b", clock=clock)
    melati = {"posyandu": ["melati"]}
    people.assign(user, "viewer", project, properties=melati, clock=clock)
    viewer = people.log_in("b@example.org", "password-of-b", clock=clock).person
    assert viewer.may_view(project)
    assert not viewer.may_manage(project)
    assert viewer.area(project).properties == {"posyandu": ("melati",)}
    assert viewer.area(project).bound

    people.assign(user, "manager", project, clock=clock)
    manager = people.log_in("b@example.org", "password-of-b", clock=clock).person
    assert not manager.area(project).bound
    with pytest.raises(BadValue):
        people.assign(user, "manager", project, properties=melati, clock=clock)
    with pytest.raises(BadValue):
        people.assign(user, "viewer", project, properties={"desa": "x"}, clock=clock)
    with pytest.raises(NotFound):
        people.assign(user, "owner", project, clock=clock)


def test_an_address_is_had_by_one(project, clock):
    people.create_user("b@example.org", None, clock=clock)
    with pytest.raises(AlreadyThere):
        people.create_user("B@Example.org ", None, clock=clock)
    other = people.create_user("c@example.org", None, clock=clock)
    with pytest.raises(AlreadyThere):
        people.update_user(other, {"email": "b@example.org"}, by=1, clock=clock)


def wrong_password(at, rested="2026-11-20T03:00:00.000Z"):
    with write_transaction() as connection:
        before = lock_failure(connection, "x", at=at, forgotten_before=rested)
        add_failure(connection, "x", at=at)
        return before.count, find_failure(connection, "x")


def test_failures_are_counted_and_forgotten_after_a_rest(app):
    first, second, later = (f"2026-11-{day}T03:00:00.000Z" for day in (21, 22, 24))
    with app.app_context():
        assert wrong_password(second) == (0, (1, second))
        assert wrong_password(first) == (1, (2, second))
        assert wrong_password(later, rested="2026-11-23T03:00:00.000Z") == (0, (1, later))


@pytest.mark.parametrize("email", [ADMIN_EMAIL, "nobody@example.org"])
def test_passwords_tried_at_once_are_slowed_like_those_tried_in_turn(
    app, clock, monkeypatch, email
):
    looked_at = []
    monkeypatch.setattr(people, "fits", lambda password, _hash: bool(looked_at.append(password)))
    begin = threading.Barrier(30)

    def guess(number):
        begin.wait()
        with app.app_context():
            try:
                people.log_in(email, f"guess {number}", clock=clock)
            except (WrongPassword, TooManyTries) as exc:
                return type(exc)

    with ThreadPoolExecutor(30) as guessers:
        answers = list(guessers.map(guess, range(30)))

    assert len(looked_at) == answers.count(WrongPassword) == 5
    assert answers.count(TooManyTries) == 25
