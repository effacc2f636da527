"""Filled forms as rows of tables, laid out as ODK Central lays them out: one table for the form
and one for each of its repeats.

    form      a column for each question, named by its path, `-` between the names
    repeat    the same, with paths from the repeat on; then PARENT_KEY and KEY

A KEY is the instanceID and the path of the row below it, `uuid:…/anak[2]/ukur[1]`; the PARENT_KEY
of a row is the KEY of the row that it stands in. A value is the text of the XML and nothing else.
Where a node is there several times and is no repeat, as one that was a repeat in an older version,
its values stand below each other in one cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from odk_forms.definition import REPEAT, STRUCTURE, Field, FormDefinition
from odk_forms.instance import Instance
from odk_forms.xml import content, local

PARENT_KEY, KEY = "PARENT_KEY", "KEY"
ROOT = 0
"""The number of the form's own table; those of repeats follow, in the order of the form."""

_GEOPOINT = ("Latitude", "Longitude", "Altitude", "Accuracy")
_NOT_IN_A_NAME = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f-\x9f]')
_LONGEST_NAME = 150  # bytes: the name of a repeat and a number come behind it
_NOTHING: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is that of the repeat, "" of the form. `many` has the column of each question with
    several choices, by its path."""

    name: str
    header: tuple[str, ...]
    many: Mapping[str, int]


@dataclass(slots=True)
class _Node:
    """A node of the form. `table` is the table that a repeat is, `column` a question's first."""

    name: str
    path: str
    kind: str
    many: bool = False
    children: dict[str, _Node] = field(default_factory=dict)
    table: int = ROOT
    column: int = 0
    choices: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Row:
    """A row being written, and how many rows of each repeat, by its path, stand in it."""

    key: str
    cells: list[str]
    met: dict[str, int] = field(default_factory=dict)


class Layout:
    """The tables of a form, and how a filled one becomes rows of them."""

    def __init__(self, root: _Node, tables: Sequence[Table], blanks: Sequence[Sequence[str]]):
        self._root = root
        self._blanks = blanks
        self.tables = tuple(tables)

    def rows(self, instance: Instance, key: str) -> Iterator[tuple[int, list[str]]]:
        """The rows of one filled form as (number of the table, cells), that of the form last."""
        row = _Row(key, list(self._blanks[ROOT]))
        yield from self._below(instance.root, self._root, key, row)
        yield ROOT, row.cells

    def chosen(self, instance: Instance) -> Iterator[tuple[str, str]]:
        """What was chosen in it where several may be: (path of the question, choice)."""
        for number, row in self.rows(instance, ""):
            for path, column in self.tables[number].many.items():
                for one in row[column].split():
                    yield path, one

    def _below(
        self, element: Any, node: _Node, key: str, row: _Row
    ) -> Iterator[tuple[int, list[str]]]:
        """Write what is below `element` into the row it stands in; yield rows of repeats."""
        for one in element:
            below = node.children.get(local(one.tag))
            if below is None:
                continue
            if below.kind == REPEAT:
                row.met[below.path] = row.met.get(below.path, 0) + 1
                own_key = f"{key}/{below.name}[{row.met[below.path]}]"
                own = _Row(own_key, [*self._blanks[below.table], row.key, own_key])
                yield from self._below(one, below, own_key, own)
                yield below.table, own.cells
            elif below.kind == STRUCTURE:
                yield from self._below(one, below, f"{key}/{below.name}", row)
            else:
                _write(below, row.cells, content(one))


def lay_out(
    definitions: Sequence[FormDefinition],
    *,
    group_paths: bool = True,
    choices: Mapping[str, Sequence[str]] = _NOTHING,
) -> Layout:
    """The tables of one definition, or of several versions of a form, the one that leads first.

    What only later ones of them have stands behind what is beside it. Without `group_paths` a
    column is named by its question alone. `choices`, by the path of a question, get a column each.
    """
    root = _Node("", "", STRUCTURE)
    for one in definitions:
        _graft(root, one.fields)
    maker = _Maker(group_paths, choices)
    maker.table(root)
    return Layout(root, maker.tables(), [one.blank for one in maker.made])


def file_names(stem: str, layout: Layout) -> list[str]:
    """What the tables are called as files: repeats of one name are numbered.

    >>> file_names("a/b: c", lay_out([]))
    ['ab c.csv']
    """
    plain = plain_name(stem)
    names = [table.name for table in layout.tables[1:]]
    folded = [name.casefold() for name in names]
    found = [f"{plain}.csv"]
    for place, name in enumerate(names):
        twice = folded.count(folded[place]) > 1
        number = f"~{folded[: place + 1].count(folded[place])}" if twice else ""
        found.append(f"{plain}-{name}{number}.csv")
    return found


def plain_name(name: str) -> str:
    """A name that any disk takes, without what some do not.

    >>> plain_name("../a:b"), plain_name(".."), plain_name("bulan 3. ")
    ('..ab', 'form', 'bulan 3')
    """
    plain = _NOT_IN_A_NAME.sub("", name).encode(errors="replace")[:_LONGEST_NAME]
    return plain.decode(errors="ignore").rstrip(". ") or "form"


def _graft(root: _Node, fields: Iterable[Field]) -> None:
    """Add the nodes that are not there yet. One that is there stays what it is."""
    known: dict[str, _Node] = {"": root}
    for one in fields:
        parent = known.get(one.path.rpartition("/")[0])
        if parent is None or parent.kind not in (STRUCTURE, REPEAT):
            continue
        new = _Node(one.name, one.path, one.type, one.select_multiple)
        known[one.path] = parent.children.setdefault(one.name, new)


def _write(node: _Node, row: list[str], value: str) -> None:
    """Put the value of a question into its cells; that of a second node of a name goes below it.

    A point has the same line in each of its cells, so that no two of them are taken for one.
    """
    first = node.column
    if node.kind == "geopoint":
        parts = value.strip().split(None, len(_GEOPOINT) - 1)
        if parts:
            several = bool(row[first])
            parts += [""] * (len(_GEOPOINT) - len(parts))
            for at, part in enumerate(parts, first):
                row[at] = f"{row[at]}\n{part}" if several else part
        return
    row[first] = f"{row[first]}\n{value}" if row[first] and value else row[first] or value
    if node.choices:
        for one in value.split():
            if one in node.choices:
                row[node.choices[one]] = "1"


@dataclass(slots=True)
class _Columns:
    """A table being made; `blank` is a row of it in which nothing was answered."""

    name: str
    header: list[str] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)
    many: dict[str, int] = field(default_factory=dict)


class _Maker:
    def __init__(self, group_paths: bool, choices: Mapping[str, Sequence[str]]) -> None:
        self._group_paths = group_paths
        self._choices = choices
        self.made: list[_Columns] = []

    def table(self, node: _Node) -> None:
        node.table = len(self.made)
        columns = _Columns(node.name)
        self.made.append(columns)
        self._fill(columns, node, len(node.path) + 1)
        if node.table != ROOT:
            columns.header += (PARENT_KEY, KEY)

    def tables(self) -> list[Table]:
        return [Table(one.name, tuple(one.header), one.many) for one in self.made]

    def _fill(self, columns: _Columns, node: _Node, cut: int) -> None:
        for below in node.children.values():
            if below.kind == REPEAT:
                self.table(below)
            elif below.kind == STRUCTURE:
                self._fill(columns, below, cut)
            else:
                self._question(columns, below, cut)

    def _question(self, columns: _Columns, node: _Node, cut: int) -> None:
        name = node.path[cut:].replace("/", "-") if self._group_paths else node.name
        node.column = len(columns.header)
        if node.kind == "geopoint":
            columns.header += (f"{name}-{part}" for part in _GEOPOINT)
            columns.blank += [""] * len(_GEOPOINT)
            return
        columns.header.append(name)
        columns.blank.append("")
        if node.many:
            columns.many[node.path] = node.column
            split = self._choices.get(node.path, ())
            node.choices = {one: len(columns.header) + at for at, one in enumerate(split)}
            columns.header += (f"{name}/{one}" for one in split)
            columns.blank += ["0"] * len(split)
