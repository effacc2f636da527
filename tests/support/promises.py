"""Which test holds the server to which sentence of `docs/protocol.md`.

`@promise("P18")` above a test says that it would fail if P18 were not kept; the page is held to
have a test for each number in `tests/docs/test_protocol.py`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

promise = pytest.mark.promise


def promises_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Every (number, test) of the tests below a folder, by their text: none is run for it."""
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for number in _numbers(node.decorator_list):
                    yield number, f"{path.name}::{node.name}"


def _numbers(decorators: list[ast.expr]) -> Iterator[str]:
    for one in decorators:
        if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "promise":
            yield from (str(argument.value) for argument in one.args)  # type: ignore[attr-defined]
