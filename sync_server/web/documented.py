"""What a route takes and gives, said beside it: the OpenAPI page is made of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from marshmallow import Schema

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Documented:
    """What a route takes and gives, besides what its address and its docstring say.

    `answers` are the shapes of what is answered, one of them at a time; none for bytes, and
    none where nothing is. `statuses` are those of an answer, `head` those of HEAD where that
    is a question of its own, `refused` those of refusals besides the ones any route has.
    `headers` are what it reads of them; one with a `!` behind it is required.
    """

    answers: tuple[type[Schema], ...] = ()
    body: type[Schema] | None = None
    optional: bool = False  # whether the body may be left out
    takes_bytes: bool = False
    query: type[Schema] | None = None
    headers: tuple[str, ...] = ()
    statuses: tuple[int, ...] = (200,)
    head: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    open_to_all: bool = False


def documented(*answers: type[Schema], **said: Any) -> Callable[[View], View]:
    """Say of a view what it takes and gives; the view itself stays as it is."""

    def note(view: View) -> View:
        view.documented = Documented(answers, **said)  # type: ignore[attr-defined]
        return view

    return note
