"""Which test holds the server to which sentence of `docs/protocol.md` or `docs/openrosa.md`.

`@promise("P18")` above a test, or `marks=promise("O7")` at a row of its table, says that it would
fail if that sentence were not kept. The pages are held to have a test for each number in
`tests/docs/test_protocol.py` and `tests/docs/test_openrosa.py`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

promise = pytest.mark.promise


def promises_of(folder: Path, letter: str) -> Iterator[str]:
    """Every number of one page that the tests below a folder name; none is run for it.

    `letter` is what the numbers of the page begin with. One number may come many times.
    """
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "promise":
                named = (str(ast.literal_eval(argument)) for argument in node.args)
                yield from (number for number in named if number.startswith(letter))
