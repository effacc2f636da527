"""What stands is shown: a policy reads the writes that nobody has replaced."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter

from conflict.policy import LABEL, Policies, Policy
from conflict.types import RecordState, Review, Seen, Standing, View, Write

OPTION_IN = "1"
OPTION_OUT = "0"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN_DECIMAL = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_NUMERIC_KINDS = frozenset({"latest", "max", "min"})
_order = attrgetter("order_time", "change_id")
_NONE = Standing()


def number(text: str) -> Decimal | None:
    """A plain decimal number, or None: no exponent, no comma, no infinity."""
    return Decimal(text) if _PLAIN_DECIMAL.fullmatch(text) else None


def same(left: str, right: str, policy: Policy) -> bool:
    """Whether two values say the same: as text, or as numbers where the policy measures.

    >>> same("9.1", "9.10", Policy.parse("latest(tgl)")), same("5", "05", Policy.parse("review"))
    (True, False)
    """
    if left == right:
        return True
    if policy.kind not in _NUMERIC_KINDS:
        return False
    one, other = number(left), number(right)
    return one is not None and one == other


def valid_date(observed_on: str | None, received_at: str) -> date | None:
    """The day of an observation; None when it is no date or lies beyond the day after receipt.

    >>> valid_date("2026-11-21T08:00:00+07:00", "2026-11-21T03:00:00.000Z")
    datetime.date(2026, 11, 21)
    >>> valid_date("2027-11-05", "2026-11-21T03:00:00.000Z") is None
    True
    """
    day = iso_date(observed_on)
    if day is None:
        return None
    return day if day <= date.fromisoformat(received_at[:10]) + timedelta(days=1) else None


def iso_date(text: str | None) -> date | None:
    """The first ten characters as a calendar date, or None."""
    return None if text is None else _calendar_day(text[:10])


@lru_cache(maxsize=4096)  # the same days are read again and again: a decade of them is known
def _calendar_day(text: str) -> date | None:
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def stand(writes: Iterable[Write], policy: Policy) -> Standing:
    """The standing writes of one property, one at least, with the one that its policy shows."""
    return _standing(tuple(sorted(writes, key=_order)), policy)


def stand_with(others: Sequence[Write], write: Write, policy: Policy) -> Standing:
    """As `stand`, of one write more than `others`, which are in order."""
    place = bisect_right(others, _order(write), key=_order)
    return _standing((*others[:place], write, *others[place:]), policy)


def _standing(ordered: tuple[Write, ...], policy: Policy) -> Standing:
    return Standing(ordered, _SHOWN.get(policy.kind, _greatest)(ordered))


def _greatest(writes: tuple[Write, ...]) -> str | None:
    return writes[-1].change_id


def _first(writes: tuple[Write, ...]) -> str | None:
    decided = [w for w in writes if w.resolve]
    if decided:
        return decided[-1].change_id
    typed = [w for w in writes if w.value] or list(writes)
    return min(typed, key=lambda w: (w.received_at, *_order(w))).change_id


def _latest(writes: tuple[Write, ...]) -> str | None:
    newest = _newest(writes)
    return newest[-1].change_id if newest else None


def _newest(writes: tuple[Write, ...]) -> list[Write]:
    """The writes of the newest valid observation date, in the order given.

    Valid dates sort as text. From the end, where the newest mostly are, what is older needs no
    more than that comparison: late weights stand for ever, and a child may have hundreds.
    """
    newest = ""
    found: list[Write] = []
    for write in reversed(writes):
        day = write.observed_on
        if day is None or day < newest or valid_date(day, write.received_at) is None:
            continue
        if day[:10] > newest:
            newest, found = day[:10], []
        found.append(write)
    return found[::-1]


def _extreme(pick: Callable[..., Decimal]) -> Callable[[tuple[Write, ...]], str | None]:
    def shown(writes: tuple[Write, ...]) -> str | None:
        numbers = {w.change_id: n for w in writes if (n := number(w.value)) is not None}
        if not numbers:
            return _greatest(writes)
        best = pick(numbers.values())
        return next(w.change_id for w in reversed(writes) if numbers.get(w.change_id) == best)

    return shown


def _option(writes: tuple[Write, ...]) -> str | None:
    ticked = [w for w in writes if w.value == OPTION_IN]
    return (ticked or list(writes))[-1].change_id


_SHOWN: Mapping[str, Callable[[tuple[Write, ...]], str | None]] = {
    "first": _first,
    "latest": _latest,
    "max": _extreme(max),
    "min": _extreme(min),
    "union": _option,
}


def see(state: RecordState, name: str, policies: Policies) -> Seen | None:
    """One property of a record as somebody looking at it now sees it; None when nothing stands."""
    standing = state.fields.get(name, _NONE)
    if name not in policies.dates:
        return standing.seen
    shown_on = _shown_date(state, name, policies)
    return Seen(shown_on or "", None, None, standing.ids) if shown_on or standing.ids else None


def _shown_date(state: RecordState, name: str, policies: Policies) -> str | None:
    """A date property shows the newest date among the values shown that name it."""
    shown_on: list[str] = []
    for measured in policies.dated[name]:
        shown = state.fields.get(measured, _NONE).seen
        if shown is not None and shown.observed_on is not None:
            shown_on.append(shown.observed_on)
    return max(shown_on, key=lambda text: (text[:10], text), default=None)


def view_of(state: RecordState, policies: Policies) -> View:
    """The whole record as somebody looking at it now sees it."""
    seen = {name: one.seen for name, one in state.fields.items() if one.seen is not None}
    for name in policies.dates:
        one = see(state, name, policies)
        if one is not None:
            seen[name] = one
    return View(seen, tuple(sorted(state.deletes)))


def for_phone(view: View, policies: Policies) -> View:
    """What of a view is in phones' lists: a property kept off phones is not."""
    if not policies.kept_off_phones:
        return view
    kept = {n: s for n, s in view.seen.items() if not policies.hides(n)}
    return View(kept, view.deletes)


def shown_data(state: RecordState, policies: Policies) -> tuple[str, dict[str, str]]:
    """The label and the properties a record shows; the options of a union joined by a space."""
    return read_view(view_of(state, policies), policies)


def read_view(view: View, policies: Policies) -> tuple[str, dict[str, str]]:
    """The label and the properties of a record as it once stood, read as `shown_data` reads."""
    label = ""
    data: dict[str, str] = {}
    options: dict[str, list[str]] = {}
    for name, seen in view.seen.items():
        if name == LABEL:
            label = seen.value
        elif "/" in name and policies.of(name).kind == "union":
            union, option = name.split("/", 1)
            options.setdefault(union, []).extend([option] if seen.value == OPTION_IN else [])
        else:
            data[name] = seen.value
    data.update({union: " ".join(sorted(chosen)) for union, chosen in options.items()})
    return label, data


def reviews(state: RecordState, policies: Policies) -> tuple[Review, ...]:
    """The questions open on a record, in the order of their fields, the delete last."""
    found = []
    asked = (n for n, s in state.fields.items() if len(s.writes) > 1 or n in policies.latest)
    for name in sorted(asked):
        standing = state.fields[name]
        if name in policies.dates:  # written while it was a property like any other
            continue
        contenders = _contenders(standing, policies.of(name))
        if contenders:
            kind = "move" if name in policies.filters else "field"
            found.append(Review(kind, name, contenders, standing.shown))
    if state.deletes:  # not the status: an incomplete record may be in dispute too
        alive = {cid for _, cid in uncovered(state.fields, state.deletes)}
        if alive:
            contenders = (*sorted(state.deletes), *sorted(alive - state.deletes.keys()))
            found.append(Review("delete", "", contenders))
    return tuple(found)


def _contenders(standing: Standing, policy: Policy) -> tuple[str, ...]:
    writes = standing.writes
    if policy.kind in ("review", "first"):
        return _ids(writes) if len({w.value for w in writes}) > 1 else ()
    if policy.kind != "latest":
        return ()
    invalid = [w for w in writes if valid_date(w.observed_on, w.received_at) is None]
    newest = _newest(writes)
    if invalid or any(not same(w.value, newest[0].value, policy) for w in newest):
        # All of the newest date, also those that say the same: else the answer would meet them.
        asked = frozenset(_ids((*newest, *invalid)))
        return _ids(w for w in writes if w.change_id in asked)
    return ()


def _ids(writes: Iterable[Write]) -> tuple[str, ...]:
    return tuple(w.change_id for w in writes)


def uncovered(
    fields: Mapping[str, Standing], deletes: Mapping[str, Mapping[str, tuple[str, ...]]]
) -> list[tuple[str, str]]:
    """The standing writes, as (property, change id), that no standing delete covers."""
    covered = {
        (name, cid) for covers in deletes.values() for name, ids in covers.items() for cid in ids
    }
    every = ((name, w.change_id) for name, standing in fields.items() for w in standing.writes)
    return [one for one in every if one not in covered]
