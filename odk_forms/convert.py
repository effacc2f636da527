"""XLSForm to XForm. The only importer of pyxform, whose output defines what phones do.

pyxform reads whatever spreadsheet it is given, so what could hurt is refused before:
archives that unpack to much, DOCTYPEs in their parts. It raises many kinds of
exceptions; out of here comes only FormError.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

import openpyxl
import xlrd
from pyxform.validators.odk_validate import ODKValidateError, check_xform
from pyxform.xls2json_backends import (
    Definition,
    DefinitionData,
    SupportedFileTypes,
    definition_to_dict,
)
from pyxform.xls2xform import convert

from odk_forms.errors import FormError, Message
from odk_forms.lint import lint
from odk_forms.sheets import Sheet, Sheets, headers_of
from odk_forms.xform import examine

MAX_UPLOAD_BYTES = 20 * 1024 * 1024
MAX_UNPACKED_BYTES = 50 * 1024 * 1024
MAX_ARCHIVE_ENTRIES = 2000

_SHEETS = ("survey", "choices", "settings", "entities", "external_choices", "osm")
_KNOWN_PREFIXES = frozenset({"jr", "orx", "odk", "entities", "ev", "h", "xsd"})
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
_NOISE = re.compile(
    r"^(?:>> .*|Result: .*|The following files failed.*|\s*\.\.\. \d+ more|Caused by: .*"
    r"|ODK Validate (?:Errors|Warnings):|.*\.xml|\[Fatal Error\].*)$"
)


@dataclass(frozen=True, slots=True)
class Converted:
    """A form ready to be kept: its XForm, and the warnings met on the way.

    `itemsets` is the itemsets.csv of a form that uses external choices. `sheets` finds the
    cell for what is found out about the form later; empty for an XForm.
    """

    xml: bytes
    messages: tuple[Message, ...] = ()
    itemsets: bytes | None = None
    sheets: Sheets = field(default_factory=Sheets)


def to_xform(content: bytes, filename: str, *, validate: bool = True) -> Converted:
    """The XForm of an uploaded form: xlsx, xlsm, xls, csv, md, or XForm XML.

    An XForm is kept byte for byte. With `validate`, ODK Validate has the last word
    where Java is found; where it is not, a warning says so. Raises FormError, with
    the cell where the trouble is when it can be told, and nothing else.
    """
    if not content.strip():
        raise FormError.of("The file is empty.")
    if len(content) > MAX_UPLOAD_BYTES:
        raise FormError.of(f"The file is larger than {MAX_UPLOAD_BYTES // 1024 // 1024} MB.")
    kind = _kind(content, filename)
    sheets, itemsets = Sheets(), None
    warnings: list[Message] = []
    if kind == ".xml":
        xml = content
    else:
        data, sheets = _read(content, kind, filename)
        xml, warnings, itemsets = _convert(data, sheets)
    definition, problems = examine(xml)
    found = [sheets.at(p.severity, p.text, p.at) for p in (*problems, *lint(definition))]
    if validate and not any(one.severity == "error" for one in found):
        found += _validated(xml, sheets)
    messages = tuple(dict.fromkeys((*found, *warnings)))
    if any(one.severity == "error" for one in messages):
        raise FormError(messages)
    return Converted(xml, messages, itemsets, sheets)


def _kind(content: bytes, filename: str) -> str:
    """The kind of file: by what it is where that is plain, else by what it is called."""
    suffix = PurePosixPath(filename).suffix.lower()
    if content.startswith(b"PK\x03\x04"):
        return suffix if suffix == ".xlsm" else ".xlsx"
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return ".xls"
    if suffix in (".xlsx", ".xlsm", ".xls", ".csv", ".md", ".xml"):
        return suffix
    start = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return ".xml"
    return ".md" if start.startswith(b"|") else ".csv"


def _read(content: bytes, kind: str, filename: str) -> tuple[Any, Sheets]:
    if kind in (".xlsx", ".xlsm"):
        _refuse_bombs(content)
    stem = PurePosixPath(filename).stem or None
    definition = Definition(io.BytesIO(content), SupportedFileTypes(kind), stem)
    try:
        data = definition_to_dict(definition, kind)
        headers = _headers(content, kind)
    except Exception as exc:
        text = str(exc) if "not recognized" not in str(exc) else "it is damaged or of another kind"
        raise FormError.of(f"The file cannot be read as {kind}: {text}.") from exc
    sheets = {}
    for name in _SHEETS:
        rows = getattr(data, name, None)
        if rows is not None:
            listed = getattr(data, f"{name}_header") or [{}]
            sheets[name] = Sheet(headers.get(name) or list(listed[0]), [dict(one) for one in rows])
    return data, Sheets(sheets)


def _refuse_bombs(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            # zipfile never unpacks more of an entry than it declares.
            if sum(one.file_size for one in entries) > MAX_UNPACKED_BYTES:
                raise FormError.of("The file unpacks to more than 50 MB.")
            if len(entries) > MAX_ARCHIVE_ENTRIES:
                raise FormError.of(f"The file holds more than {MAX_ARCHIVE_ENTRIES} parts.")
            for one in entries:
                if one.filename.lower().endswith((".xml", ".rels", ".vml")):
                    part = archive.read(one)
                    if any(doctype in part for doctype in _DOCTYPES):
                        raise FormError.of("The file holds XML with a DOCTYPE.")
    except FormError:
        raise
    except Exception as exc:  # zipfile: BadZipFile, RuntimeError (passwords), zlib.error, ...
        raise FormError.of(f"The file cannot be read as .xlsx: {exc}.") from exc


def _headers(content: bytes, kind: str) -> Mapping[str, list[str | None]]:
    """Header rows with their blank columns, which pyxform forgets and letters depend on."""
    if kind == ".xls":
        with xlrd.open_workbook(file_contents=content, on_demand=True) as book:
            named = [(one.name, one.row_values(0) if one.nrows else []) for one in book.sheets()]
    elif kind in (".xlsx", ".xlsm"):
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            named = [(one.title, _first_row(one)) for one in book.worksheets]
        finally:
            book.close()
    else:
        return {}
    if len(named) == 1:
        named = [("survey", named[0][1])]
    return {name.lower(): headers_of(cells) for name, cells in named}


def _first_row(sheet: Any) -> list[Any]:
    return list(next(sheet.iter_rows(max_row=1, values_only=True), ()))


def _convert(data: Any, sheets: Sheets) -> tuple[bytes, list[Message], bytes | None]:
    undeclared = _undeclared_prefixes(sheets)
    if undeclared:
        raise FormError(undeclared)
    said: list[str] = []
    plain = {one.name: getattr(data, one.name) for one in fields(DefinitionData)}
    try:
        result = convert(plain, warnings=said)
    except Exception as exc:
        text = str(exc).strip() or type(exc).__name__
        warnings = [sheets.read("warning", one) for one in said]
        raise FormError([sheets.read("error", text), *warnings]) from exc
    itemsets = result.itemsets.encode() if result.itemsets else None
    return result.xform.encode(), [sheets.read("warning", one) for one in said], itemsets


def _undeclared_prefixes(sheets: Sheets) -> list[Message]:
    """Columns like `bind::simpul:merge` without their namespace: pyxform would write broken XML."""
    survey, settings = sheets.by_name.get("survey"), sheets.by_name.get("settings")
    if survey is None:
        return []
    column = settings.column("namespaces") if settings else None
    declared = settings.value(2, column) if settings and column is not None else ""
    known = _KNOWN_PREFIXES.union(re.findall(r"([\w.-]+)\s*=", declared))
    found = []
    for index, header in enumerate(survey.headers):
        match = re.fullmatch(r"(?:bind|instance|control|body)::?\s*([\w.-]+):[\w.-]+", header or "")
        if match and match[1] not in known:
            text = (
                f"The column '{header}' needs its namespace: give the settings column "
                f"'namespaces' the value {match[1]}=\"{_namespace(match[1])}\"."
            )
            found.append(sheets.message("error", text, "survey", 1, index))
    return found


def _namespace(prefix: str) -> str:
    return "urn:simpul:xforms" if prefix == "simpul" else "..."


def _validated(xml: bytes, sheets: Sheets) -> list[Message]:
    """What ODK Validate says: it fills in the form with the engine that phones have."""
    if shutil.which("java") is None:
        text = "ODK Validate did not check this form: Java was not found on the server."
        return [Message("warning", text)]
    with tempfile.TemporaryDirectory(prefix="simpul-form-") as folder:
        path = Path(folder) / "form.xml"
        path.write_bytes(xml)
        try:
            said = check_xform(str(path))
        except ODKValidateError as exc:
            return [sheets.read("error", _speak(str(exc)) or "ODK Validate refused the form.")]
        except Exception as exc:
            return [Message("warning", f"ODK Validate could not be run: {exc}.")]
    return [sheets.read("warning", text) for one in said if (text := _speak(one))]


def _speak(said: str) -> str:
    """The sentences of ODK Validate without its frame, file names and stack."""
    lines = [line.strip().removeprefix(": ") for line in said.splitlines()]
    return "\n".join(dict.fromkeys(one for one in lines if one and not _NOISE.match(one)))
