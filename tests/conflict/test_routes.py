"""One story by many routes: hubs and a centre, refusals that are mended, batches."""

from __future__ import annotations

from itertools import permutations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from conflict.basis import in_branch_order
from conflict.types import Change
from tests.conflict.stories import Story, filled_away, offline, stories
from tests.conflict.test_laws import quick
from tests.conflict.village import Server

randoms = st.randoms(use_true_random=False)


def away(story, later) -> tuple[Story, list[Change], dict[str, str]]:
    """A story told online, then forms filled where no server can hear of them, with stamps."""
    *people, earlier = story
    told = Story(*people, online=True, clones=False).play(earlier).finish()
    sent = {form.change_id for phone in told.phones for form in phone.outbox}
    told.online = False
    told.play(later)
    forms = [form for phone in told.phones for form in phone.outbox if form.change_id not in sent]
    return told, forms, {form.change_id: told.server.stamp() for form in forms}


def assert_alike(one: Server, other: Server) -> None:
    """Equal states, versions and open reviews of every record."""
    assert one.records.keys() == other.records.keys()
    for entity, record in one.records.items():
        assert other.record(entity).state == record.state
        assert other.reviews(entity) == one.reviews(entity)
        assert not one.waiting(entity)


def shuffled_batches(forms: list[Change], random: Random) -> list[list[Change]]:
    """The forms in any order, some twice, split at random."""
    again = [*forms, *random.sample(forms, random.randint(0, len(forms)))]
    random.shuffle(again)
    cuts = sorted(random.randint(0, len(again)) for _ in range(3))
    return [again[i:j] for i, j in zip([0, *cuts], [*cuts, len(again)], strict=True)]


@quick
@given(stories, offline, randoms)
def test_l2_l9_batches_in_any_order_end_as_in_order(story, later, random):
    told, forms, at = away(story, later)
    direct, batched = told.server.copy(), told.server.copy()
    direct.take(*forms, at=at)
    for batch in shuffled_batches(forms, random):
        batched.take(*in_branch_order(batch), at=at)
    assert_alike(direct, batched)


@quick
@given(stories, offline, randoms)
def test_l10_what_was_refused_alters_nothing_and_counts_once_it_is_let_in(story, later, random):
    told, forms, at = away(story, later)
    refused = [form for form in forms if random.random() < 0.3]
    direct, poisoned, clean = told.server.copy(), told.server.copy(), told.server.copy()
    direct.take(*forms, at=at)
    for form in random.sample(forms, len(forms)):
        if form in refused:
            poisoned.refuse(form)
        else:
            poisoned.take(form, at=at)
            clean.take(form, at=at)
    for entity, record in clean.records.items():
        assert poisoned.record(entity).state == record.state
    poisoned.retry(at)
    assert_alike(direct, poisoned)


@quick
@given(stories, filled_away, randoms)
def test_l13_hubs_and_centre_end_alike_by_whatever_route_a_form_went(story, filled, random):
    told, forms, at = away(story, filled)
    direct = told.server.copy()
    direct.take(*forms, at=at)
    servers = [told.server.copy(), told.server.hub("desa"), told.server.hub("dusun")]
    for form in forms:
        for door in random.sample(servers, random.randint(1, 2)):
            door.inbox.append(form)
    for server in servers:
        random.shuffle(server.inbox)
    while any(server.inbox for server in servers):
        door, other = random.sample(servers, 2)
        if door.inbox:
            door.take(door.inbox.pop(), at=at)
        if random.random() < 0.4:
            other.receive(door)
    for here, there in [*permutations(servers, 2)] * 2:
        here.receive(there)
    for server in servers:
        assert_alike(direct, server)
