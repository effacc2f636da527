"""Cursors of feeds: opaque, signed, and good for one feed of one project only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace

from itsdangerous import BadSignature, URLSafeSerializer

from conflict.areas import Area
from sync_server.errors import CursorGone

RECORDS, CHANGES = "records", "changes"
MODES = (RECORDS, CHANGES)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a feed: in the snapshot after the key `after`, or in the tail after `seq`.

    The tail begins where the journal stood when the snapshot began, so that whatever
    altered meanwhile comes again. `scopes` are those that the reader could see when it read.
    """

    project: str
    epoch: str
    mode: str
    lists: tuple[str, ...] | None
    reader: str
    seq: int
    after: tuple[str, ...] | None = ()
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def at(self, after: tuple[str, ...]) -> Cursor:
        """Further on in the snapshot."""
        return replace(self, after=after)

    def tail(self, seq: int, scopes: Mapping[str, tuple[str, ...]]) -> Cursor:
        """In the tail; the snapshot is done with."""
        return replace(self, after=None, seq=seq, scopes=scopes)


def reader_of(area: Area, kept: Collection[str] = ()) -> str:
    """What a cursor knows its reader by: another area may not go on where this one stopped.

    `kept` are the lists that are kept from it: one that is not any more begins at its beginning.
    """
    if not area.bound:
        return ""
    borne = json.dumps([area.actor_id, sorted(area.properties.items()), *sorted(kept)])
    return hashlib.sha256(borne.encode()).hexdigest()[:16]


def sign(cursor: Cursor, secret_key: str) -> str:
    return str(_signer(secret_key).dumps(asdict(cursor)))


def read(text: str, secret_key: str) -> Cursor:
    """The cursor behind a text. Errors: `CursorGone` for one that is not ours, or altered."""
    try:
        plain = _signer(secret_key).loads(text)
        return Cursor(
            **{
                **plain,
                "lists": _tuple(plain["lists"]),
                "after": _tuple(plain["after"]),
                "scopes": {name: tuple(one) for name, one in plain["scopes"].items()},
            }
        )
    except (BadSignature, TypeError, KeyError, ValueError) as exc:
        raise CursorGone("this cursor is none of this server's", mustRefetch=True) from exc


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="pull")
