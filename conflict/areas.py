"""Areas: which records a device, a hub or a scoped supervisor may see.

A list's access filter has rules, each naming a property of the list and a property of
the actor. A record's *scope* is the text of its values under those rules; an actor's
scopes are all the texts it may see. A record whose filter property is blank is seen by
the devices that wrote it, under the scope `@<actor id>`. See ADR 0010.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from conflict.types import RecordState, Review, View

EVERYBODY = ""
"""The scope of every record of a list that has no access filter."""

AWAY = "-"
"""The scope of a record that left the area of this hub; nobody's, whatever its values are here."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of an access filter: these two properties must be equal."""

    dataset_property: str
    actor_property: str


@dataclass(frozen=True, slots=True)
class Area:
    """What an actor bears: property -> the values any of which may match.

    `bound` is False for who sees everything: managers and administrators.
    """

    actor_id: int | None
    properties: Mapping[str, tuple[str, ...]]
    bound: bool = True


def area_of(actor_id: int, properties: Mapping[str, Any]) -> Area:
    """The area of an actor from its stored properties, each a text or a list of texts."""
    read = {
        name: tuple(value) if isinstance(value, list) else (value,)
        for name, value in properties.items()
        if value
    }
    return Area(actor_id, read)


UNBOUND = Area(None, {}, bound=False)


def rules_of(access_filter: Any) -> tuple[Rule, ...]:
    """The rules of a stored access filter, in their order; none when there is no filter."""
    if not access_filter:
        return ()
    return tuple(
        Rule(rule["datasetProperty"], rule["actorProperty"]) for rule in access_filter["rules"]
    )


def scopes_of_actor(rules: Sequence[Rule], area: Area) -> list[str]:
    """Every scope of a list with `rules` that an actor may see, sorted."""
    if not rules:
        return [EVERYBODY]
    borne = [area.properties.get(rule.actor_property, ()) for rule in rules]
    scopes = {scope_of(values) for values in product(*borne)}
    return sorted(scopes | {writer_scope(area.actor_id)})


def writer_scope(actor_id: int | None) -> str:
    return f"@{actor_id}"


def scopes_of_record(
    rules: Sequence[Rule], state: RecordState, moves: Iterable[Review], writers: Iterable[int]
) -> frozenset[str]:
    """Every scope a record is in.

    While a move is in question the record is in the area of every contender, so that no
    village loses a child from its list before somebody has decided.
    """
    if not rules:
        return frozenset({EVERYBODY})
    in_question = {review.field for review in moves if review.kind == "move"}
    values = [_values(state, rule.dataset_property, in_question) for rule in rules]
    if all(values):
        return frozenset(scope_of(chosen) for chosen in product(*values))
    return frozenset(writer_scope(actor_id) for actor_id in writers)


def is_placed(rules: Sequence[Rule], state: RecordState) -> bool:
    """Whether a record's values say its scopes; if not, its writers do."""
    return all(_values(state, rule.dataset_property, set()) for rule in rules)


def _values(state: RecordState, name: str, in_question: set[str]) -> list[str]:
    standing = state.fields.get(name)
    if standing is None:
        return []
    if name in in_question:
        return sorted({write.value for write in standing.writes if write.value})
    shown = standing.shown_write()
    return [shown.value] if shown is not None and shown.value else []


def may_write(rules: Sequence[Rule], area: Area, view: View, scopes: Collection[str] = ()) -> bool:
    """Whether what the author was shown lay in its area, or is not known.

    `scopes` are those of the record as it stands, none when it is not here. A record that
    was shown without a place is of those who may see it now: the devices that wrote it.
    """
    if not area.bound:
        return True
    for rule in rules:
        shown = view.value(rule.dataset_property)
        if shown and shown not in area.properties.get(rule.actor_property, ()):
            return False
        if not shown and scopes and not set(scopes) & set(scopes_of_actor(rules, area)):
            return False
    return True


def scope_of(values: Iterable[str]) -> str:
    """The scope of these values, one for each rule of a filter, in the rules' order."""
    return json.dumps(list(values), separators=(",", ":"), ensure_ascii=False)
