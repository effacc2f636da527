"""When the server itself stumbles or is busy: nothing is lost, and nobody is told a fairy tale."""

import logging
import uuid

import pytest

from sync_server import db
from sync_server.errors import BadEntity
from sync_server.intake import deciding
from sync_server.models.records import Submission
from sync_server.web import turns

pytestmark = pytest.mark.scenario


@pytest.fixture
def phone(village):
    phone = village.phone("a")
    phone.sync()
    return phone


@pytest.fixture
def stumbling(monkeypatch):
    """From now on deciding raises, with a child's name in what it says."""

    def stumble(*_args, **_named):
        raise RuntimeError("a bug over Siti")

    return lambda: monkeypatch.setattr(deciding, "take", stumble)


def test_a_form_that_cannot_be_decided_is_kept_and_answered_well(village, phone, stumbling, caplog):
    stumbling()
    xml = phone.register(str(uuid.uuid4()), nama="Siti", posyandu="melati")
    with caplog.at_level(logging.ERROR):
        phone.send(xml)
    (kept,) = village.quarantine()
    (submission,) = village._rows(Submission)
    assert (kept.code, kept.instance_id) == ("engine_error", submission.instance_id)
    assert submission.xml == xml
    assert "RuntimeError at" in caplog.text
    assert "Siti" not in caplog.text


def test_who_decides_is_told_when_the_decision_could_not_be_used(village, phone, stumbling):
    child = str(uuid.uuid4())
    other = village.phone("b")
    phone.send(phone.register(child, nama="Siti", posyandu="melati", rt="5"))
    for one in (phone, other):
        one.sync()
    phone.send(phone.measure(child, rt="6"))
    other.send(other.measure(child, rt="7"))
    stumbling()
    with pytest.raises(BadEntity):
        village.settle(child, "rt", "6")
    assert set(village.asked(child)) == {"rt"}
    assert [q.code for q in village.quarantine()] == ["engine_error"]


def test_a_busy_store_is_503_before_a_phone_gives_up_and_the_next_try_succeeds(
    village, phone, monkeypatch, engine_name
):
    assert turns.WAIT_SECONDS + db._WAIT_SECONDS < 50
    if engine_name == "postgresql":
        return
    monkeypatch.setattr(db, "_WAIT_SECONDS", 0.1)
    xml = phone.register(str(uuid.uuid4()), nama="Siti", posyandu="melati")
    with db._sqlite_writer:
        answer = phone.post(xml)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert b"<OpenRosaResponse" in answer.data
    phone.send(xml)
