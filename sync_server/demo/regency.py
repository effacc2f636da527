"""The demo regency before its first phone is switched on: posyandu, cadres, forms, people."""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from odk_forms.packs import Pack, SampleEntity
from sync_server.accounts import devices, people
from sync_server.clock import Clock
from sync_server.demo import names
from sync_server.publishing.packs import install_pack
from sync_server.publishing.register import run_import

POSYANDU = 4
CADRES_EACH = 3
MEASURING = "pengukuran_balita.md"
_WEEKDAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
_WEEKS = ("pertama", "kedua", "ketiga", "keempat")
_WORDS = ("melati", "mawar", "anggrek", "kenanga", "dahlia", "cempaka", "teratai", "seruni")
_VERSION = re.compile(r"\b20\d{8}\b")


class Habit(StrEnum):
    """How a cadre's phone behaves, apart from the usual."""

    USUAL = "usual"
    SILENT = "silent"  # not heard of for weeks
    NEVER = "never"  # her card was printed and never scanned
    STALE = "stale"  # sends, but does not fetch the new form
    SLOW = "slow"  # its clock is two days behind


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who logs in."""

    actor_id: int
    name: str
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Post:
    """A posyandu, which meets once a month: on the second Tuesday, for one."""

    code: str
    name: str
    weekday: int
    week: int

    def sessions(self, before: date, count: int) -> list[date]:
        """Its last `count` session days before a day, the oldest first."""
        found: list[date] = []
        month = before.replace(day=1)
        while len(found) < count:
            first = month + timedelta(days=(self.weekday - month.weekday()) % 7)
            day = first + timedelta(weeks=self.week)
            if day < before:
                found.append(day)
            month = (month - timedelta(days=1)).replace(day=1)
        return found[::-1]


@dataclass(frozen=True, slots=True)
class Cadre:
    """A cadre with a phone account of her own."""

    name: str
    post: Post
    habit: Habit
    actor_id: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Regency:
    """What was set up; `midwife` supervises the first two posyandu."""

    project_id: int
    posts: tuple[Post, ...]
    cadres: tuple[Cadre, ...]
    admin: Account
    midwife: Account


def posts(pack: Pack) -> tuple[Post, ...]:
    """The posyandu of the pack's sample that the demo takes."""
    return tuple(_post(one) for one in _sample(pack))


def _sample(pack: Pack) -> Sequence[SampleEntity]:
    return pack.lists["posyandu"].sample[:POSYANDU]


def _post(sample: SampleEntity) -> Post:
    day, _, week = sample.data["hari_buka"].split()
    weekday, number = _WEEKDAYS.index(day), _WEEKS.index(week)
    return Post(sample.data["kode"], sample.data["nama"], weekday, number)


def password() -> str:
    """Easy to type, and another in every demo: a demo may be reachable by others."""
    flowers = secrets.SystemRandom().sample(_WORDS, 3)
    return f"{'-'.join(flowers)}-{secrets.randbelow(9000) + 1000}"


def set_up(pack: Pack, *, clock: Clock, secret_key: str) -> Regency:
    """Make the regency in a store that has its tables and nothing else.

    The measuring form is published in an older version: `update_forms` brings the pack's own.
    """
    email, secret = "admin@demo.example", password()
    people.set_up(email, secret, clock=clock)
    login = people.log_in(email, secret, clock=clock)
    admin = Account(login.person.actor_id, "Admin Dinkes", email, secret)
    named = {"display_name": admin.name}
    people.update_user(admin.actor_id, named, by=admin.actor_id, clock=clock)
    project_id = people.create_project("Kabupaten Demo", clock=clock, by=admin.actor_id)
    install_pack(project_id, _older(pack, clock.now().date()), by=admin.actor_id, clock=clock)
    run_import(project_id, "posyandu", _register(pack), by=admin.actor_id, clock=clock)
    where = posts(pack)
    midwife = _midwife(project_id, where[:2], admin, clock)
    cadres = _cadres(project_id, where, admin, clock=clock, secret_key=secret_key)
    return Regency(project_id, where, cadres, admin, midwife)


def update_forms(regency: Regency, pack: Pack, *, clock: Clock) -> None:
    """Publish the pack's forms as they are now."""
    install_pack(regency.project_id, pack, by=regency.admin.actor_id, clock=clock)


def _older(pack: Pack, day: date) -> Pack:
    text = _VERSION.sub(f"{day:%Y%m%d}01", pack.forms[MEASURING], count=1)
    return replace(pack, forms={**pack.forms, MEASURING: text})


def _register(pack: Pack) -> bytes:
    """The posyandu as the spreadsheet an office would import."""
    sample = _sample(pack)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "label", *sample[0].data])
    for one in sample:
        writer.writerow([one.entity, one.label, *one.data.values()])
    return out.getvalue().encode()


def _midwife(project_id: int, where: Sequence[Post], admin: Account, clock: Clock) -> Account:
    name, email, secret = "Bidan Ratna", "bidan@demo.example", password()
    actor_id = people.create_user(
        email, secret, display_name=name, language="id", by=admin.actor_id, clock=clock
    )
    area = {"posyandu": [post.code for post in where]}
    people.assign(actor_id, "viewer", project_id, properties=area, by=admin.actor_id, clock=clock)
    return Account(actor_id, name, email, secret)


_HABITS = {
    (1, 2): Habit.SILENT,
    (2, 1): Habit.STALE,
    (3, 1): Habit.SLOW,
    (3, 2): Habit.NEVER,
}
"""By number of the posyandu and of the cadre in it."""


def _cadres(
    project_id: int, where: Sequence[Post], admin: Account, *, clock: Clock, secret_key: str
) -> tuple[Cadre, ...]:
    found = []
    for place, post in enumerate(where):
        for number in range(CADRES_EACH):
            name = f"{names.CADRES[place * CADRES_EACH + number]} ({post.name})"
            made = devices.create_app_user(
                project_id,
                name,
                {"posyandu": post.code},
                by=admin.actor_id,
                clock=clock,
                secret_key=secret_key,
            )
            habit = _HABITS.get((place, number), Habit.USUAL)
            found.append(Cadre(name, post, habit, made.actor_id, made.token))
    return tuple(found)
