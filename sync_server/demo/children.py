"""Invented children of a posyandu, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from sync_server.demo import names
from sync_server.demo.growth import typical

_DAYS_PER_MONTH = 30.4375
_NIK_PREFIX = "999901"  # of no regency
_STALLS = 0.16  # share of months in which a child does not gain
_LOWEST_LINE, _HIGHEST_LINE = -3.2, 2.8  # a few are below the red line, none is beyond belief
_MEASURES_ARM = 0.35
_MEASURES_HEAD = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one child in one session, as typed; "" was not measured."""

    weight: str
    length: str
    head: str = ""
    arm: str = ""


@dataclass(slots=True)
class Child:
    """One child. `first_session` counts from 0; `line` is how far off the median it grows."""

    nama: str
    jk: str
    tgl_lahir: date
    nama_ibu: str
    nama_ayah: str
    alamat: str
    rt: str
    rw: str
    nik: str
    nik_ibu: str
    no_kk: str
    bb_lahir: str
    pb_lahir: str
    first_session: int
    line: float
    height_line: float
    entity: str = ""
    history: list[Measured] = field(default_factory=list)

    @property
    def label(self) -> str:
        return f"{self.nama} (Ibu {self.nama_ibu})"

    def months_on(self, day: date) -> float:
        return (day - self.tgl_lahir).days / _DAYS_PER_MONTH

    def measure(self, day: date, rng: Random) -> Measured:
        """Measure the child, whose line wanders and who does not gain in every month."""
        months = self.months_on(day)
        self.line = min(max(self.line + rng.gauss(0, 0.1), _LOWEST_LINE), _HIGHEST_LINE)
        weight = typical("weight", self.jk, months, self.line)
        length = typical("length", self.jk, months, self.height_line)
        if self.history:
            last = self.history[-1]
            if rng.random() < _STALLS:
                self.line -= 0.25
                weight = min(weight, float(last.weight) - rng.choice((0.0, 0.0, 0.1, 0.2)))
            weight = max(weight, float(last.weight) - 0.4)
            length = max(length, float(last.length))
        measures_head = months < 24 and rng.random() < _MEASURES_HEAD
        measures_arm = months >= 6 and rng.random() < _MEASURES_ARM
        found = Measured(
            weight=f"{weight:.1f}",
            length=f"{length:.1f}",
            head=f"{typical('head', self.jk, months, self.line / 2):.1f}" if measures_head else "",
            arm=f"{typical('arm', self.jk, months, self.line):.1f}" if measures_arm else "",
        )
        self.history.append(found)
        return found


def children(count: int, sessions: Sequence[date], rng: Random) -> list[Child]:
    """Children who come to these sessions: most to all of them, some born or moved in later.

    No two have the same name and mother.
    """
    mothers = rng.sample(names.MOTHERS, min(count, len(names.MOTHERS)))
    found = []
    for place in range(count):
        later = rng.random() < 0.15
        first = rng.randrange(1, len(sessions)) if later else 0
        days = rng.randrange(3, 28) if later and rng.random() < 0.7 else rng.randrange(20, 1650)
        born = sessions[first] - timedelta(days=days)
        found.append(child(born, sessions[first], first, mothers[place % len(mothers)], rng))
    return found


def child(born: date, first_seen: date, first_session: int, mother: str, rng: Random) -> Child:
    """One child, registered at the session `first_session` of that day."""
    jk = rng.choice("LP")
    months = (first_seen - born).days / _DAYS_PER_MONTH
    line = max(_LOWEST_LINE, rng.gauss(-0.4, 0.9))
    height_line = max(_LOWEST_LINE, rng.gauss(-0.8, 0.95))
    given = names.BOYS if jk == "L" else names.GIRLS
    second = names.SECOND if jk == "L" else names.SECOND_OF_GIRLS
    has_nik = months > 2 and rng.random() < 0.75
    return Child(
        nama=f"{rng.choice(given)} {rng.choice(second)}",
        jk=jk,
        tgl_lahir=born,
        nama_ibu=mother,
        nama_ayah=rng.choice(names.FATHERS),
        alamat=rng.choice(names.HAMLETS),
        rt=f"{rng.randrange(1, 7):02d}",
        rw=f"{rng.randrange(1, 5):02d}",
        nik=nik(born, jk, rng) if has_nik else "",
        nik_ibu=nik(born - timedelta(days=rng.randrange(7000, 14000)), "P", rng),
        no_kk=nik(born - timedelta(days=rng.randrange(100, 3000)), "L", rng) if has_nik else "",
        bb_lahir=f"{typical('weight', jk, 0, max(-2.0, line)):.1f}",
        pb_lahir=f"{typical('length', jk, 0, height_line):.0f}",
        first_session=first_session,
        line=line,
        height_line=height_line,
    )


def nik(born: date, jk: str, rng: Random) -> str:
    """A national id of somebody born then: 40 is added to a girl's day.

    >>> nik(date(2024, 3, 5), "P", Random(1))[:12]
    '999901450324'
    """
    day = born.day + (40 if jk == "P" else 0)
    return f"{_NIK_PREFIX}{day:02d}{born:%m%y}{rng.randrange(1, 9999):04d}"
