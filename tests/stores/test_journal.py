"""The journal's numbers in the order of commits, and what a sequence would do instead."""

import threading

import pytest
from sqlalchemy import text

from sync_server.db import db, read_transaction, write_transaction
from sync_server.stores.feed import find_journal_head, page_of_journal
from sync_server.stores.journal import Entry, append_journal
from tests.scenarios.posyandu import Village
from tests.support.promises import promise

AT = "2026-11-21T03:00:00.000Z"
on_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)


@pytest.fixture
def village(app, clock):
    village = Village.begin(app, clock)
    with app.app_context():
        yield village


class Reader:
    """Reads the journal by a cursor, and never anything twice."""

    def __init__(self, project_id: int) -> None:
        self.project_id = project_id
        with read_transaction() as connection:
            self.seq = find_journal_head(connection, project_id)
        self.read: list[str] = []

    def page(self) -> list[str]:
        with read_transaction() as connection:
            rows = page_of_journal(connection, self.project_id, after=self.seq, limit=7)
        found = [row.ref for row in rows]
        if rows:
            self.seq = rows[-1].seq
        self.read += found
        return found


def tell(connection, project_id: int, what: str) -> None:
    entry = Entry("", "", None, kind="submission", ref=what)
    append_journal(connection, project_id, [entry], at=AT)


@on_postgresql
def test_with_a_sequence_what_commits_late_is_never_read(village):
    engine = db.engine
    numbered = text("INSERT INTO naive (what) VALUES (:what)")
    behind = text("SELECT seq, what FROM naive WHERE seq > :after ORDER BY seq")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE naive (seq bigserial PRIMARY KEY, what text)"))
    with engine.connect() as slow, engine.connect() as quick:
        slow.execute(numbered, {"what": "slow"})
        quick.execute(numbered, {"what": "quick"})
        quick.commit()
        rows = quick.execute(behind, {"after": 0}).all()
        assert [tuple(row) for row in rows] == [(2, "quick")]
        quick.commit()
        slow.commit()
        assert quick.execute(behind, {"after": 2}).all() == []  # 1 is there, and behind it
        assert len(quick.execute(behind, {"after": 0}).all()) == 2


@on_postgresql
@promise("P50")
def test_with_the_counter_row_who_comes_second_waits_for_the_first(village, app):
    project_id = village.project.id
    reader = Reader(project_id)

    def quickly() -> None:
        with app.app_context(), write_transaction() as connection:
            tell(connection, project_id, "quick")

    quick = threading.Thread(target=quickly)
    with write_transaction() as slow:
        tell(slow, project_id, "slow")
        quick.start()
        while not _somebody_waits():
            assert quick.is_alive()
        assert reader.page() == []
    quick.join()
    assert reader.page() == ["slow", "quick"]


def _somebody_waits() -> bool:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with db.engine.connect() as connection:
        return bool(connection.execute(waiting).scalar_one())


@promise("P50")
def test_eight_writers_leave_nothing_behind_a_cursor(village, app):
    project_id = village.project.id
    reader = Reader(project_id)
    before = reader.seq

    def write(number: int) -> None:
        with app.app_context():
            for turn in range(12):
                with write_transaction() as connection:
                    tell(connection, project_id, f"{number} {turn}")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for one in writers:
        one.start()
    while any(one.is_alive() for one in writers):
        reader.page()
    while reader.page():
        pass
    told = [f"{number} {turn}" for number in range(8) for turn in range(12)]
    assert sorted(reader.read) == sorted(told)
    assert reader.seq == before + len(told)
    for number in range(8):
        mine = [one for one in reader.read if one.startswith(f"{number} ")]
        assert mine == [f"{number} {turn}" for turn in range(12)]
