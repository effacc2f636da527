"""The laws of docs/merge.md, section 4, through the one road in, on both databases.

That what stands there loses nothing and asks nothing in vain is shown of the engine itself in
`tests/conflict/test_laws.py`; here the databases are shown to say what the engine says.
"""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conflict.areas import UNBOUND
from conflict.policy import LABEL
from sync_server.intake.arrival import Status
from sync_server.intake.resolve import choose, reopen
from sync_server.reports.history import record_page
from tests.scenarios.arrivals import Form, in_batches
from tests.scenarios.hamlet import VALUES, Hamlet, Place, beginnings, events, offline
from tests.scenarios.poison import Poison, mixed, poisoned
from tests.scenarios.stored import Stored

pytestmark = pytest.mark.scenario
few = settings(
    max_examples=max(4, settings.default.max_examples // 20),  # more by profile
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking would play hundreds of stories
    suppress_health_check=[*HealthCheck],
)
randoms = st.integers(0, 2**32).map(Random)
cuts = st.lists(st.booleans(), min_size=8, max_size=8)
WORDS = {"current", "superseded", "contender", "settled", "unchanged"}


@pytest.fixture
def place(app, clock):
    with app.app_context():
        yield Place.begin(clock)


def assert_like_its_twin(hamlet: Hamlet, stored: Stored) -> None:
    """States, settlements, questions, scopes and what is shown are those of the engine."""
    twin = hamlet.twin
    assert set(stored.entities) == twin.records.keys()
    for child, record in twin.records.items():
        row, mine = stored.row(child), stored.record(child)
        assert mine.known == record.known
        assert mine.state == record.state
        assert (row.label, row.data) == twin.shown(child)
        assert (row.version, row.status) == (record.state.version, record.state.status)
        assert (row.waiting, row.open_reviews) == (record.state.waiting, len(twin.reviews(child)))
        asked = {(one.kind, one.field, one.contenders, one.shown) for one in twin.reviews(child)}
        assert stored.reviews(child) == asked
        assert stored.scopes(child) == twin.scopes(child)


def assert_kept(hamlet: Hamlet, stored: Stored) -> None:
    """Every acknowledged form is there byte for byte, every poison in quarantine with its code."""
    forms = {row.instance_id: bytes(row.xml) for row in stored.rows["submissions"]}
    kept = {  # the bytes of a form's change are the form's
        (row.code, bytes(row.raw) or forms[row.instance_id]) for row in stored.rows["quarantine"]
    }
    for sendings, results in hamlet.arrived:
        for one, result in zip(sendings, results, strict=True):
            if isinstance(one, Poison):
                assert one.code is None or (one.code, one.raw) in kept
                assert one.code is None or result.status is Status.QUARANTINED
            elif isinstance(one, Form):
                assert forms[one.instance] == one.xml()
                assert one.spoiled or result.status is not Status.QUARANTINED
            else:
                assert result.status is not Status.QUARANTINED


def assert_told(hamlet: Hamlet) -> None:
    """The history of each record says of every value received what became of it."""
    for child, record in hamlet.twin.records.items():
        page = record_page(hamlet.project.id, child, UNBOUND, language="id")
        shown = {LABEL: page.label, **{one.name: one.value for one in page.values}}
        told = {entry.source.change_id: entry.fields for entry in page.entries}
        assert told.keys() == record.known.keys()
        for cid, one in record.known.items():
            fields = {field.name: field for field in told[cid]}
            assert {field.outcome for field in fields.values()} <= WORDS
            for name, value in one.change.received().items():
                if name == "imunisasi":  # told by option, without those left as they were
                    continue
                assert fields[name].value == value
                assert fields[name].outcome != "current" or shown[name] == value


@few
@given(beginnings, events)
def test_l8_l12_taken_in_as_it_comes_every_step_is_that_of_the_engine(place, beginning, told):
    hamlet = Hamlet(place, beginning).play(told)
    stored = Stored.of(hamlet.project)
    assert_like_its_twin(hamlet, stored)
    assert hamlet.twin.is_folded()
    for child, record in hamlet.twin.records.items():
        mine, policies = stored.record(child), hamlet.info.policies
        assert (mine.offset, mine.born_at) == (record.offset, record.born_at)
        assert [step.served for step in mine.undo] == list(range(mine.served, 0, -1))
        for number in range(mine.served + 1):
            assert mine.view_at(number, policies) == record.view_at(number, policies)


@few
@given(beginnings, events, offline, randoms, cuts)
def test_l2_l9_in_any_order_and_batches_it_ends_as_in_order(
    place, beginning, told, later, random, cuts
):
    hamlet = Hamlet(place, beginning).play(told).play(later)
    coming = hamlet.coming()
    twice = [*coming, *random.sample(coming, len(coming) // 3)]
    hamlet.arrive_apart(coming, in_batches(random.sample(twice, len(twice)), cuts))
    stored = Stored.of(hamlet.project)
    assert_like_its_twin(hamlet, stored)
    assert not any(row.waiting for row in stored.rows["records"])
    assert_kept(hamlet, stored)
    assert_told(hamlet)


@few
@given(beginnings, events, offline, randoms, cuts)
def test_l1_l10_poison_and_what_comes_again_alter_nothing(
    place, beginning, told, later, random, cuts
):
    hamlet = Hamlet(place, beginning).play(told).play(later)
    coming = [
        replace(one, spoiled=random.random() < 0.3) if isinstance(one, Form) else one
        for one in hamlet.coming()
    ]
    shuffled = random.sample(coming, len(coming))
    sendings = mixed(shuffled, poisoned(hamlet, coming, random), random)
    hamlet.arrive_apart(coming, in_batches(sendings, cuts))
    stored = Stored.of(hamlet.project)
    assert_like_its_twin(hamlet, stored)
    assert_kept(hamlet, stored)
    assert_told(hamlet)
    again = [one for batch, _ in hamlet.arrived for one in batch]
    hamlet.clock.pass_seconds(1)
    for batch in in_batches(sorted(again, key=lambda one: one.author.actor_id), [False]):
        for one, result in zip(batch, hamlet.take_in(batch), strict=True):
            assert result.status is Status.DUPLICATE or isinstance(one, Poison)
    assert not Stored.of(hamlet.project).alters(stored)


@few
@given(beginnings, events)
def test_l14_a_decision_closes_what_it_lists_and_reopening_gives_the_state_back(
    place, beginning, told
):
    hamlet = Hamlet(place, beginning).play(told)
    by = {"author": hamlet.bidan, "clock": hamlet.clock}
    for number, asked in enumerate(Stored.of(hamlet.project).rows["reviews"]):
        if asked.state != "open":
            continue
        before = Stored.of(hamlet.project)
        if asked.kind == "delete":
            said = {"status": ("active", "deleted")[number % 2]}
        elif number % 2:
            said = {"choose": asked.contenders[0]}
        else:
            said = {"value": VALUES[asked.field][0]}
        hamlet.clock.pass_seconds(1)
        choose(hamlet.project, asked.review_id, contenders=asked.contenders, **said, **by)
        closed = Stored.of(hamlet.project).reviews(asked.entity)
        assert (asked.kind, asked.field) not in {one[:2] for one in closed}
        reopen(hamlet.project, asked.review_id, **by)
        after = Stored.of(hamlet.project)
        state = before.record(asked.entity).state
        assert after.record(asked.entity).state == replace(state, version=state.version + 2)
        assert after.reviews(asked.entity) == before.reviews(asked.entity)
        assert after.row(asked.entity).data == before.row(asked.entity).data
