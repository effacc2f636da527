"""Where on its sheets an XLSForm says something: rows, columns and cells.

pyxform names a row at best, ODK Validate a question; authors look for a cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from odk_forms.errors import Message, Severity

_ROW = re.compile(r"\[row : (\d+)\]\s*")
_SHEET = re.compile(r"the '(\w+)' sheet|(\w+) sheet")
_COLUMN = re.compile(r"the '([^']+)' (?:value|column)|(?:value|column) '([^']+)'")
_REFERENCE = re.compile(r"\$\{([^}]+)\}")
_QUOTED = re.compile(r"'([^']+)'")
_MAY_BE_MISSING = ("choices", "external_choices")
_NODE = re.compile(r"(?<![\w/.])((?:/[\w.-]+)+)")

# What messages call a column -> what authors may have written over it.
_ALIASES: Mapping[str, Sequence[str]] = {
    "save_to": ("save_to", "bind:entities:saveto", "entities:saveto"),
    "list_name": ("list_name", "dataset"),
    "dataset": ("dataset", "list_name"),
    "form_id": ("form_id", "id_string", "set_form_id"),
    "form_title": ("form_title", "title", "set_form_title"),
    "calculation": ("calculation", "calculate", "bind:calculate"),
    "relevant": ("relevant", "relevance", "bind:relevant"),
    "constraint": ("constraint", "bind:constraint"),
    "required": ("required", "bind:required"),
    "appearance": ("appearance", "control:appearance"),
}
_HINTS = (
    ("display condition", "relevant"),
    ("condition expression", "relevant"),
    ("calculat", "calculation"),
    ("constraint", "constraint"),
    ("choice filter", "choice_filter"),
    ("no name", "name"),
    ("no label", "label"),
    ("question type", "type"),
    ("unmatched", "type"),
    ("parameters", "parameters"),
    ("max-pixels", "parameters"),
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: `headers` by column (None where blank), `rows` from spreadsheet row 2 on."""

    headers: Sequence[str | None]
    rows: Sequence[Mapping[str, str]]

    def column(self, wanted: str) -> int | None:
        """The index of the column called `wanted`, in any of the ways XLSForm spells it."""
        names = [_plain(one) if one else "" for one in self.headers]
        target = _plain(wanted)
        aliases = (target, *_ALIASES.get(target, ()))
        for alias in aliases:
            if alias in names:
                return names.index(alias)
        for alias in aliases:
            for index, name in enumerate(names):
                if name.startswith(f"{alias}:") or name.endswith(f":{alias}"):
                    return index
        return None

    def value(self, row: int, column: int) -> str:
        """The text of a cell, "" where there is none."""
        header = self.headers[column] if column < len(self.headers) else None
        if header is None or not 2 <= row < len(self.rows) + 2:
            return ""
        return str(self.rows[row - 2].get(header) or "")

    def find(self, text: str, *, exact: bool) -> tuple[int, int] | None:
        """Row and column of the first cell that is, or contains, `text`."""
        for row in range(2, len(self.rows) + 2):
            for column in range(len(self.headers)):
                value = self.value(row, column)
                if value == text or (not exact and text in value):
                    return row, column
        return None


def _plain(header: str) -> str:
    return re.sub(r"\s*:+\s*", ":", header.strip().lower()).replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Sheets:
    """All sheets of one XLSForm, by lower-case name. Empty for an XForm."""

    by_name: Mapping[str, Sheet] = field(default_factory=dict)

    def message(
        self,
        severity: Severity,
        text: str,
        sheet: str | None = None,
        row: int | None = None,
        column: int | None = None,
    ) -> Message:
        """A message at a place, as far as the place is known."""
        letter = _letter(column) if column is not None else None
        known = sheet is not None and row is not None and letter is not None
        return Message(
            severity, text, sheet, row, letter, f"{sheet}!{letter}{row}" if known else None
        )

    def at(self, severity: Severity, text: str, place: tuple[str, str, str] | None) -> Message:
        """A message for (sheet, key, column): the path of a question, a list's name, or ""."""
        sheet = self.by_name.get(place[0]) if place else None
        if sheet is None or place is None:
            return Message(severity, text)
        name, key, column = place
        row: int | None = 2
        if name == "survey":
            row = self.rows_by_path().get(key)
        elif key:
            where = sheet.find(key, exact=True)
            row = where[0] if where else None
        return self.message(severity, text, name, row, sheet.column(column))

    def rows_by_path(self) -> dict[str, int]:
        """The row of every question, group and repeat of the survey, by its path."""
        survey = self.by_name.get("survey")
        if survey is None:
            return {}
        kinds, names = survey.column("type"), survey.column("name")
        if kinds is None or names is None:
            return {}
        found: dict[str, int] = {}
        inside: list[str] = []
        for row in range(2, len(survey.rows) + 2):
            kind = survey.value(row, kinds).strip().lower().replace("_", " ")
            name = survey.value(row, names).strip()
            if kind.startswith("end ") and kind.split()[1] in ("group", "repeat"):
                del inside[-1:]
                continue
            if name:
                found.setdefault("".join(f"/{one}" for one in (*inside, name)), row)
            if kind.startswith("begin "):
                inside.append(name)
        return found

    def read(self, severity: Severity, text: str) -> Message:
        """What pyxform or ODK Validate said, put at the cell it means when that can be told."""
        text = text.strip()
        numbered = _ROW.search(text)
        row = int(numbered[1]) if numbered else None
        text = _ROW.sub("", text, count=1)
        name = self._sheet_named(text, row)
        if row is None:
            return self._search(severity, text, name)
        sheet = self.by_name.get(name) if name else None
        column = _column_meant(sheet, text, row) if sheet else None
        if column is None and sheet is not None:
            # What is missing has no cell; the name of its question is the next best place.
            column = sheet.column("name")
        return self.message(severity, text, name, row, column)

    def _sheet_named(self, text: str, row: int | None) -> str | None:
        for match in _SHEET.finditer(text):
            name = (match[1] or match[2]).lower()
            if name in self.by_name or (row is None and name in _MAY_BE_MISSING):
                return name
        return "survey" if row is not None and "survey" in self.by_name else None

    def _search(self, severity: Severity, text: str, name: str | None) -> Message:
        """No row was given: look for the question, reference or value that the text names."""
        survey = self.by_name.get("survey")
        if survey is not None:
            row = self._row_of_question(survey, text)
            if row is not None:
                column = _hinted(survey, text) or survey.column("name")
                return self.message(severity, text, "survey", row, column)
        for quoted in _QUOTED.findall(text):
            for sheet_name in (name,) if name else ("survey", "choices", "entities", "settings"):
                sheet = self.by_name.get(sheet_name)
                where = sheet.find(quoted, exact=True) if sheet else None
                if where:
                    return self.message(severity, text, sheet_name, *where)
        return self.message(severity, text, name)

    def _row_of_question(self, survey: Sheet, text: str) -> int | None:
        by_path = self.rows_by_path()
        for node in _NODE.findall(text):
            row = by_path.get("/" + node.split("/", 2)[-1]) if node.count("/") > 1 else None
            if row is not None:
                return row
        by_name: dict[str, int] = {}
        for path, row in by_path.items():
            by_name.setdefault(path.rpartition("/")[2], row)
        for name in (*_REFERENCE.findall(text), *re.findall(r"(?:field|named) '([^']+)'", text)):
            if name in by_name:
                return by_name[name]
        return None


def _column_meant(sheet: Sheet, text: str, row: int) -> int | None:
    for match in _COLUMN.finditer(text):
        column = sheet.column(match[1] or match[2])
        if column is not None:
            return column
    quoted = _QUOTED.findall(text)
    for column in range(len(sheet.headers)):
        if sheet.value(row, column) in quoted:
            return column
    return _hinted(sheet, text)


def _hinted(sheet: Sheet, text: str) -> int | None:
    lower = text.lower()
    for hint, wanted in _HINTS:
        if hint in lower:
            column = sheet.column(wanted)
            if column is not None:
                return column
    return None


def _letter(index: int) -> str:
    """The name a spreadsheet gives to a column, counted from 0.

    >>> _letter(0), _letter(25), _letter(26), _letter(703)
    ('A', 'Z', 'AA', 'AAB')
    """
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def headers_of(cells: Iterable[object]) -> list[str | None]:
    """A header row as pyxform spells it: white space collapsed, None where blank."""
    texts = [re.sub(r" +", " ", str(one).strip()) if one is not None else "" for one in cells]
    return [text or None for text in texts]
