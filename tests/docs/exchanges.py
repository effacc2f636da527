"""The notation of the examples in `docs/protocol.md`: what is asked, and what was answered.

    POST /v1/projects/1/sync/push (device)
    Upload-Offset: 0                              ← headers, if there are any
    {"protocol": 1, …}                            ← the body, up to the first blank line

    200
    {"batchId": …}                                ← as the server answers it, laid out by `laid_out`

`(device)` is a device of the posyandu melati, `(manager)` one of the project's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

WIDTH = 100
_BLOCK = re.compile(r"```http\n(.*?)```\n", re.DOTALL)
_ASKED = re.compile(r"(GET|HEAD|POST|PATCH) (\S+) \((\w+)\)")
_HEADER = re.compile(r"[A-Z][\w-]+: \S+")
_TOLD = ("Upload-Offset", "Upload-Complete")
_LONGEST = 60


@dataclass(frozen=True)
class Asked:
    """One request of the page."""

    text: str
    method: str
    path: str
    who: str
    headers: dict[str, str]
    body: bytes


def with_answers(page: str, ask: Callable[[Asked], TestResponse]) -> str:
    """The page with the answers that are given now, in the order of its examples."""
    return _BLOCK.sub(lambda block: _answered(block[1], ask), page)


def _answered(block: str, ask: Callable[[Asked], TestResponse]) -> str:
    asked = read(block)
    answer = ask(asked)
    lines = [str(answer.status_code)]
    lines += [f"{name}: {answer.headers[name]}" for name in _TOLD if name in answer.headers]
    if answer.data:
        lines.append(laid_out(answer.json))
    return "\n".join(["```http", asked.text, "", *lines, "```", ""])


def read(block: str) -> Asked:
    """The request at the beginning of a block. Errors: `ValueError` for one that is none."""
    text = block.partition("\n\n")[0].rstrip("\n")
    first, *rest = text.split("\n")
    match = _ASKED.fullmatch(first)
    if match is None:
        raise ValueError(f"this asks for nothing: {first!r}")
    headers = {}
    while rest and _HEADER.fullmatch(rest[0]):
        name, _, value = rest.pop(0).partition(": ")
        headers[name] = value
    method, path, who = match.groups()
    return Asked(text, method, path, who, headers, "\n".join(rest).encode())


def laid_out(value: Any, indent: int = 0) -> str:
    """JSON with as much on a line as there is room for; long opaque texts are cut."""
    flat = json.dumps(_cut(value), ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    start, end = "{}" if isinstance(value, dict) else "[]"
    rows: list[str] = []
    for part in _parts(value, indent):
        short = "\n" not in part and rows and "\n" not in rows[-1]
        if short and len(rows[-1]) + len(part) + indent + 4 <= WIDTH:
            rows[-1] += f", {part}"
        else:
            rows.append(part)
    return start + (",\n" + " " * (indent + 1)).join(rows) + end


def _parts(value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, list):
        yield from (laid_out(one, indent + 1) for one in value)
        return
    for name, one in value.items():
        flat = f"{json.dumps(name)}: {json.dumps(_cut(one), ensure_ascii=False)}"
        if len(flat) + indent + 1 <= WIDTH:
            yield flat
        else:
            yield f"{json.dumps(name)}:\n{' ' * (indent + 2)}{laid_out(one, indent + 2)}"


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST and " " not in value:
        return f"{value[:12]}…"
    if isinstance(value, list):
        return [_cut(one) for one in value]
    return {name: _cut(one) for name, one in value.items()} if isinstance(value, dict) else value
