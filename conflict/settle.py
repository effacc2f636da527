"""Settling: from what the author was shown, which values are writes and what each replaces.

Done once, by the first server to take a change in; again, finally, when a missing
part of its branch arrives. The law is `docs/merge.md`, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from conflict.policy import LABEL, Policies, Policy
from conflict.standing import (
    OPTION_IN,
    OPTION_OUT,
    iso_date,
    same,
    valid_date,
)
from conflict.types import Change, Op, Seen, Settled, SettledChange, View

_BLANK_SAYS_NOTHING = frozenset({"latest", "first", "max", "min"})
_REPLACES_ALL = frozenset({"last", "max", "min", "union", "derived"})
_NOTHING = Seen("")
_NOBODY: Mapping[str, SettledChange] = {}


def settle(
    change: Change,
    view: View,
    policies: Policies,
    *,
    received_at: str,
    known: Mapping[str, SettledChange] = _NOBODY,
    waiting: bool = False,
    trunk_view: View | None = None,
    node: str = "",
    inexact: bool = False,
) -> SettledChange:
    """Settle `change`, whose author was shown `view`.

    Shapes    `known` are the record's changes that are here; only a `resolve` reads
              them, for the dates of the writes and the covers of the deletes it lists.
              `trunk_view` is what the server itself had shown, given when this may be
              settled again; it and the policies it was read by are kept with the result.
    Returns   every received property with `write`, `replaces` and `observed_on`;
              a delete's `covers`, the deletes that a restore or a resolve voids.
    Errors    none for any text a form can send.
    """
    properties = {
        name: _settle_one(change, name, value, view, policies, received_at, known)
        for name, value in received_values(change, view, policies)
    }
    may_alter = waiting or trunk_view is not None or bool(change.deprecates)
    return SettledChange(
        change=change,
        received_at=received_at,
        properties=properties,
        covers=_covers(change, view, known),
        voids=_voids(change, view),
        waiting=waiting,
        trunk_view=trunk_view,
        policies=policies.about(change.data) if may_alter else None,
        node=node,
        inexact=inexact,
    )


def received_values(change: Change, view: View, policies: Policies) -> Iterator[tuple[str, str]]:
    """Each received property with its text; of a union, each option that is in or is shown.

    The date property of a `latest` has no writes of its own and is left out.
    """
    for name, value in change.received().items():
        if name in policies.dates:
            continue
        if policies.of(name).kind == "union":
            chosen = dict.fromkeys(value.split())
            shown = (n.split("/", 1)[1] for n in view.seen if n.startswith(name + "/"))
            for option in dict.fromkeys((*chosen, *shown)):
                yield f"{name}/{option}", OPTION_IN if option in chosen else OPTION_OUT
        else:
            yield name, value


def received_value(change: Change, name: str) -> str:
    """The text received for a settled property; for the option of a union, in or out."""
    if name == LABEL and change.label is not None:
        return change.label
    if name in change.data or "/" not in name:
        return change.data.get(name, "")
    union, option = name.split("/", 1)
    return OPTION_IN if option in change.data.get(union, "").split() else OPTION_OUT


def _settle_one(
    change: Change,
    name: str,
    value: str,
    view: View,
    policies: Policies,
    received_at: str,
    known: Mapping[str, SettledChange],
) -> Settled:
    policy = policies.of(name)
    seen = view.seen.get(name, _NOTHING)
    if change.op is Op.RESOLVE:
        observed_on = _decided_date(change, name, policy, received_at, known)
        return Settled(True, change.contenders, observed_on)
    observed_on = _observed_on(change, seen, view, policy)
    if not _is_write(change, name, value, seen, policies, observed_on):
        return Settled(False, (seen.source,) if seen.source else (), seen.observed_on)
    return Settled(True, _replaces(seen, policy, observed_on, received_at), observed_on)


def _is_write(
    change: Change,
    name: str,
    value: str,
    seen: Seen,
    policies: Policies,
    observed_on: str | None,
) -> bool:
    policy = policies.of(name)
    keeps_blank = policy.kind in _BLANK_SAYS_NOTHING or policies.hides(name)
    if change.from_form and keeps_blank and _left_blank(change, name):
        return False
    if policy.kind == "union" and seen.source is None:
        return value == OPTION_IN
    dated = policy.date_property is not None and change.data.get(policy.date_property)
    if value and dated and _day(observed_on) != _day(seen.observed_on):
        return True
    return not same(value, seen.value, policy)


def _left_blank(change: Change, name: str) -> bool:
    """Whether the question of a property, or of the union that an option is of, was left blank."""
    received = change.received()
    return received.get(name, received.get(name.split("/", 1)[0])) == ""


def _day(text: str | None) -> object:
    """Two spellings of one day are one date; what is no date is only equal to itself."""
    return iso_date(text) or text


def _replaces(
    seen: Seen, policy: Policy, observed_on: str | None, received_at: str
) -> tuple[str, ...]:
    if policy.kind in _REPLACES_ALL:
        return seen.standing
    if policy.kind == "first" or seen.source is None:
        return ()
    if policy.kind == "latest":
        own, shown = valid_date(observed_on, received_at), iso_date(seen.observed_on)
        if own is None or (shown is not None and shown > own):
            return ()
    return (seen.source,)


def _observed_on(change: Change, seen: Seen, view: View, policy: Policy) -> str | None:
    """The date a value bears: the one its change brings, else the one its author was shown.

    The date shown is that of the value shown of the same property, and what the date
    property showed only where there was none: `docs/adr/0011`.
    """
    if policy.date_property is None:
        return None
    brought = change.data.get(policy.date_property)
    return brought or seen.observed_on or view.value(policy.date_property) or None


def _decided_date(
    change: Change,
    name: str,
    policy: Policy,
    received_at: str,
    known: Mapping[str, SettledChange],
) -> str | None:
    """A resolve's date: named, else the newest valid listed, else when the last was received."""
    if policy.date_property is None:
        return None
    if named := change.data.get(policy.date_property):
        return named
    listed = [
        (settled.observed_on, one.received_at)
        for cid in change.contenders
        if (one := known.get(cid)) and (settled := one.properties.get(name)) and settled.write
    ]
    valid = [str(day) for day, received in listed if valid_date(day, received) is not None]
    if valid:
        return max(valid, key=lambda text: text[:10])
    return max((received for _, received in listed), default=received_at)[:10]


def _covers(
    change: Change, view: View, known: Mapping[str, SettledChange]
) -> dict[str, tuple[str, ...]]:
    """What a delete covers: all that stood in its author's view; of a resolve, what it lists."""
    if change.op is Op.DELETE:
        return {name: seen.standing for name, seen in view.seen.items() if seen.standing}
    if change.op is not Op.RESOLVE or change.status != "deleted":
        return {}
    listed = set(change.contenders)
    covered: dict[str, set[str]] = {}
    for delete in listed & set(view.deletes):
        for name, ids in known[delete].covers.items():
            covered.setdefault(name, set()).update(ids)
    for name, seen in view.seen.items():
        covered.setdefault(name, set()).update(cid for cid in seen.standing if cid in listed)
    return {name: tuple(sorted(ids)) for name, ids in covered.items() if ids}


def _voids(change: Change, view: View) -> tuple[str, ...]:
    if change.op is Op.RESTORE:
        return view.deletes
    if change.op is Op.RESOLVE and change.status == "active":
        return tuple(cid for cid in change.contenders if cid in view.deletes)
    return ()


def overlay(view: View, earlier: Iterable[SettledChange], policies: Policies) -> View:
    """`view` with the received values of its author's own earlier changes laid over, in order.

    The phone's own list shows what was typed there, also a blank that was no write.
    """
    seen = dict(view.seen)
    for one in earlier:
        for name, settled in one.properties.items():
            before = seen.get(name, _NOTHING)
            value = received_value(one.change, name)
            if settled.write:
                replaced = frozenset(settled.replaces)
                left = tuple(cid for cid in before.standing if cid not in replaced)
                after = (*left, one.change.change_id)
                seen[name] = Seen(value, one.change.change_id, settled.observed_on, after)
            else:
                seen[name] = Seen(value, before.source, before.observed_on, before.standing)
        for name in policies.dates & one.change.data.keys():
            seen[name] = Seen(one.change.data[name])
    return View(seen, view.deletes)
