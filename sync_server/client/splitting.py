"""Bodies of pushes: the bytes of a batch, and how many items make one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

PROTOCOL = 1
ENVELOPE_BYTES = 256
"""Room for what a body has besides its items."""

Item = dict[str, Any]


def body_of(items: Sequence[Mapping[str, Any]], batch_id: str, epoch: str | None) -> bytes:
    """The bytes of a batch: the same for the same arguments, as a batch sent again must be.

    >>> body_of([{"kind": "change"}], "b", None)
    b'{"protocol":1,"batchId":"b","items":[{"kind":"change"}]}'
    """
    said = {} if epoch is None else {"epoch": epoch}
    return plain_bytes({"protocol": PROTOCOL, "batchId": batch_id, **said, "items": list(items)})


def packed(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=6, mtime=0)


def plain_text(value: object) -> str:
    """JSON in one line. Errors: `TypeError` or `ValueError` for what has no JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def plain_bytes(value: object) -> bytes:
    r"""JSON as it is sent. Half of a surrogate pair goes as its escape, having no UTF-8.

    >>> plain_bytes({"nama": "\ud800"})
    b'{"nama":"\\ud800"}'
    """
    return plain_text(value).encode("utf-8", "backslashreplace")


def batches(items: Iterable[Item], limits: Mapping[str, int]) -> Iterator[list[Item]]:
    """The items in groups that a server takes, in their order; `limits` are those of its `info`.

    An item that is too large for any batch is a group of its own: the server says so.

    >>> [len(group) for group in batches([{}] * 7, {"maxItems": 3})]
    [3, 3, 1]
    """
    most_items = limits.get("maxItems", 500)
    most_raw = limits.get("maxRawBytes", 8 << 20) - ENVELOPE_BYTES
    group: list[Item] = []
    size = 0
    for item in items:
        added = len(plain_bytes(item)) + 1
        if group and (len(group) >= most_items or size + added > most_raw):
            yield from _halved(group, limits)
            group, size = [], 0
        group.append(item)
        size += added
    if group:
        yield from _halved(group, limits)


def _halved(group: list[Item], limits: Mapping[str, int]) -> Iterator[list[Item]]:
    """The group, or halves of it as long as they are too many bytes once they are gzip."""
    most = limits.get("maxBytes", 1 << 20) - ENVELOPE_BYTES
    if len(group) == 1 or len(packed(plain_bytes(group))) <= most:
        yield group
        return
    middle = len(group) // 2
    yield from _halved(group[:middle], limits)
    yield from _halved(group[middle:], limits)
