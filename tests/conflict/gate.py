"""The machinery of the mutation gate: sow one bug in `conflict/`, run the laws, see which fails.

A bug is a piece of a function's source that reads otherwise. Only the code object of the
function is swapped, so that everybody who has imported it meets the bug, and meets it no
more when the block is left. See `tests.conflict.mutants` for the bugs.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from random import Random
from types import CodeType, FunctionType
from typing import Any

from tests.conflict.stories import tell, tell_away, tell_parts
from tests.conflict.test_laws import PARTS

EXAMPLES = 400
"""How many random stories a law may need to find a bug."""
_GIVEN: Mapping[str, Callable[[int], Any]] = {
    "story": tell,
    "later": tell_away,
    "filled": partial(tell_away, edits=False),
    "one": lambda seed: tell_parts(seed, PARTS[0]),
    "other": lambda seed: tell_parts(seed + 1, PARTS[1]),
    "number": lambda seed: seed % 5,
    "clock": lambda seed: ("2001-01-01", "2026-10-31", "2040-01-01")[seed % 3],
    "random": Random,
}
"""What laws ask for, by name, from a seed. As in the nightly histories, Hypothesis draws nothing:
a bug is found today by the story that found it yesterday, whatever is installed."""


class NoLongerApplies(Exception):
    """The source that a bug alters is not there, or not once."""


@dataclass(frozen=True)
class Patch:
    """In the function `where` ("conflict.fold:fold"), `old` reads `new`."""

    where: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A seeded bug, and who must find it.

    `law` is "L6" (any law over random stories that bears the number), "the oracle", "history 9"
    of docs/merge.md, or the name of one test of this folder.
    """

    name: str
    wrong: str
    law: str
    patches: Sequence[Patch]
    examples: int = EXAMPLES


def bug(name: str, wrong: str, law: str, *texts: str, examples: int = EXAMPLES) -> Mutant:
    """A mutant of one patch or more, each told as where, old, new."""
    patches = [Patch(*texts[place : place + 3]) for place in range(0, len(texts), 3)]
    return Mutant(name, wrong, law, patches, examples)


def function_of(where: str) -> FunctionType:
    """The plain function behind "module:name" or "module:Class.name", also of a property."""
    module, _, path = where.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
    found = getattr(found, "fget", found)
    if not isinstance(found, FunctionType):
        raise NoLongerApplies(f"{where} is no function")
    return found


def mutated_code(patch: Patch) -> CodeType:
    """The code of the function with its text replaced."""
    function = function_of(patch.where)
    source = inspect.getsource(function)
    if source.count(patch.old) != 1:
        raise NoLongerApplies(f"{patch.where} has {source.count(patch.old)} times {patch.old!r}")
    tree = ast.parse(textwrap.dedent(source.replace(patch.old, patch.new)))
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list.clear()
    # Not under the name of the file, whose coverage is that of the sound lines.
    module = compile(tree, f"<mutant of {patch.where}>", "exec")
    return next(one for one in module.co_consts if isinstance(one, CodeType))


@contextlib.contextmanager
def sown(mutant: Mutant) -> Iterator[None]:
    """With the bug in place."""
    swaps = [(function_of(one.where), mutated_code(one)) for one in mutant.patches]
    sound = [(function, function.__code__) for function, _ in swaps]
    if len({id(function) for function, _ in swaps}) != len(swaps):
        raise NoLongerApplies(f"{mutant.name} alters one function twice")
    try:
        for function, code in swaps:
            function.__code__ = code
        yield
    finally:
        for function, code in sound:
            function.__code__ = code


@dataclass
class Killer:
    """One test of this folder, callable with nothing; `tried` are the examples of its last run."""

    name: str
    test: Callable[..., Any]
    arguments: Sequence[dict[str, Any]] = field(default_factory=lambda: [{}])
    tried: int = 0

    @property
    def is_law(self) -> bool:
        return hasattr(self.test, "hypothesis")

    def fails(self, examples: int) -> bool:
        """Whether the test fails now; a law is tried on that many stories, always the same."""
        self.tried = 0
        for given in self.arguments if not self.is_law else map(self._told, range(examples)):
            self.tried += 1
            try:
                self.run(**given)
            except Exception:
                return True
        return False

    @property
    def run(self) -> Callable[..., Any]:
        law: Any = self.test
        found: Callable[..., Any] = law.hypothesis.inner_test if self.is_law else law
        return found

    def _told(self, seed: int) -> dict[str, Any]:
        return {name: _GIVEN[name](seed) for name in inspect.signature(self.run).parameters}


@cache
def killers() -> tuple[Killer, ...]:
    """The laws, then the histories and tables, of all the files beside this one."""
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.stem in ("test_mutants", "test_nightly"):
            continue
        module = importlib.import_module(f"tests.conflict.{path.stem}")
        for name, test in vars(module).items():
            if name.startswith("test_") and inspect.isfunction(test):
                arguments = _arguments(test)
                if arguments is not None:
                    found.append(Killer(name.removeprefix("test_"), test, arguments))
    return tuple(sorted(found, key=lambda one: not one.is_law))


def _arguments(test: Callable[..., Any]) -> list[dict[str, Any]] | None:
    """The sets of arguments a test is parametrized with; None when it asks for fixtures."""
    if hasattr(test, "hypothesis"):
        return [{}]
    sets: list[dict[str, Any]] = [{}]
    for mark in getattr(test, "pytestmark", ()):
        if mark.name != "parametrize":
            continue
        names, rows = mark.args[:2]
        split = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        values = [_values(row, alone=len(split) == 1) for row in rows]
        sets = [{**one, **dict(zip(split, row, strict=True))} for one in sets for row in values]
    wanted = inspect.signature(test).parameters.keys()
    return sets if all(one.keys() == wanted for one in sets) else None


def _values(row: Any, *, alone: bool) -> Sequence[Any]:
    if hasattr(row, "marks"):  # a pytest.param
        return tuple(row.values)
    return (row,) if alone else row


def named(law: str) -> list[Killer]:
    """The tests that a mutant's `law` names."""
    if re.fullmatch(r"L[0-9]+", law):
        mark = f"_{law.lower()}_"
        return [one for one in killers() if one.is_law and mark in f"_{one.name}_"]
    if law.startswith("history "):
        return [one for one in killers() if one.name.startswith(f"{law.split()[1]}_")]
    if law == "the oracle":
        return [one for one in killers() if one.name.endswith("_as_the_oracle_says")]
    return [one for one in killers() if one.name == law]


def killed_by(mutant: Mutant, candidates: Sequence[Killer]) -> Killer | None:
    """The first of the candidates that fails with the bug in place."""
    with sown(mutant):
        return next((one for one in candidates if one.fails(mutant.examples)), None)


def main(mutants: Sequence[Mutant], arguments: Sequence[str]) -> int:
    """Print the table; 0 when every bug was killed."""
    if broken := [one.name for one in killers() if one.fails(EXAMPLES)]:
        _say(f"These fail without any bug: {', '.join(broken)}")
        return 2
    survivors = 0
    _say("| bug | must fall to | killed by |")
    _say("|---|---|---|")
    for mutant in mutants:
        found = _killers_of(mutant, every="--all" in arguments)
        survivors += not found
        words = "; ".join(_told(one) for one in found) or "**nobody**"
        law = "its table" if "_" in mutant.law else mutant.law
        _say(f"| {mutant.name} | {law} | {words} |")
    _say(f"\n{len(mutants)} bugs, {survivors} survive.")
    return 1 if survivors else 0


def _killers_of(mutant: Mutant, *, every: bool) -> list[Killer]:
    if every:
        with sown(mutant):
            return [one for one in killers() if one.fails(mutant.examples)]
    expected = named(mutant.law)
    others = [one for one in killers() if one not in expected]
    first = killed_by(mutant, [*expected, *others])
    return [first] if first else []


def _told(killer: Killer) -> str:
    """How a killer reads in the table: "L3 no value is lost, story 21"."""
    words = killer.name.split("_")
    if not killer.is_law:
        return " ".join(words)
    numbers = [word.upper() for word in words if re.fullmatch(r"l[0-9]+", word)]
    return f"{' '.join([*numbers, *words[len(numbers) :]])}, story {killer.tried}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
