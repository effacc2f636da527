"""A form of a pack as a spreadsheet: markdown, which a diff can show, to XLSX.

The markdown is pyxform's: the first cell of a row names the sheet, rows under it begin with
an empty cell, a line that starts with # is a note to the reader, and \\| is a bar in a cell.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

SHEET_ORDER = ("survey", "choices", "entities", "settings")

_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\s*:?-+:?\s*")


def to_xlsx(markdown_text: str) -> bytes:
    """The workbook that pyxform reads as the same form.

    Every cell is text, so that a version 2026112101 or a code 007 stays as it is written.
    Raises ValueError for text with no sheet in it.
    """
    sheets = _sheets(markdown_text)
    if not sheets:
        raise ValueError("no table row names a sheet")
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for name in sorted(sheets, key=_place):
        _fill(workbook.create_sheet(name), sheets[name])
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def _place(sheet: str) -> int:
    return SHEET_ORDER.index(sheet) if sheet in SHEET_ORDER else len(SHEET_ORDER)


def _sheets(text: str) -> dict[str, list[list[str]]]:
    """Rows by sheet, the heading first; blank rows and rules left out."""
    sheets: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for cells in _rows(text):
        if cells[0]:
            rows = sheets.setdefault(cells[0], [])
        if any(cells[1:]):
            rows.append(cells[1:])
    return sheets


def _rows(text: str) -> Iterator[list[str]]:
    """The cells of each table row, sheet name first.

    >>> list(_rows("| survey |\\n# a note\\n| | type | name |\\n| | text | a\\\\|b |"))
    [['survey'], ['', 'type', 'name'], ['', 'text', 'a|b']]
    """
    for line in text.splitlines():
        if not line.startswith("|"):
            continue
        cells = [cell.strip().replace(r"\|", "|") for cell in _BAR.split(line)[1:-1]]
        if not all(_RULE.fullmatch(cell) for cell in cells):
            yield cells


def _fill(sheet: Worksheet, rows: list[list[str]]) -> None:
    for row_number, cells in enumerate(rows, start=1):
        for column, text in enumerate(cells, start=1):
            if text:
                cell = sheet.cell(row_number, column, text)
                cell.data_type = "s"  # "= ..." would become a formula
                cell.number_format = "@"
                cell.alignment = Alignment(vertical="top", wrap_text=True)
    for column, heading in enumerate(rows[0], start=1):
        sheet.cell(1, column).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = max(14, len(heading) + 2)
    sheet.freeze_panes = "A2"
