"""Which hubs something came through on its way here, and when each had it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Stamps = Sequence[Mapping[str, Any]]


def hub_of(stamp: Mapping[str, Any], hubs: Mapping[str, str]) -> str | None:
    """What the server of a stamp is called as a hub; None of one that is none.

    `hubs` has the names of this server's own hubs by their nodes. A hub of a hub is called
    what the nearer one says.
    """
    return hubs.get(stamp["node"]) or stamp.get("hub")


def hubs_on(path: Stamps | None, hubs: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The hubs of a path, the first one first: (name, when it had it by its own clock)."""
    named = ((hub_of(stamp, hubs), stamp["receivedAt"]) for stamp in path or ())
    return tuple((name, at) for name, at in named if name is not None)
