"""A list's policies change: what stands is read anew, nothing is settled again."""

import pytest

from conflict.reread import reread
from conflict.types import Op
from tests.conflict.village import CHILD, Phone, Server, born, declare, phones


def two_values(policies) -> Server:
    """RT 06 by A and then 07 by B, neither of whom saw the other's."""
    server = born(Server(policies))
    a, b = phones(server, "AB")
    a.fill(rt="06")
    b.fill(rt="07")
    a.send(server)
    b.send(server)
    return server


@pytest.mark.parametrize(
    ("old", "new", "shown", "asks", "steps"),
    [
        pytest.param(declare(), declare(rt="first"), "06", True, 1, id="another-value-is-shown"),
        pytest.param(declare(rt="first"), declare(rt="max"), "07", False, 1, id="nobody-is-asked"),
        pytest.param(
            declare(rt="review"),
            declare(rt="review", kept_off_phones=["rt"]),
            "07",
            True,
            1,
            id="phones-lose-it",
        ),
        pytest.param(declare(rt="max"), declare(rt="last"), "07", False, 0, id="reads-the-same"),
        pytest.param(declare(rt="last"), declare(rt="last"), "07", False, 0, id="nothing-new"),
        pytest.param(declare(), declare(rw="first"), "07", True, 0, id="of-another-property"),
    ],
)
def test_what_is_shown_otherwise_is_served_under_the_next_number(old, new, shown, asks, steps):
    server = two_values(old)
    record = server.record()
    before, served, settled = record.state, record.served, dict(record.known)

    found = reread(record, old, new)
    server.policies = new

    assert found.before == before
    assert (server.value("rt"), bool(server.questions())) == (shown, asks)
    assert (record.served, record.state.version) == (served + steps, before.version)
    assert record.known == settled
    if steps:
        assert record.undo[0] is found.undo
        assert found.undo.served == record.served
    else:
        assert found.undo is None


def test_the_step_back_gives_what_was_shown_before():
    old, new = declare(), declare(rt="first")
    server = two_values(old)
    record = server.record()
    served = record.served
    reread(record, old, new)
    assert record.view_at(served, new).value("rt") == "07"
    assert record.view_at(served + 1, new).value("rt") == "06"


def test_a_record_that_no_phone_has_been_shown_keeps_its_numbers():
    old, new = declare(), declare(rt="first")
    server = Server(old)
    a, b = (Phone(name).refresh(born(Server(old))) for name in "AB")
    a.fill(rt="06")
    b.fill(rt="07")
    a.send(server)
    b.send(server)
    record = server.record(CHILD)
    assert reread(record, old, new).undo is None
    assert (record.offset, record.undo[0].served) == (0, 2)
    server.policies = new
    assert server.value("rt") == "06"


def test_a_property_that_becomes_a_date_is_read_from_what_was_measured():
    old, new = declare(), declare(bb="latest(tgl)")
    server = born(Server(old), bb="9", tgl="2026-06-05")
    undo = reread(server.record(), old, new).undo
    assert undo is not None
    assert undo.seen["bb"].value == "9"
    server.policies = new
    assert server.questions() == {"bb": {"lahir"}}  # nobody said on which day
    server.decide(Op.RESOLVE, contenders=("lahir",), data={"bb": "9", "tgl": "2026-06-05"})
    assert (server.value("bb"), server.value("tgl"), server.questions()) == ("9", "2026-06-05", {})
