"""What somebody knows of a history who stood beside every screen: the facts for the oracle."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from conflict.policy import LABEL, Policies
from conflict.types import Change, Op
from tests.conflict.phones import Page
from tests.conflict.village import Server


class Seen(NamedTuple):
    """One property on a screen, the write it came from with its date, and all that stood."""

    value: str = ""
    source: str | None = None
    observed_on: str | None = None
    standing: tuple[str, ...] = ()


def day(text: str | None, stamp: str = "9000-01-01") -> date | None:
    """The day of an observation; None when it is no date, or later than the day after `stamp`."""
    if not re.match(r"\d{4}-\d\d-\d\d", text or ""):
        return None
    found = date.fromisoformat(str(text)[:10])
    return found if found <= date.fromisoformat(stamp[:10]) + timedelta(days=1) else None


def measure(text: str, kind: str) -> float | str:
    """A number where the policy measures, so that 9 is 9.0; else the text itself."""
    numeric = kind in ("latest", "max", "min") and re.fullmatch(r"[+-]?\d+(\.\d+)?", text)
    return float(text) if numeric else text


def rule(policies: Policies, name: str) -> tuple[str, str]:
    """The policy of a property as its two words: ("latest", "tgl"), ("review", "")."""
    declared = policies.by_property.get(name.split("/")[0], "review")
    kind, _, on = ("last" if name == LABEL else str(declared)).partition("(")
    return kind, on.rstrip(")")


@dataclass(eq=False)
class Fact:
    """One change of a record, and what its author looked at.

    `typed` are its values, each option of a union by itself as "1" or "0"; `blank` those whose
    question a form left blank. `mine` are the forms that the phone had filled since the list
    that had `shown` it the record. `first` is the original that an edit of an edit goes back to.
    `days` are the date and first stamp of each write on a page; `ends` the deletes that a
    decision takes back, `removes` the writes that it deletes.
    """

    change: Change
    stamp: str
    policies: Policies
    page: Page
    mine: tuple[str, ...]
    typed: dict[str, str] = field(default_factory=dict)
    blank: set[str] = field(default_factory=set)
    first: Fact = field(init=False)
    removes: set[tuple[str, str]] | None = None

    def __post_init__(self) -> None:
        change = self.change
        self.id, self.op, self.of = change.change_id, change.op.value, change.of
        self.form, self.mends, self.lists = change.submission, change.deprecates, change.contenders
        self.hidden = self.policies.kept_off_phones
        self.dates = {on: change.data[on] for on in self.policies.dates & change.data.keys()}
        self.order_time = min(change.client_time or self.stamp, self.stamp)
        listed = set(change.contenders) if change.status == "active" else set()
        ends = self.page.view.deletes
        self.ends = [cid for cid in ends if self.op == "restore" or cid in listed]
        self.shown = {
            name: Seen(one.value, one.source, one.observed_on, one.standing)
            for name, one in self.page.view.seen.items()
            if not (change.from_form and name.split("/")[0] in self.hidden)
        }

    def rule(self, name: str) -> tuple[str, str]:
        return rule(self.policies, name)

    def listed(self, name: str) -> list[tuple[str | None, str]]:
        """The dates and first stamps of the writes of a property that a decision lists."""
        days = self.page.days
        return [days[name, cid] for cid in self.lists if (name, cid) in days]


def facts_of(
    server: Server, told: Mapping[str, tuple[Page, tuple[str, ...]]]
) -> dict[str, dict[str, Fact]]:
    """The facts of each record by change id, in the order in which its changes came.

    Shapes    `told` is what phones and programs were shown, as `Phone.told`.
    """
    facts: dict[str, Fact] = {}
    forms: dict[tuple[str, str], Fact] = {}
    for cid, (stamp, policies) in server.stamps.items():
        change = server.taken[cid].settled.change
        page, mine = told.get(cid, (server.pages.get(cid, Page()), ()))
        facts[cid] = fact = Fact(change, stamp, policies, page, mine)
        forms[change.entity, change.submission or cid] = fact
    for fact in facts.values():
        fact.first = _first(fact, forms)
        _spell(fact, [facts[cid].change for cid in fact.first.mine if cid in facts])
        fact.removes = _removed(fact, facts)
    found: dict[str, dict[str, Fact]] = {}
    for cid, fact in facts.items():
        found.setdefault(fact.change.entity, {})[cid] = fact
    return found


def _first(fact: Fact, forms: Mapping[tuple[str, str], Fact]) -> Fact:
    of = forms.get((fact.change.entity, fact.mends))
    return fact if of is None else _first(of, forms)


def _spell(fact: Fact, earlier: Iterable[Change]) -> None:
    """What was typed, a union option by option: those chosen, and those on the screen."""
    texts = fact.change.received()
    for name, text in texts.items():
        names = {name}
        if fact.rule(name)[0] == "union":
            typed = " ".join(one.data.get(name, "") for one in [fact.change, *earlier])
            names = {f"{name}/{option}" for option in typed.split()}
            names |= {cell for cell in fact.first.shown if cell.startswith(f"{name}/")}
            chosen = text.split()
            fact.typed.update({one: str(int(one.split("/")[1] in chosen)) for one in names})
        elif name not in fact.dates:
            fact.typed[name] = text
        fact.blank |= names if fact.change.from_form and not text else set()


def _removed(fact: Fact, facts: Mapping[str, Fact]) -> set[tuple[str, str]] | None:
    """What a delete covers: all that stood on its page; of a decision, of that what it lists."""
    decides = fact.op == Op.RESOLVE and fact.change.status == "deleted"
    if fact.op != Op.DELETE and not decides:
        return None
    seen = fact.page.view.seen.items()
    stood = {(name, cid) for name, one in seen for cid in one.standing}
    if fact.op == Op.DELETE:
        return stood
    deletes = set(fact.lists) & set(fact.page.view.deletes)
    before = [_removed(facts[cid], facts) or set() for cid in deletes]
    return {one for one in stood if one[1] in fact.lists}.union(*before)


def closed(facts: Collection[Fact]) -> bool:
    """Whether each change's earlier forms are here, and the original of each edit."""
    here = {fact.id for fact in facts}
    missing = any(not here.issuperset(fact.mine) for fact in facts)
    return not missing and any(fact.op == "create" for fact in facts)


def twinned(facts: Collection[Fact]) -> bool:
    """Whether a cloned phone filled two forms of one number, and somebody more after them."""
    numbers = [
        (one.change.branch_id, one.change.base_version or 0, one.mends)
        for one in facts
        if one.change.branch_id
    ]
    forms = [(branch, number) for branch, number, mends in numbers if not mends]
    twins = {one for one in forms if forms.count(one) > 1}
    return any(branch == of and n > m for branch, n, _ in numbers for of, m in twins)
