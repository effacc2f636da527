"""Which of several standing writes a property shows, as its list declares it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

LABEL = "label"
"""The name under which a record's label is written and replaced, like any property."""

_PLAIN_KINDS = ("review", "last", "first", "max", "min", "union", "derived")
_LATEST = re.compile(r"latest\(\s*([^\s()]+)\s*\)")


@dataclass(frozen=True, slots=True)
class Policy:
    """A property's policy: `str(Policy.parse(text))` gives the canonical text back.

    >>> Policy.parse("latest( tgl_ukur )")
    Policy(kind='latest', date_property='tgl_ukur')
    >>> str(Policy.parse("latest(tgl_ukur)")), str(Policy.parse("first"))
    ('latest(tgl_ukur)', 'first')
    """

    kind: str
    date_property: str | None = None

    @classmethod
    @cache
    def parse(cls, text: str) -> Policy:
        """Read `review last first latest(<date>) max min union derived`; ValueError otherwise."""
        wanted = text.strip()
        if wanted in _PLAIN_KINDS:
            return cls(wanted)
        match = _LATEST.fullmatch(wanted)
        if match is None:
            known = ", ".join((*_PLAIN_KINDS, "latest(<date property>)"))
            raise ValueError(f"no merge policy is called {wanted!r}; there are {known}")
        return cls("latest", match[1])

    def __str__(self) -> str:
        return f"latest({self.date_property})" if self.kind == "latest" else self.kind


REVIEW = Policy("review")
LAST = Policy("last")
UNION = Policy("union")


@dataclass(frozen=True, slots=True)
class Policies:
    """All that a list declares about its properties.

    `kept_off_phones` are shown blank to phones; `filters` are the properties that
    an access filter uses, whose reviews are moves. `dated` has, by date property, the
    properties that are `latest` by it; `latest` are all of these.
    """

    by_property: Mapping[str, Policy] = field(default_factory=dict)
    kept_off_phones: frozenset[str] = frozenset()
    filters: frozenset[str] = frozenset()
    dated: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    dates: frozenset[str] = field(init=False)
    latest: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        dated: dict[str, tuple[str, ...]] = {}
        for name, policy in self.by_property.items():
            if policy.date_property:
                dated[policy.date_property] = (*dated.get(policy.date_property, ()), name)
        object.__setattr__(self, "dated", dated)
        object.__setattr__(self, "dates", frozenset(dated))
        object.__setattr__(self, "latest", frozenset().union(*dated.values()))

    def of(self, name: str) -> Policy:
        """The policy of a property; the option "imunisasi/bcg" has that of its union."""
        if name == LABEL:
            return LAST
        known = self.by_property.get(name)
        if known is not None:
            return known
        if "/" in name and self.by_property.get(name.split("/", 1)[0]) == UNION:
            return UNION
        return REVIEW

    def hides(self, name: str) -> bool:
        """Whether a property, or the union that an option is of, is kept off phones."""
        return name in self.kept_off_phones or name.split("/", 1)[0] in self.kept_off_phones

    def about(self, names: Iterable[str]) -> Policies:
        """Only what is declared of these properties: all that settling them asks for."""
        wanted = frozenset(names)
        return Policies(
            {
                name: policy
                for name, policy in self.by_property.items()
                if name in wanted or policy.date_property in wanted
            },
            kept_off_phones=self.kept_off_phones & wanted,
        )
