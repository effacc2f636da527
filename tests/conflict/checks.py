"""The oracle beside production: where they disagree about a history."""

from __future__ import annotations

from conflict.standing import view_of
from tests.conflict.oracle import Oracle
from tests.conflict.stories import Story
from tests.conflict.village import Server
from tests.conflict.witness import closed, rule, twinned

FACETS = ("shown", "standing", "asked", "deletes", "status", "version")


def disagreements(told: Story) -> list[str]:
    """Per record, each facet in which production does not end as the oracle says.

    Only of records about which everything has come that their changes lean on.
    """
    found = []
    for entity, by_id in told.facts().items():
        facts = [*by_id.values()]
        if not closed(facts) or twinned(facts):
            continue
        oracle = Oracle(facts)
        law = oracle.answer(lambda name: rule(told.server.policies, name))
        for facet, said, expected in zip(FACETS, answered(told.server, entity), law, strict=True):
            if facet == "shown":
                expected = {name: value for name, value in expected.items() if name and value}
            if said != expected:
                found.append(f"{entity}: {facet} is {said}, and {expected} by the law")
        found += unlike_screens(told, oracle)
    return found


def answered(server: Server, entity: str) -> tuple[object, ...]:
    """What production says of a record, facet by facet."""
    state = server.record(entity).state
    seen = view_of(state, server.policies).seen
    return (
        {name: one.value for name, one in seen.items() if one.value},
        {n: {write.change_id for write in one.writes} for n, one in state.fields.items()},
        server.questions(entity),
        set(state.deletes),
        state.status,
        state.version,
    )


def unlike_screens(told: Story, oracle: Oracle) -> list[str]:
    """Values that a phone showed and the oracle did not expect on its screen."""
    found = []
    screens = told.screens
    for cid, fact in oracle.facts.items():
        if cid not in screens or fact.mends or fact.op == "create":
            continue
        cells = oracle.screen(fact)
        for name, one in cells.items():
            value = screens[cid].get(name, "")
            if "/" in name:
                union, option = name.split("/")
                value = str(int(option in screens[cid].get(union, "").split()))
            if value != (one.value or "0" * ("/" in name)):
                found.append(f"{cid}: the screen showed {name} {value!r}, not {one.value!r}")
    return found
