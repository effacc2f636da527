"""The laws of docs/merge.md, section 4, over random stories.

What must not be lost is checked against the screens of simulated phones, not against
what settling believes that they showed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from conflict.basis import waits_for
from conflict.fold import fold
from conflict.record import Record
from conflict.settle import received_value
from conflict.standing import reviews, same
from conflict.types import Change, Op, RecordState, SettledChange, Standing
from tests.conflict.stories import (
    VALID_DATES,
    VALUES,
    Story,
    filled,
    offline,
    stories,
    was_shown,
)
from tests.conflict.village import CHILD, Phone, Server
from tests.conflict.witness import Fact, twinned

# A few here, for there are many laws; more in the nightly profile, and beside the oracle.
quick = settings(max_examples=settings.default.max_examples // 2)
UNCOUNTED = (Op.DELETE, Op.RESTORE)
ALWAYS_ANSWERED = ("last", "max", "min", "union")


class Shared(tuple):
    """A story that is played once for all the laws that only look at its end."""

    told: Story | None = None


def played(story) -> Story:
    """A story at its end, only to be looked at."""
    if not isinstance(story, Shared):
        return played_anew(story)
    if story.told is None:
        story.told = played_anew(story)
    return story.told


def played_anew(story) -> Story:
    """A story at its end, to go on with."""
    *people, events = story
    return Story(*people).play(events).finish()


@quick
@given(stories)
def test_l8_l12_one_by_one_gives_what_folding_gives_and_the_version_rises_by_one(story):
    told = Story(*story[:2])
    for event in (*story[2], ("finish",)):
        told.play([event])
        for record in told.server.records.values():
            assert record.state == fold(record.known.values(), told.server.policies)
            numbers = [step.served for step in reversed(record.undo)]
            rises = [one for one in record.known.values() if one.change.op not in UNCOUNTED]
            assert record.state.version == len(rises)
            assert sorted(set(numbers) - {0}) == list(range(1, record.served + 1))
            assert numbers == sorted(numbers)


@quick
@given(stories, st.randoms(use_true_random=False))
def test_l1_l2_the_state_is_that_of_the_set_of_settled_changes(story, random):
    server = played(story).server
    for record in server.records.values():
        again = [*record.known.values(), *record.known.values()]
        random.shuffle(again)
        assert fold(again, server.policies) == record.state


@quick
@given(stories, offline, st.randoms(use_true_random=False))
def test_l2_l9_any_order_of_arrival_ends_as_in_order_and_nothing_waits(story, later, random):
    *people, earlier = story
    told = Story(*people, online=True, clones=False).play(earlier)
    served = {phone.name: len(phone.outbox) for phone in told.phones}
    told.online = False
    told.play(later)
    forms = [c for phone in told.phones for c in phone.outbox[served[phone.name] :]]
    at = {c.change_id: told.server.stamp() for c in forms}
    shuffled = [*forms, *random.sample(forms, random.randint(0, len(forms)))]
    random.shuffle(shuffled)

    one, other = told.server, told.server.copy()
    one.take(*forms, at=at)
    other.take(*shuffled, at=at)

    assert one.records.keys() == other.records.keys()
    for entity, record in one.records.items():
        assert other.records[entity].state == record.state
        assert settlements(other.records[entity].known) == settlements(record.known)
        assert other.reviews(entity) == one.reviews(entity)
        assert not one.waiting(entity)
        assert not other.waiting(entity)


def settlements(known: dict[str, SettledChange]) -> dict[str, tuple]:
    """What settling found; a form taken back bears the stamp of what came last, and no value."""
    return {cid: (one.properties, one.covers, one.voids) for cid, one in known.items()}


@quick
@given(stories)
def test_l5_l9_in_the_end_nothing_waits_and_no_question_is_about_what_was_replaced(story):
    told = played(story)
    for entity, record in told.server.records.items():
        assert (told.server.waiting(entity), record.state.waiting) == ([], 0)
        assert not record.state.awaited
        assert all(waits_for(record, one.change) is None for one in record.known.values())
        for review in told.server.reviews(entity):
            for cid in review.contenders:
                settled = record.known[cid].properties.get(review.field)
                assert not settled or not set(settled.replaces) & set(review.contenders)


@quick
@given(stories)
def test_l3_no_value_is_lost(story):
    told = played(story)
    for entity, facts in told.facts().items():
        record = told.server.record(entity)
        voided = {one.change.of for one in record.known.values()}
        mended = {one.mends for one in facts.values() if one.mends}
        for cid, one in facts.items():
            if cid in voided or one.form in mended or twinned(facts.values()):
                continue
            for name, settled in record.known[cid].properties.items():
                if settled.write:
                    assert accounted_for(told, facts, cid, name), (cid, name)
                else:
                    assert says_nothing(told, one, name), (cid, name)


def says_nothing(told: Story, fact: Fact, name: str) -> bool:
    """The value is the one that was on the screen, or a blank that says nothing there."""
    value, policy = received_value(fact.change, name), fact.policies.of(name)
    quiet = policy.kind in ("latest", "first", "max", "min") or fact.policies.hides(name)
    if quiet and name in fact.blank:
        return True
    return same(value, told.showed(fact, name), policy)


def accounted_for(told: Story, facts: dict[str, Fact], cid: str, name: str) -> bool:
    """Standing: shown, asked about or listed as settled. Or replaced by who was shown it."""
    record = told.server.record(facts[cid].change.entity)
    standing = record.state.fields.get(name)
    if standing and any(w.change_id == cid for w in standing.writes):
        return True
    return any(
        replaced_knowingly(told, record, writer, facts[cid], name)
        for writer in facts.values()
        if writer.id != cid
    )


def replaced_knowingly(told: Story, record: Record, writer: Fact, lost: Fact, name: str) -> bool:
    settled = record.known[writer.id].properties.get(name)
    if settled is None or not settled.write:
        return False
    if lost.id not in leans(record, settled.replaces, name):
        return False
    if writer.op == Op.RESOLVE:
        return True
    seen = writer.first.page.view.seen.get(name)
    aware = (*(seen.standing if seen else ()), *writer.first.mine)
    if lost.id not in leans(record, aware, name):
        return False
    kind = writer.policies.of(name).kind
    value = received_value(lost.change, name)
    return kind in ALWAYS_ANSWERED or was_shown(told, writer, name, value)


def leans(record: Record, ids: Iterable[str], name: str) -> set[str]:
    """`ids`, what their authors leant on, and the edits that say the same in their place."""
    found, coming = set(), list(ids)
    while coming:
        cid = coming.pop()
        if cid not in found:
            found.add(cid)
            one = record.known.get(cid)
            settled = one.properties.get(name) if one else None
            coming += settled.replaces if settled and not settled.write else ()
            coming += record.state.heirs.get(cid, {}).get(name, ())
    return found


@quick
@given(stories)
def test_l6_a_value_left_as_the_screen_had_it_changes_nothing(story):
    told = played(story)
    for entity, facts in told.facts().items():
        known = told.server.record(entity).known
        for cid, fact in facts.items():
            if fact.op != Op.UPDATE or twinned(facts.values()):
                continue
            for name, settled in known[cid].properties.items():
                policy = fact.policies.of(name)
                dated = policy.kind == "latest" and fact.dates.get(policy.date_property)
                value = received_value(fact.change, name)
                if not dated and same(value, told.showed(fact, name), policy):
                    assert not settled.write, (cid, name)


@quick
@given(stories)
def test_l7_a_plain_edit_removes_no_contender_that_its_author_was_not_shown(story):
    told = Story(*story[:2])
    take = told.server.take

    def watched(*changes, **more):
        for change in changes:
            before = {} if change.change_id in told.server.taken else asked(told.server, change)
            take(change, **more)
            if change.op is Op.UPDATE:
                unseen_stay(told, change, before)

    told.server.take = watched
    told.play(story[2]).finish()


def asked(server: Server, change: Change) -> dict[str, tuple[str, ...]]:
    return {one.field: one.contenders for one in server.reviews(change.entity) if one.field}


def unseen_stay(told: Story, change: Change, before: dict[str, tuple[str, ...]]) -> None:
    record = told.server.record(change.entity)
    if told.server.taken[change.change_id].resettled or told.cloned:
        return  # a form that came late tells what other authors were shown
    facts, one = told.facts()[change.entity], record.known[change.change_id]
    if one.trunk_view is not None and any(fact.mends for fact in facts.values()):
        return  # settled for now on an edit, in the place of a form that has not come
    for name, contenders in before.items():
        standing = record.state.fields.get(name, Standing()).writes
        for cid in set(contenders) - {w.change_id for w in standing}:
            value = received_value(facts[cid].change, name)
            mends = change.deprecates and change.deprecates == facts[cid].form
            shown = was_shown(told, facts[change.change_id], name, value)
            assert mends or shown, (change.change_id, cid, name)


# Without `first`: it asks also about what its own author typed twice.
PARTS = (("rt", "bb", "catatan", "lila"), ("rw", "tb", "usia", "imunisasi", "ktp"))


@quick
@given(
    st.lists(filled(PARTS[0]), min_size=1, max_size=4),
    st.lists(filled(PARTS[1]), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_l5_people_who_write_different_fields_are_never_asked(one, other, random):
    told = Story(["", ""])
    a, b = told.phones
    for phone, forms in ((a, one), (b, other)):
        for (typed, dated), day in zip(forms, VALID_DATES, strict=False):
            phone.fill(**({**typed, "tgl": day} if dated else typed))
    arriving = [*a.outbox, *b.outbox]
    random.shuffle(arriving)
    told.server.take(*arriving)
    assert told.server.questions() == {}
    for phone, name in ((a, "rt"), (b, "rw")):
        assert told.server.value(name) == phone.rows[CHILD].data.get(name, "")


@quick
@given(stories, st.integers(0, 4), st.sampled_from(["2001-01-01", "2026-10-31", "2040-01-01"]))
def test_l11_a_shifted_clock_changes_what_is_shown_and_never_what_stands(story, number, clock):
    told = played(story)
    phone, policies = told.phones[number % len(told.phones)], told.server.policies
    for record in told.server.records.values():
        shifted = [
            replace(one, change=replace(one.change, client_time=f"{clock}T00:00:00.000Z"))
            if one.change.author == phone.name
            else one
            for one in record.known.values()
        ]
        state = fold(shifted, policies)
        assert standing_ids(state) == standing_ids(record.state)
        assert (state.version, state.status, state.deletes) == (
            record.state.version,
            record.state.status,
            record.state.deletes,
        )
        fields = {(r.field, frozenset(r.contenders)) for r in reviews(state, policies) if r.field}
        before = reviews(record.state, policies)
        invalid = {r.field for r in before if policies.of(r.field).kind == "latest"}
        assert {one for one in fields if one[0] not in invalid} == {
            (r.field, frozenset(r.contenders)) for r in before if r.field and r.field not in invalid
        }


def standing_ids(state: RecordState) -> dict[str, set[str]]:
    return {name: {w.change_id for w in one.writes} for name, one in state.fields.items()}


@quick
@given(stories)
def test_l14_a_resolve_closes_what_it_lists_and_reopening_gives_the_state_back(story):
    told = played_anew(story)
    for entity, record in told.server.records.items():
        for review in told.server.reviews(entity):
            before = record.state
            if review.kind == "delete":
                decision = told.server.settle_delete("deleted", entity)
            else:
                decision = told.server.resolve(review.field, VALUES[review.field][0], entity)
            assert not any(
                (one.kind, one.field) == (review.kind, review.field)
                for one in told.server.reviews(entity)
            )
            told.server.reopen(decision)
            assert record.state == replace(before, version=before.version + 2)


@quick
@given(stories)
def test_l6_what_a_phone_is_shown_is_what_its_next_form_is_read_against(story):
    told = played_anew(story)
    for phone in told.phones:
        fresh = Phone(phone.name + "x").refresh(told.server)
        for entity, row in fresh.rows.items():
            change = fresh.fill(entity, resend=[n for n in VALUES if n in row.data])
            told.server.take(change)
            one = told.server.record(entity).known[change.change_id]
            assert not any(settled.write for settled in one.properties.values())
            assert told.server.outcome(change) == "applied"
