"""Supervisors: they decide open reviews and undo decisions, delete records and move them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

import requests

from odk_forms.packs import PackList
from sync_server.simulator.book import Book
from sync_server.simulator.office import Office, OfficeRefused, Plain

_DECIDES = 0.6
_UNDOES = 0.05
_DELETES, _MOVES = 0.5, 0.5  # of a week
_MOST_A_WEEK = 40


class Supervisor:
    """One person at the sync door, over a line of their own."""

    def __init__(
        self,
        office: Office,
        main: PackList,
        rng: Random,
        book: Book,
        villages: Sequence[str],
    ) -> None:
        self.office = office.another()
        self.main, self.rng, self.book, self.villages = main, rng, book, villages

    def work(self, _week: int) -> None:
        """Look through what is open and decide some of it; then perhaps delete a record."""
        asked = {"state": "open", "limit": str(_MOST_A_WEEK)}
        try:
            page = self.office.of_project("GET", "sync/reviews", params=asked)
            for review in page["reviews"]:
                if self.rng.random() < _DECIDES:
                    self._decide(review)
            if page["reviews"]:
                self._delete_one(page["reviews"])
                self._move_one(page["reviews"])
        except (OfficeRefused, requests.RequestException):
            return  # it was away, or somebody else was quicker: next week

    def _decide(self, review: Plain) -> None:
        note = f"simulated {uuid.uuid4()}"
        said: dict[str, Any] = {"note": note}
        said["contenders"] = [one["changeId"] for one in review["contenders"]]
        if review["kind"] == "delete":
            said["status"] = self.rng.choice(("active", "deleted"))
        else:
            said["choose"] = self.rng.choice(review["contenders"])["changeId"]
        path = f"sync/reviews/{review['id']}"
        try:
            self.office.of_project("POST", f"{path}/resolve", json=said)
        except OfficeRefused:
            return  # the contenders moved meanwhile: it is asked again
        self.book.decide(note, review["entity"], review["field"])
        if self.rng.random() < _UNDOES:
            with suppress(OfficeRefused):
                self.office.of_project("POST", f"{path}/reopen", json={})

    def _delete_one(self, reviews: list[Plain]) -> None:
        """A record that people disagree about: what else comes for it makes a new question."""
        if self.rng.random() < _DELETES:
            self.office.of_project("DELETE", self._address(self.rng.choice(reviews)["entity"]))

    def _move_one(self, reviews: list[Plain]) -> None:
        """Somebody moved to another village: its phones have the record from now on."""
        if self.rng.random() < _MOVES and self.main.access:
            entity, village = self.rng.choice(reviews)["entity"], self.rng.choice(self.villages)
            data = {rule.property_name: village for rule in self.main.access}
            path = self._address(entity)
            self.office.of_project("PATCH", path, params={"force": "true"}, json={"data": data})

    def _address(self, entity: str) -> str:
        return f"datasets/{self.main.name}/entities/{entity}"
