"""The end of a run, for a person and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sync_server.simulator.drill import Drill
from sync_server.simulator.promises import Verdict


def lines(drill: Drill, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The table of the six promises, then what sizes a machine."""
    asked = drill.options
    yield (
        f"seed {asked.seed}: {asked.phones} phones in {asked.villages} villages, "
        f"{asked.hubs} hubs, {asked.programs} programs, {asked.weeks} weeks"
    )
    yield f"on the way: {_counts(_troubles(drill))}"
    yield ""
    for one in verdicts:
        yield f"{one.number}  {'held  ' if one.held else 'BROKEN'}  {one.promise}"
        yield f"             {_counts(one.checked)}"
        yield from (f"             ! {text}" for text in one.broken[:1])
        if len(one.broken) > 1:
            yield f"             ! and {len(one.broken) - 1} more"
    yield ""
    yield "What sizes a machine (of this one, while the fleet ran on it too):"
    yield from (f"  {name:<28} {value}" for name, value in figures(drill).items())


def as_data(drill: Drill, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The same as one JSON document."""
    return {
        "seed": drill.options.seed,
        "held": all(one.held for one in verdicts),
        "promises": [
            {
                "number": one.number,
                "promise": one.promise,
                "held": one.held,
                "checked": dict(one.checked),
                "broken": list(one.broken),
            }
            for one in verdicts
        ],
        "troubles": _troubles(drill),
        "figures": figures(drill),
    }


def figures(drill: Drill) -> dict[str, float | int]:
    """Seconds, bytes and counts of the weeks."""
    book = drill.book
    posts = [one.seconds for one in book.posts]
    requests = sorted(book.seconds_of_requests)
    seconds = max(drill.seconds, 0.001)
    count = max(len(drill.handsets), 1)
    return {
        "seconds of work": round(drill.seconds, 1),
        "requests": len(requests),
        "requests a second": round(len(requests) / seconds, 1),
        "submissions": len(book.forms),
        "submissions a second": round(len(book.forms) / seconds, 1),
        "bytes a phone": sum(one.traffic for one in drill.handsets) // count,
        "middle answer, ms": round(1000 * requests[len(requests) // 2]) if requests else 0,
        "slowest answer, ms": round(1000 * max(requests, default=0.0)),
        "slowest post, ms": round(1000 * max(posts, default=0.0)),
    }


def _troubles(drill: Drill) -> dict[str, int]:
    return {
        **{str(name): count for name, count in sorted(drill.book.troubles.items())},
        "servers killed": drill.kills,
        "files carried": drill.files,
        "phones with a wrong clock": sum(bool(one.years_off) for one in drill.plan.phones),
    }


def _counts(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.items())
