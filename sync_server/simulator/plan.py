"""What everybody will do, drawn from the seed before anything is sent.

The same options give an equal plan. Whoever works has a stream of chance of their own, so that
one more phone alters nothing of what the others type. A pick of a record is a share of 1, for
what a list holds by then is a matter of timing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

from odk_forms.packs import Pack, PackList, PackProperty
from sync_server.simulator.options import Options

_POOL = 4  # so many different texts of a property: few enough that two people may agree
_TYPED = 0.6  # share of the questions of a visit that are answered
_WRONG_CLOCKS = 0.12
_STRANGE = 0.05
_BY_HAND, _BY_FILE = 0.25, 0.2  # shares of the weeks of a hub
_YEARS_OFF = (-9, -3, -1, 2, 6)

Typed = Mapping[str, str]
"""By property. The date of a `latest` is not among them: it is the day of the visit."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A record somebody registers."""

    entity: str
    label: str
    typed: Typed


@dataclass(frozen=True, slots=True)
class Visit:
    """A form about a record of one's list, `days_ago`; `photo` is a size in bytes, or 0."""

    pick: float
    typed: Typed
    days_ago: int
    photo: int = 0


@dataclass(frozen=True, slots=True)
class PhoneWeek:
    """`order` is how what waits is sent: as finished, backwards, mixed, or "" for not at all."""

    syncs: bool
    newcomers: tuple[Newcomer, ...]
    visits: tuple[Visit, ...]
    order: str
    by_batch: bool
    strange: str
    """The instanceID of a form that no server knows, or ""."""


@dataclass(frozen=True, slots=True)
class PhonePlan:
    """`hub` is the number of the hub it works at, None for the centre; `years_off` its clock."""

    number: int
    village: int
    hub: int | None
    years_off: int
    weeks: tuple[PhoneWeek, ...]


@dataclass(frozen=True, slots=True)
class ProgramEdit:
    """Changes of one record, each made on top of the one before; without a pick a new one."""

    pick: float | None
    steps: tuple[tuple[str, Typed], ...]  # (changeId, what it says)
    entity: str
    village: int


@dataclass(frozen=True, slots=True)
class Kill:
    """`victim` is the number of a hub, None for the centre; `after` so many seconds."""

    victim: int | None
    after: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it. `relays[week]` are the hubs that send by hand, `files[week]` by a file."""

    villages: tuple[str, ...]
    village_hub: tuple[int | None, ...]
    phones: tuple[PhonePlan, ...]
    programs: tuple[tuple[tuple[ProgramEdit, ...], ...], ...]
    relays: tuple[frozenset[int], ...]
    files: tuple[frozenset[int], ...]
    kills: Mapping[int, tuple[Kill, ...]]


def chance(seed: int, *who: object) -> Random:
    """The stream of chance of somebody."""
    return Random("/".join(map(str, (seed, *who))))  # noqa: S311 - a story, and no secret in it


def plan(options: Options, pack: Pack) -> Plan:
    """The plan of a fleet that works on the first list of the pack."""
    main = subject_of(pack)
    hubs = [None, *range(options.hubs)]
    village_hub = tuple(hubs[number % len(hubs)] for number in range(options.villages))
    weekly = range(options.weeks)
    rng = chance(options.seed, "hubs")
    relays = tuple(_some(rng, options.hubs, _BY_HAND) for _ in weekly)
    files = tuple(_some(rng, options.hubs, _BY_FILE) for _ in weekly)
    return Plan(
        villages=tuple(f"sim-{number:03d}" for number in range(options.villages)),
        village_hub=village_hub,
        phones=tuple(_phone(options, main, n, village_hub) for n in range(options.phones)),
        programs=tuple(_program(options, main, number) for number in range(options.programs)),
        relays=relays,
        files=files,
        kills=_kills(options),
    )


def subject_of(pack: Pack) -> PackList:
    """The list that the fleet works on: the pack's first."""
    return next(iter(pack.lists.values()))


def date_properties(of: PackList) -> frozenset[str]:
    """The properties that say when others were measured."""
    return frozenset(one.policy.date_property for one in of.properties if one.policy.date_property)


def _some(rng: Random, count: int, share: float) -> frozenset[int]:
    return frozenset(number for number in range(count) if rng.random() < share)


def _kills(options: Options) -> Mapping[int, tuple[Kill, ...]]:
    rng, found = chance(options.seed, "kills"), dict[int, tuple[Kill, ...]]()
    for number in range(options.kills):
        hub = rng.randrange(options.hubs) if options.hubs and number % 2 else None
        week = rng.randrange(options.weeks)
        found[week] = (*found.get(week, ()), Kill(hub, rng.uniform(0.3, 2.0)))
    return found


def _phone(
    options: Options, main: PackList, number: int, village_hub: tuple[int | None, ...]
) -> PhonePlan:
    rng = chance(options.seed, "phone", number)
    village = number % options.villages
    third = number // options.villages == 2  # the third phone of a hub's village has a signal
    wrong = rng.random() < _WRONG_CLOCKS
    return PhonePlan(
        number=number,
        village=village,
        hub=None if third else village_hub[village],
        years_off=rng.choice(_YEARS_OFF) if wrong else 0,
        weeks=tuple(_week(rng, main, options, number, week) for week in range(options.weeks)),
    )


def _week(rng: Random, main: PackList, options: Options, number: int, week: int) -> PhoneWeek:
    new_id = partial(_uuid, rng)
    newcomers = tuple(
        Newcomer(
            new_id(), f"{main.name} {number}.{week}.{place}", typed(rng, main, everything=True)
        )
        for place in range(rng.randrange(1, 4) if week == 0 else rng.randrange(2))
    )
    back = 7 * (options.weeks - 1 - week)
    visits = tuple(
        Visit(
            pick=rng.random(),
            typed=typed(rng, main),
            days_ago=back + rng.choice((0, 0, 0, 1, 2)),
            photo=rng.randrange(5_000, 40_000) if rng.random() < 0.05 else 0,
        )
        for _ in range(rng.randrange(1, 5))
    )
    return PhoneWeek(
        syncs=rng.random() < 0.7,
        newcomers=newcomers,
        visits=visits,
        order=rng.choice(("finished", "finished", "backwards", "mixed", "")),
        by_batch=rng.random() < 0.15,
        strange=f"uuid:{new_id()}" if rng.random() < _STRANGE else "",
    )


def _program(options: Options, main: PackList, number: int) -> tuple[tuple[ProgramEdit, ...], ...]:
    rng = chance(options.seed, "program", number)
    return tuple(
        tuple(_edit(rng, main, options, place) for place in range(rng.randrange(2, 7)))
        for _ in range(options.weeks)
    )


def _edit(rng: Random, main: PackList, options: Options, place_in_week: int) -> ProgramEdit:
    is_new = rng.random() < 0.15 or place_in_week == 0
    steps = 1 if rng.random() < 0.7 else rng.randrange(2, 4)
    return ProgramEdit(
        pick=None if is_new else rng.random(),
        steps=tuple(
            (_uuid(rng), typed(rng, main, everything=is_new and place == 0))
            for place in range(steps)
        ),
        entity=_uuid(rng),
        village=rng.randrange(options.villages),
    )


def typed(rng: Random, of: PackList, *, everything: bool = False) -> Typed:
    """What somebody types of a record; never where it belongs, and never nothing."""
    left_out = date_properties(of) | {rule.property_name for rule in of.access}
    asked = [one for one in of.properties if one.name not in left_out]
    chosen = [one for one in asked if everything or rng.random() < _TYPED] or asked[:1]
    return {one.name: _value(rng, one) for one in chosen}


def _value(rng: Random, one: PackProperty) -> str:
    match one.policy.kind:
        case "latest" | "max" | "min":
            return f"{rng.randrange(30, 150) / 10:.1f}"
        case "union":
            return f"option{rng.randrange(8)}"
    return f"{one.name} {rng.randrange(_POOL)}"


def _uuid(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
