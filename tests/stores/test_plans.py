"""What is looked up by its key reads no whole project on SQLite, which has no statistics."""

import pytest
from flask import Flask
from sqlalchemy import event

from sync_server.db import db, read_transaction
from sync_server.stores import blobs, devices, records, report

VISIBLE = {"anak": ['["01"]', "@9"], "posyandu": ['["01"]']}

READS = {
    "the scopes of records": lambda s: records.find_scopes(s, 1, ["a", "b"]),
    "the labels of records in an area": lambda s: report.list_labels(s, 1, ["a"], VISIBLE),
    "the open reviews of an area": lambda s: report.list_reviews(
        s, 1, state="open", visible=VISIBLE, limit=5
    ),
    "one page of a list": lambda s: report.list_records(
        s, 1, "anak", visible=None, after="a", limit=50
    ),
    "the last submission of each device": lambda s: devices.list_last_submissions(s, 1),
    "the blobs of an area": lambda s: blobs.find_readable(
        s, 1, ["a", "b"], reader=9, visible=VISIBLE
    ),
    "the blobs somebody has sent": lambda s: blobs.find_sent(s, 1, ["a", "b"], 9),
    "what waits": lambda s: devices.count_waiting(s, 1),
    "who contends": lambda s: devices.count_contending(s, 1),
}
# Small in any project: as many rows as devices or forms.
SMALL = ("app_users", "actors")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_lookup_reads_no_whole_project(app: Flask, read):
    seen = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        seen.append((statement, parameters))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        with read_transaction() as connection:
            read(connection)
        event.remove(db.engine, "before_cursor_execute", note)
        with db.engine.connect() as connection:
            for statement, parameters in seen:
                if not statement.startswith("SELECT"):
                    continue
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                for _, _, _, step in plan:
                    whole = step.startswith("SCAN") or step.endswith("(project_id=?)")
                    small = any(f" {name} " in f"{step} " for name in SMALL)
                    waiting = "changes_waiting" in step  # holds nothing but what waits
                    assert small or waiting or not whole, step
