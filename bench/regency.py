"""What is measured over: projects of many children, each posyandu with a hundred and a phone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from flask import Flask
from flask_migrate import upgrade

from bench.copies import Ids, write_copies, write_twin
from bench.forms import PACK, child
from bench.load import Request
from bench.stores import Store
from conflict.types import Change, Op
from sync_server.accounts import devices, people
from sync_server.app import MIGRATIONS, create_app
from sync_server.clock import Clock, SystemClock
from sync_server.db import db
from sync_server.intake.arrival import Author, Project, SentChange
from sync_server.intake.ingest import ingest
from sync_server.publishing.packs import install_pack
from sync_server.settings import load

PER_POSYANDU = 100
_SECRET = "a secret of this run and no other"
_ADMIN = ("admin@example.org", "posyandu-melati-7")


@dataclass(slots=True)
class Posyandu:
    """One posyandu: the token of its cadre's phone, and its children at version 1."""

    kode: str
    token: str = ""
    children: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Regency:
    """One project; `posyandu` in a fixed order, the first ones with phones."""

    project: Project
    admin: int
    clock: Clock
    posyandu: list[Posyandu]
    random: Random = field(default_factory=lambda: Random(7))

    @property
    def author(self) -> Author:
        return Author(self.admin, may_decide=True)

    def get(self, posyandu: Posyandu, path: str, tag: str | None = None) -> Request:
        """A phone's question; with `tag`, if it has changed."""
        headers = {} if tag is None else {"If-None-Match": tag}
        base = f"/v1/key/{posyandu.token}/projects/{self.project.id}"
        return "GET", f"{base}/{path}?deviceID=collect:Zk3bQ8hGxT1mPv0d", headers, ""

    def creates(self, kode: str, count: int) -> Iterator[SentChange]:
        """Children of a posyandu to take in."""
        for _ in range(count):
            data = child(self.random, kode)
            change = Change(
                change_id=new_id(self.random),
                list_name="anak",
                entity=new_id(self.random),
                op=Op.CREATE,
                label=data["nama"],
                data=data,
                author=str(self.admin),
            )
            yield SentChange(change)


def new_id(random: Random) -> str:
    """A UUID as phones make them, the same ones in every run."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def session_token() -> str:
    """A session of who made these projects."""
    return people.log_in(*_ADMIN, clock=SystemClock()).token


def environ_of(store: Store) -> dict[str, str]:
    return {
        "SIMPUL_HOME": str(store.home),
        "SIMPUL_DATABASE_URL": store.url,
        "SIMPUL_SECRET_KEY": _SECRET,
    }


@contextmanager
def opened(store: Store, clock: Clock | None = None) -> Iterator[Flask]:
    """An app of this process over an initialised store, within its context."""
    app = create_app(load(environ_of(store)), clock=clock)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        people.set_up(*_ADMIN, clock=SystemClock())
        yield app
        db.engine.dispose()


def settle(store: Store, name: str, children: int, phones: int) -> Regency:
    """A project with the pack's forms, so many children, and phones in its first posyandu.

    The first posyandu's children go the one road in; those of the others are copies of theirs.
    """
    places = [Posyandu(f"9999{n:06}-01") for n in range(max(1, children // PER_POSYANDU))]
    regency = _founded(name, places)
    for place in places[:phones]:
        place.token = devices.create_app_user(
            regency.project.id,
            f"Kader {place.kode}",
            {"posyandu": place.kode},
            by=regency.admin,
            clock=regency.clock,
            secret_key=_SECRET,
        ).token
    _fill(store, regency)
    return regency


def twin_of(store: Store, regency: Regency, name: str, places: Sequence[Posyandu]) -> Regency:
    """Another project, with the same children of some posyandu: what a hub has of its centre."""
    twin = _founded(name, list(places))
    twin.random.seed(name)  # else its next ids would be those of the children it was given
    write_twin(store, regency.project.id, twin.project.id, [one.kode for one in places])
    return twin


def _founded(name: str, places: list[Posyandu]) -> Regency:
    clock = SystemClock()
    admin = people.log_in(*_ADMIN, clock=clock).person.actor_id
    project_id = people.create_project(name, by=admin, clock=clock)
    install_pack(project_id, PACK, by=admin, clock=clock)
    return Regency(people.get_project(project_id), admin, clock, places)


def _fill(store: Store, regency: Regency) -> None:
    first, *others = regency.posyandu
    sent = list(regency.creates(first.kode, PER_POSYANDU))
    ingest(regency.project, sent, author=regency.author, clock=regency.clock)
    first.children += [one.change.entity for one in sent]
    change_ids = [one.change.change_id for one in sent]
    for place in others:
        place.children += [new_id(regency.random) for _ in sent]
    write_copies(store, regency.project.id, _copies(regency, change_ids))


def _copies(regency: Regency, change_ids: Sequence[str]) -> Iterator[Ids]:
    """The first posyandu's children again, in each of the others."""
    first, *others = regency.posyandu
    for number, place in enumerate(others, start=1):
        later = number * PER_POSYANDU
        for old, old_change, entity in zip(first.children, change_ids, place.children, strict=True):
            yield later, old, old_change, first.kode, entity, new_id(regency.random), place.kode
