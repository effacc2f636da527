"""A random set of what phones, a program and a bidan send after they have gone apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from conflict.types import Op, RecordStatus
from sync_server.intake.arrival import Author, SentChange
from sync_server.intake.keeping import raw_change
from tests.relay.network import Machine, Network
from tests.scenarios.arrivals import Form, Sending, Told
from tests.scenarios.hamlet import CLOCKS, DECISIONS, OFFLINE, ONLINE, PROGRAM, VALUES, Hamlet
from tests.scenarios.poison import Poison, poisoned

AWAY = tuple(one for one in OFFLINE if one != "rest")
_PLAIN = ("rt", "catatan", "lila", "usia", "nama")  # settled alike whatever else is here


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing sent, at a moment of its own, whichever server it comes to first.

    Poison that is made of another piece comes `after` that, to the same server: they have one
    `key`. Pieces of one `context` are all that an edit and its original are read by.
    """

    what: Sending
    moment: int
    key: str
    context: str
    after: Sending | None = None

    @property
    def author(self) -> Author:
        return self.what.author

    @property
    def item(self) -> dict[str, Any]:
        """The item of the sync contract."""
        sent = self.what.sent()
        if isinstance(sent, SentChange):
            return dict(json.loads(raw_change(sent.change)))
        return {"kind": "submission", "xml": sent.raw.decode()}


class Teller:
    """Makes the events of a story from a seed, as the strategies of a hamlet draw them."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def number(self) -> int:
        return self.random.randrange(8)

    def typed(self) -> tuple[Any, ...]:
        pairs = [(self.number(), self.number()) for _ in range(self.random.randint(1, 2))]
        return pairs, self.random.choice([None, self.number()]), self.random.random() < 0.5

    def events(self, names: Sequence[str], least: int, most: int) -> list[tuple[Any, ...]]:
        return [
            (self.random.choice(names), self.number(), self.number(), self.number(), self.typed())
            for _ in range(self.random.randint(least, most))
        ]

    def beginning(self) -> tuple[int, list[str], list[str | None]]:
        names = self.random.sample([*VALUES], self.random.randint(2, 3))
        clocks = [self.random.choice(CLOCKS) for _ in range(PROGRAM + 1)]
        return self.random.randint(1, 3), names, clocks


def begun(network: Network, random: Random) -> Hamlet:
    """A hamlet that all went well in, or not: its phones and the centre know each other."""
    centre, teller = network["office"].become(network.blank), Teller(random)
    with centre.at_work():
        hamlet = Hamlet(network.place, teller.beginning())
        hamlet.project = centre.project
        hamlet.play(teller.events((*AWAY, *ONLINE, *ONLINE, *DECISIONS), 6, 16))
    return hamlet


def sent_apart(hamlet: Hamlet, random: Random) -> list[Piece]:
    """All that comes after a story has begun, of which the meaning is not bound to a server.

    Phones and programs name what all servers have shown; the bidan's JSON names the version
    that she deletes, and decides over writes by their ids.
    """
    hamlet.play(Teller(random).events(AWAY, 8, 20))
    coming: list[Any] = [*hamlet.coming()]
    coming += _programmed(hamlet, random)
    coming += _decided(hamlet, coming, random)
    moments = random.choice([1, 1, 2, 3])
    editors = {one.author.actor_id for one in coming if one.edited}
    pieces = []
    for one in coming:
        by = one.author.actor_id
        context = f"phone {by}" if by in editors and isinstance(one, Form) else one.key
        pieces.append(Piece(one, random.randrange(moments), one.key, context))
    poisons = poisoned(hamlet, coming, random)
    about = {id(one.what): one for one in pieces}
    for poison in random.sample(poisons, min(len(poisons), 6)):
        pieces.append(_apart(poison, about, moments, random))
    return pieces


def _apart(poison: Poison, pieces: dict[int, Piece], moments: int, random: Random) -> Piece:
    about = pieces.get(id(poison.after))
    if about is not None:
        moment = random.randrange(about.moment, moments)
        return Piece(poison, moment, about.key, about.context, after=poison.after)
    key = f"poison {random.random()}"
    edited = next((one for one in pieces.values() if _edits(poison, one)), None)
    return Piece(poison, random.randrange(moments), key, edited.context if edited else key)


def _edits(poison: Poison, piece: Piece) -> bool:
    if not isinstance(piece.what, Form):
        return False
    return f"<deprecatedID>{piece.what.instance}<".encode() in poison.raw


def _programmed(hamlet: Hamlet, random: Random) -> Iterator[Told]:
    """Changes of one version that every server has served, by a program without branches."""
    author = hamlet.pads[PROGRAM].author
    for child, record in hamlet.twin.records.items():
        if not record.state.created or random.random() < 0.5:
            continue
        for _ in range(random.randint(1, 2)):
            names = random.sample(hamlet.fields, random.randint(1, len(hamlet.fields)))
            data = {name: random.choice(VALUES[name]) for name in names}
            version = record.served - random.choice([0, 0, 0, 1]) * (record.served > 1)
            change = hamlet.change(child, Op.UPDATE, author, base_version=version, data=data)
            yield Told(change, author)


def _decided(hamlet: Hamlet, coming: Sequence[Any], random: Random) -> Iterator[Told]:
    """Deletes, a restore, resolves and reopenings, as JSON of somebody who may decide."""
    for child, record in hamlet.twin.records.items():
        deleted = record.state.status is RecordStatus.DELETED
        chance = random.random()
        if not record.state.created:
            continue
        if deleted and chance < 0.6:
            yield _by_bidan(hamlet, child, Op.RESTORE)
        elif not record.state.deletes and chance < 0.25:
            yield _by_bidan(hamlet, child, Op.DELETE, base_version=record.served)
        for asked in hamlet.twin.reviews(child):
            if asked.kind == "field" and asked.field in _PLAIN and random.random() < 0.5:
                data = {asked.field: random.choice(VALUES[asked.field])}
                over = asked.contenders
                yield _by_bidan(hamlet, child, Op.RESOLVE, contenders=over, data=data)
        yield from _decided_early(hamlet, child, coming, random)
    for resolve in hamlet.decisions:
        if resolve.status is None and random.random() < 0.2:
            yield _by_bidan(hamlet, resolve.entity, Op.REOPEN, of=resolve.change_id)


def _decided_early(
    hamlet: Hamlet, child: str, coming: Sequence[Any], random: Random
) -> Iterator[Told]:
    """A decision over two changes that come by roads of their own, perhaps after it."""
    said = [one for item in coming for one in item.changes() if one.entity == child]
    name = random.choice([*_PLAIN[:2]])
    over = [one.change_id for one in said if name in one.data and one.op is Op.UPDATE]
    if len(over) > 1 and random.random() < 0.3:
        over = sorted(random.sample(over, 2))
        data = {name: random.choice(VALUES[name])}
        yield _by_bidan(hamlet, child, Op.RESOLVE, contenders=tuple(over), data=data)


def _by_bidan(hamlet: Hamlet, child: str, op: Op, **more: Any) -> Told:
    return Told(hamlet.change(child, op, hamlet.bidan, **more), hamlet.bidan)


def story_at(machine: Machine, hamlet: Hamlet, events: Sequence[tuple[Any, ...]]) -> None:
    """Go on with a hamlet's story at another server."""
    hamlet.project = machine.project
    with machine.at_work():
        hamlet.play(events)
