"""Several people decide at the same moment: one is heard, the others are told that it moved."""

import threading
import uuid

import pytest

from sync_server.errors import AlreadyThere, ReviewMoved, StaleVersion
from sync_server.intake.arrival import Author
from sync_server.intake.entities import NewEntity, create_entities, decide_entity
from sync_server.intake.resolve import choose

pytestmark = pytest.mark.scenario


def at_once(village, *acts):
    """What each act answered: None, or the kind of refusal."""
    answers = []

    def run(act):
        with village.app.app_context():
            try:
                answers.append(act())
            except (AlreadyThere, ReviewMoved, StaleVersion) as exc:
                answers.append(type(exc))

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.fixture
def siti(village):
    phone = village.phone("a")
    phone.sync()
    child = str(uuid.uuid4())
    phone.send(phone.register(child, nama="Siti", posyandu="melati", rt="5"))
    return child


def alter(village, child, rt, base_version):
    return lambda: decide_entity(
        village.project,
        "anak",
        child,
        label=None,
        data={"rt": rt},
        base_version=base_version,
        author=Author(village.admin, may_decide=True),
        clock=village.clock,
    )


def test_of_ten_edits_of_one_version_one_is_taken(village, siti):
    answers = at_once(village, *(alter(village, siti, str(n), 1) for n in range(10)))
    assert sorted(map(str, answers)) == sorted(map(str, [None] + [StaleVersion] * 9))
    assert not village.reviews(siti)
    assert village.record(siti).version == 2


def test_ten_edits_that_are_forced_leave_no_question(village, siti):
    answers = at_once(village, *(alter(village, siti, str(n), None) for n in range(10)))
    assert answers == [None] * 10
    assert not village.reviews(siti)
    assert village.record(siti).version == 11


def test_of_ten_decisions_over_one_review_one_is_taken(village, siti):
    a, b = village.phone("b"), village.phone("c")
    for phone in (a, b):
        phone.sync()
    a.send(a.measure(siti, rt="81"))
    b.send(b.measure(siti, rt="90"))
    (review,) = village.reviews(siti)

    def decide(value):
        return lambda: (
            choose(
                village.project,
                review.review_id,
                contenders=review.contenders,
                value=value,
                author=Author(village.admin, may_decide=True),
                clock=village.clock,
            )
            and None
        )

    answers = at_once(village, *(decide(value) for value in ("81", "90") * 5))
    assert answers.count(None) == 1
    assert answers.count(ReviewMoved) == 9
    assert not village.reviews(siti)


def test_of_ten_creates_of_one_entity_one_is_taken(village):
    child = str(uuid.uuid4())

    def create():
        create_entities(
            village.project,
            "anak",
            [NewEntity(entity=child, label="Siti", data={"nama": "Siti"})],
            author=Author(village.admin, may_decide=True),
            clock=village.clock,
        )

    answers = at_once(village, *[create] * 10)
    assert answers.count(None) == 1
    assert answers.count(AlreadyThere) == 9
    assert village.record(child).version == 1
