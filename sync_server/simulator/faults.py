"""What lines do to requests: lose them, lose their answers, let them through twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from random import Random
from typing import Any
from urllib.parse import urlsplit

from sync_server.client import SyncClient, SyncUnreachable
from sync_server.fleet.wire import Answer, NoSignal, Wire
from sync_server.simulator.book import Book


class Trouble(StrEnum):
    """What a request met. After `ANSWER_LOST` the server has worked, and nobody was told.

    `BROKEN` is what hubs meet: a connection that ends in the middle of something.
    """

    NONE = "none"
    LOST = "requests lost"
    ANSWER_LOST = "answers lost"
    TWICE = "requests sent twice"
    BROKEN = "cables broken"


OF_REQUESTS = (Trouble.LOST, Trouble.ANSWER_LOST, Trouble.TWICE)
OF_CABLES = (Trouble.BROKEN,)


class Luck:
    """What the requests of one line will meet, one after another, until the line is healed."""

    def __init__(
        self,
        rng: Random,
        loss: float,
        book: Book,
        kinds: tuple[Trouble, ...] = OF_REQUESTS,
    ) -> None:
        self.rng = rng
        self.book = book
        self._loss = loss
        self._kinds = kinds

    def heal(self) -> None:
        """From now on everything gets through, once."""
        self._loss = 0.0

    def next(self) -> Trouble:
        drawn, kind = self.rng.random(), self.rng.choice(self._kinds)
        if drawn >= self._loss:
            return Trouble.NONE
        self.book.met(kind.value)
        return kind


class SpoiltWire(Wire):
    """A phone's line. What the server answered is noted even when the phone is not told.

    `look` is shown every entity list that came, as it came.
    """

    def __init__(
        self,
        user_agent: str,
        now: Callable[[], datetime],
        *,
        luck: Luck,
        look: Callable[[bytes], None],
    ) -> None:
        super().__init__(user_agent, now)
        self._luck = luck
        self._look = look

    def exchange(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        met = self._luck.next()
        if met is Trouble.LOST:
            raise NoSignal("lost on the way there")
        answer = self._noted(method, url, body, headers)
        if met is Trouble.TWICE:
            answer = self._noted(method, url, body, headers)
        if met is Trouble.ANSWER_LOST:
            raise NoSignal("the answer was lost")
        return answer

    def _noted(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        started = time.monotonic()
        answer = super().exchange(method, url, body, headers)
        took, book = time.monotonic() - started, self._luck.book
        book.asked(took, poll=method == "GET", unchanged=answer.status == 304)
        if method == "POST":
            book.posted(answer.status, took, "a form")
        if answer.status == 200 and urlsplit(url).path.endswith(".csv"):
            self._look(answer.body)
        return answer


class SpoiltClient(SyncClient):
    """A program's line. Its batches are cut anew at each drain: the server's limits come small.

    `results` is told what every push was answered, when the answer arrived.
    """

    def __init__(
        self,
        url: str,
        project_id: int,
        token: str,
        *,
        luck: Luck,
        results: Callable[[Sequence[Mapping[str, Any]]], None],
    ) -> None:
        super().__init__(url, project_id, token, timeout=(15.0, 300.0))
        self._luck = luck
        self._results = results

    def info(self) -> dict[str, Any]:
        told = self._met(super().info)
        most = min(int(told["limits"]["maxItems"]), self._luck.rng.randrange(1, 40))
        return {**told, "limits": {**told["limits"], "maxItems": most}}

    def pull(self, **asked: Any) -> dict[str, Any]:
        return self._met(partial(super().pull, **asked))

    def push(self, items: Sequence[Mapping[str, Any]], **said: Any) -> dict[str, Any]:
        answer = self._met(partial(super().push, items, **said), about="a batch")
        self._results(answer.get("results", ()))
        return answer

    def _met(self, ask: Callable[[], dict[str, Any]], about: str = "") -> dict[str, Any]:
        met = self._luck.next()
        if met is Trouble.LOST:
            raise SyncUnreachable("lost on the way there")
        for _ in range(2 if met is Trouble.TWICE else 1):
            started = time.monotonic()
            answer = ask()
            took = time.monotonic() - started
            self._luck.book.asked(took)
            if about:
                self._luck.book.posted(200, took, about)
        if met is Trouble.ANSWER_LOST:
            raise SyncUnreachable("the answer was lost")
        return answer
