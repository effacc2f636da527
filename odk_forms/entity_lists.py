"""Entity lists as CSV: to phones exactly as Collect reads them, from offices as they come.

Source: openrosa.md section 5.2. A list for phones is never hardened against
spreadsheet formulas: what a phone is given comes back from it as an update.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from odk_forms.cells import cell
from odk_forms.errors import FormError, Message
from odk_forms.lint import is_property_name

ID, LABEL, VERSION = "name", "label", "__version"
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One row of an imported register. `row` counts as a spreadsheet does, the header being 1.

    `entity` is None when the table has no ids. A column that is there but empty is "".
    """

    row: int
    label: str
    data: Mapping[str, str] = field(default_factory=dict)
    entity: str | None = None


def to_csv(
    properties: Sequence[str], rows: Iterable[tuple[str, str, int, Mapping[str, str]]]
) -> bytes:
    r"""The list that phones download: (entity, label, version, data) by row.

    The header is there even with no rows: phones drop properties it does not name.
    ValueError for a property whose name would spoil the whole list.

    >>> to_csv(["rt"], [("0b2c", "Siti, adik", 3, {"rt": "05"})])
    b'name,label,__version,rt\n0b2c,"Siti, adik",3,05\n'
    """
    for name in properties:
        if ";" in name or name.startswith("__"):
            raise ValueError(f"phones could not read a list with the property {name!r}")
    lines = [",".join(map(cell, (ID, LABEL, VERSION, *properties)))]
    for entity, label, version, data in rows:
        values = [cell(data.get(name) or "") for name in properties]
        lines.append(",".join((cell(entity), cell(label), str(version), *values)))
    return ("\n".join(lines) + "\n").encode()


def read_csv(content: bytes) -> tuple[tuple[str, ...], tuple[RegisterRow, ...]]:
    """The properties and rows of a register kept in a spreadsheet.

    Tolerant of what spreadsheets save: a BOM, UTF-16, Windows-1252, `;` or tab as
    delimiter, short rows, empty rows. A column `label` must be there; `name` may hold
    uuids, as in a list that was exported; `__version` and its like are skipped.
    Raises FormError with every fault found, by row.
    """
    if len(content) > MAX_BYTES:
        raise FormError.of(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")
    text = _text(content)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=False)
    try:
        lines = list(reader)
    except csv.Error as exc:
        message = Message("error", f"The file cannot be read: {exc}.", row=reader.line_num)
        raise FormError([message]) from exc
    if not lines or not any(cell.strip() for cell in lines[0]):
        raise FormError([Message("error", "The file has no header row.", row=1)])
    header = [cell.strip() for cell in lines[0]]
    faults = list(_header_faults(header))
    rows: list[RegisterRow] = []
    if not faults:
        for number, cells in enumerate(lines[1:], start=2):
            if any(cell.strip() for cell in cells):
                rows.append(_row(number, header, cells, faults))
        faults += _twice(rows)
    if faults:
        raise FormError(faults)
    return tuple(name for name in header if _is_property(name)), tuple(rows)


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _is_property(name: str) -> bool:
    return bool(name) and name not in (ID, LABEL) and not name.startswith("__")


def _header_faults(header: list[str]) -> Iterable[Message]:
    if LABEL not in header:
        yield Message("error", "There is no column 'label'.", row=1)
    seen: set[str] = set()
    for name in header:
        if _is_property(name) and not is_property_name(name):
            yield Message("error", f"'{name}' cannot be the name of a property.", row=1)
        if name and name.lower() in seen:
            yield Message("error", f"The column '{name}' is there twice.", row=1)
        seen.add(name.lower())


def _row(number: int, header: list[str], cells: list[str], faults: list[Message]) -> RegisterRow:
    if any(cell.strip() for cell in cells[len(header) :]):
        faults.append(Message("error", "The row has more cells than the header.", row=number))
    named = dict(zip(header, [*cells, *[""] * len(header)], strict=False))
    label = named[LABEL].strip()
    if not label:
        faults.append(Message("error", "The label is blank.", row=number))
    entity = None
    written = named.get(ID, "").strip()
    if written:
        try:
            entity = str(UUID(written.lower().removeprefix("uuid:")))
        except ValueError:
            faults.append(Message("error", f"'{written[:60]}' is not a UUID.", row=number))
    data = {name: value.strip() for name, value in named.items() if _is_property(name)}
    return RegisterRow(number, label, data, entity)


def _twice(rows: list[RegisterRow]) -> Iterable[Message]:
    first: dict[str, int] = {}
    for one in rows:
        if one.entity and first.setdefault(one.entity, one.row) != one.row:
            text = f"Row {first[one.entity]} has the same id."
            yield Message("error", text, row=one.row)
