"""An existing register: planned without writing, imported once however often it is sent."""

from uuid import UUID

import pytest
from sqlalchemy import func, select

from conflict.types import Op
from sync_server.db import read_transaction
from sync_server.errors import BadValue, NotFound
from sync_server.intake.arrival import Author
from sync_server.models.records import ChangeRow, RecordRow
from sync_server.publishing import register
from tests.publish.desk import weighing

SUPERVISOR = Author(None, may_decide=True)
REGISTER = b"""label;tgl;bb;nik
Siti;2026-10-02;9.1;1
Budi;2026-10-02;8.4;
"""


@pytest.fixture
def desk(desk):
    desk.publish(weighing(bb="latest(tgl)"))
    return desk


def planned(desk, content, **options):
    plan = register.plan_import(desk.project_id, "anak", content, **options)
    return plan.create, plan.update, plan.unchanged


def imported(desk, content, **options):
    return register.run_import(
        desk.project_id, "anak", content, by=None, clock=desk.clock, **options
    ).statuses


def faults(desk, content, **options):
    plan = register.plan_import(desk.project_id, "anak", content, **options)
    return [(one.row, one.text) for one in plan.errors]


def shown():
    with read_transaction() as connection:
        rows = connection.execute(select(RecordRow.label, RecordRow.data).order_by(RecordRow.label))
        return {row.label: row.data for row in rows}


def changes():
    with read_transaction() as connection:
        return connection.execute(select(func.count()).select_from(ChangeRow)).scalar_one()


def test_a_plan_writes_nothing(desk):
    assert planned(desk, REGISTER) == (2, 0, 0)
    assert (shown(), changes()) == ({}, 0)


def test_importing_twice_changes_nothing(desk):
    assert imported(desk, REGISTER) == {"applied": 2}
    desk.clock.pass_days(1)

    assert planned(desk, REGISTER) == (0, 0, 2)
    assert imported(desk, REGISTER) == {}
    assert changes() == 2
    assert shown() == {
        "Siti": {"tgl": "2026-10-02", "bb": "9.1", "nik": "1"},
        "Budi": {"tgl": "2026-10-02", "bb": "8.4"},
    }


def test_a_register_that_grew_brings_in_what_is_new_and_undoes_nothing(desk):
    imported(desk, REGISTER)
    with read_transaction() as connection:
        siti = connection.execute(
            select(RecordRow.entity).where(RecordRow.label == "Siti")
        ).scalar_one()
    desk.write(UUID(siti).int, tgl="2026-11-02", bb="9.6")

    assert planned(desk, REGISTER + b"Ani;2026-11-01;7;\n") == (1, 0, 2)
    imported(desk, REGISTER + b"Ani;2026-11-01;7;\n")

    assert shown()["Siti"]["bb"] == "9.6"


def test_rows_with_ids_create_and_update(desk):
    desk.create(1, bb="9.10", tgl="2026-10-02", nik="1")
    csv = "name,label,tgl,bb,nik\n{},{},{},{},\n{},Budi,2026-10-02,8,2\n"
    same = csv.format(UUID(int=1), "Anak 1", "2026-10-02", "9.1", UUID(int=2)).encode()
    other = csv.format(UUID(int=1), "Siti", "2026-11-02", "9.1", UUID(int=2)).encode()

    assert planned(desk, same) == (1, 0, 1)
    assert planned(desk, other) == (1, 1, 0)
    assert imported(desk, other) == {"applied": 2}
    assert shown()["Siti"] == {"tgl": "2026-11-02", "bb": "9.1", "nik": "1"}
    assert planned(desk, other) == (0, 0, 2)


def test_a_record_whose_birth_has_not_come_is_created(desk):
    desk.write(1, bb="9", tgl="2026-10-02")

    assert planned(desk, f"name,label\n{UUID(int=1)},Siti\n".encode()) == (1, 0, 0)


def test_a_deleted_record_is_left_out_with_a_warning(desk):
    imported(desk, f"name,label,bb\n{UUID(int=1)},Siti,9\n".encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.publish.desk.Author", lambda actor_id: SUPERVISOR)
        desk.write(1, Op.DELETE)

    plan = register.plan_import(
        desk.project_id, "anak", f"name,label,bb\n{UUID(int=1)},Siti,10\n".encode()
    )
    assert (plan.update, plan.unchanged, plan.messages[0].row) == (0, 1, 2)


def test_a_row_that_is_there_twice_is_imported_once(desk):
    plan = register.plan_import(desk.project_id, "anak", REGISTER + b"Siti;2026-10-02;9.1;1\n")
    assert (plan.create, plan.unchanged) == (2, 1)
    assert [(one.severity, one.row) for one in plan.messages] == [("warning", 4)]


def test_faults_have_row_numbers_and_nothing_is_written(desk):
    broken = b"label,bb\nSiti,9\n,8\nBudi,7,6\n"

    assert [row for row, _ in faults(desk, broken)] == [3, 4]
    with pytest.raises(BadValue, match=r"^row 3: ") as caught:
        imported(desk, broken)
    assert [one["row"] for one in caught.value.details["messages"]] == [3, 4]
    assert changes() == 0


def test_an_id_of_another_list_is_a_fault(desk):
    desk.publish(weighing(form_id="ibu").replace("| anak   ", "| ibu    "))
    imported(desk, f"name,label\n{UUID(int=1)},Siti\n".encode())

    plan = register.plan_import(
        desk.project_id, "ibu", f"name,label\n{UUID(int=1)},Siti\n".encode()
    )
    assert [(one.row, one.severity) for one in plan.messages] == [(2, "error")]


def test_columns_the_list_does_not_have_are_refused_or_added(desk):
    csv = b"label,rt\nSiti,05\n"

    assert faults(desk, csv) == [(1, "The list 'anak' has no property 'rt'.")]
    assert imported(desk, csv, add_properties=True) == {"applied": 1}
    assert desk.info().properties[-1] == "rt"
    assert faults(desk, b"label,RT\nSiti,05\n", add_properties=True)[0][0] == 1


def test_there_is_no_importing_into_a_list_that_is_not_there(desk):
    with pytest.raises(NotFound, match="anak"):
        register.plan_import(desk.project_id, "ibu", REGISTER)


def test_a_long_register_goes_in_by_chunks(desk):
    rows = "".join(f"Anak {n},{n}\n" for n in range(register.CHUNK + 1))

    assert imported(desk, f"label,nik\n{rows}".encode()) == {"applied": register.CHUNK + 1}
    assert planned(desk, f"label,nik\n{rows}".encode()) == (0, 0, register.CHUNK + 1)
