"""Imports run one way. CONTRIBUTING.md has the picture; here it is enforced."""

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {
    "conflict": set(),
    "schemas": {"conflict"},
    "odk_forms": {"conflict"},
    "sync_server": {"conflict", "schemas", "odk_forms"},
}
# Libraries that would bring a database or the web into a room that has neither.
HEAVY = {"flask", "sqlalchemy", "flask_sqlalchemy", "werkzeug", "sqlite_utils", "apscheduler"}
DOORS = ("openrosa", "rest", "sync", "pages")
# Inside sync_server, from the ground up; each may import those before it. What arrives on the
# one road is a word of its own: whoever sends or reports something may say it.
ORDER: tuple[tuple[str, ...], ...] = (
    ("client",),  # as a program would have it: knows nobody of the server
    *((name,) for name in ("errors", "clock", "settings", "blobs", "models", "db", "stores")),
    *((name,) for name in ("intake.arrival", "accounts", "context", "reports")),
    *((name,) for name in ("intake", "publishing", "relay", "hubs", "backups")),
    *((name,) for name in ("fleet", "simulator", "demo", "web")),
    DOORS,
    ("jobs",),
    ("app",),
    ("commands",),
)
# What stands outside may import of the server: how programs and phones speak to it.
SEEN_FROM_OUTSIDE = (["client"], ["fleet"], ["simulator"])
RANKS = {name: rank for rank, names in enumerate(ORDER) for name in names}
FILES = [p for room in ROOMS for p in sorted((ROOT / room).rglob("*.py"))]
FILES = [p for p in FILES if "migrations" not in p.parts and p.name != "__main__.py"]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Every imported name as parts: `from sync_server.stores import forms` gives all three."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            base = (*above, *(node.module or "").split(".")) if node.module else above
            yield from ((*base, alias.name) for alias in node.names)


@pytest.fixture(params=FILES, ids=lambda path: str(path.relative_to(ROOT)))
def module(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_a_room_imports_only_the_rooms_below_it(module):
    room = module.relative_to(ROOT).parts[0]
    for name, *_ in imports(module):
        assert name not in {*ROOMS, "tests"} - ROOMS[room] - {room}, f"{room} imports {name}"
        if room == "conflict":
            assert name == room or name in sys.stdlib_module_names, f"conflict imports {name}"
        if room in {"schemas", "odk_forms"}:
            assert name not in HEAVY, f"{room} imports {name}"


def place(parts: Sequence[str]) -> str:
    """Where a module of the server stands in the order: by its own name, or its package's."""
    own = ".".join(parts[:2])
    return own if own in RANKS else parts[0]


def test_inside_the_server_imports_run_downwards(module):
    room, *inside = module.relative_to(ROOT).with_suffix("").parts
    if room != "sync_server" or inside == ["__init__"]:
        return
    here = place(inside)
    for name, *rest in imports(module):
        if name == "sync_server" and rest and (there := place(rest)) != here:
            assert RANKS[there] < RANKS[here], f"sync_server.{here} imports sync_server.{there}"


def test_the_simulator_knows_the_server_by_its_doors_alone():
    """A fleet that could look into the store would find its forms there and nowhere else."""
    folder = ROOT / "sync_server" / "simulator"
    for path in FILES:
        if folder in path.parents:
            for name, *rest in imports(path):
                outside = name == "sync_server" and rest[:1] not in ([], *SEEN_FROM_OUTSIDE)
                assert not outside, f"{path.name} imports {name}.{rest[0]}"
                assert name not in HEAVY | {"conflict", "schemas"}, f"{path.name} imports {name}"


def test_every_part_of_the_server_has_its_place():
    folder = ROOT / "sync_server"
    parts = {p.relative_to(folder).with_suffix("").parts[0] for p in FILES if folder in p.parents}
    assert parts - {"__init__"} == {name.split(".")[0] for name in RANKS}


def test_imports_stand_at_the_top(module):
    for function in ast.walk(parsed(module)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                assert not isinstance(node, ast.Import | ast.ImportFrom), f"line {node.lineno}"


def test_a_function_of_the_merge_fits_a_screen(module):
    if module.relative_to(ROOT).parts[0] != "conflict":
        return
    for function in ast.walk(parsed(module)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (function.end_lineno or 0) - function.lineno + 1
            assert lines <= 60, f"{function.name} has {lines} lines"


def test_pyxform_is_behind_one_module():
    users = [p for p in FILES if any(name == "pyxform" for name, *_ in imports(p))]
    assert users == [ROOT / "odk_forms" / "convert.py"]
