"""Parsing XML that came from outside, and writing the little XML that phones read.

Two readers: `parse_strict` for forms, which must be well-formed because every phone
parses them, and `parse_tolerant` for submissions, which real devices write with
faults (openrosa.md 4.8 and 9). Neither knows DOCTYPE: without one there are no
entities to expand and nothing to fetch.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

MAX_BYTES = 16 * 1024 * 1024
"""A form or an instance; attachments are never parsed. Depth is bounded by libxml2 at 256."""
MOST_ELEMENTS = 100_000
"""Of an instance: in memory each takes many times the four bytes that it can be written in."""

_ELEMENT = re.compile("<[^!?/]")
_PROLOG = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_DECLARED_ENCODING = re.compile(
    rb"""<\?xml\s(?:[^>]*?\s)?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']"""
)
_NOT_OF_XML = frozenset(
    {"charmap", "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)
"""Codecs of Python that would read something into XML that no XML parser reads there."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\x00?\x00", "utf-16-le"),
    (b"\x00<\x00?", "utf-16-be"),
)
"""How a document begins that needs no declaration: byte order marks, and XML in UTF-16."""
_SURROGATE_PAIR = re.compile(
    r"&#(?:x(?P<hx>[dD][89abAB][0-9a-fA-F]{2})|(?P<hd>5[5-6][0-9]{3}));"
    r"&#(?:x(?P<lx>[dD][c-fC-F][0-9a-fA-F]{2})|(?P<ld>5[6-7][0-9]{3}));"
)
_CHARACTER_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]++)|([0-9]++));")
_MOST_DIGITS = 7  # of U+10FFFF, in whichever base
_RAW_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_CONTROL_REFERENCE = re.compile(
    "&#(?:0*(?:[1-8]|1[124-9]|2[0-9]|3[01])|x0*(?:[1-8bcefBCEF]|1[0-9a-fA-F]));"
)
# Comments and the like are taken whole: what stands in them begins nothing. One without an end
# goes to that of the document, so that no byte is looked at twice.
_SECTION = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[(.*?)(?:\]\]>|(\Z))", re.DOTALL
)
_NAMED_REFERENCE = re.compile(r"<!--.*?-->|<\?.*?\?>|&(amp|lt|gt|quot|apos);", re.DOTALL)
_NAMED = {"amp": "&#38;", "lt": "&#60;", "gt": "&#62;", "quot": "&#34;", "apos": "&#39;"}
_FORGIVEN = frozenset({"NS_ERR_UNDEFINED_NAMESPACE", "NS_ERR_XML_NAMESPACE"})


class XmlError(ValueError):
    """Bytes that are not the XML this room reads; the sentence says why."""


def _parser(*, recover: bool, encoding: str | None = None) -> Any:
    return etree.XMLParser(
        recover=recover,
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def parse_strict(raw: bytes) -> Any:
    """The root element of well-formed XML; XmlError for anything else."""
    _refuse(raw, text_of(raw))
    try:
        return _without_dtd(etree.fromstring(raw, _parser(recover=False)))
    except (etree.XMLSyntaxError, ValueError, LookupError) as exc:
        raise XmlError(f"This is not well-formed XML: {exc}") from exc


def written(element: Any) -> bytes:
    """The whole document of an element, as UTF-8."""
    whole = element.getroottree()
    return bytes(etree.tostring(whole, encoding="utf-8", xml_declaration=True))


def parse_tolerant(raw: bytes) -> Any:
    """The root element of XML as real phones write it; XmlError when nothing can be trusted.

    Forgiven: a BOM, white space before the prolog, character references that XML 1.0
    forbids (a GS1 barcode holds `&#29;`, which stays in the value as U+001D), raw
    control characters, surrogates written as two references, bytes that are not of
    the declared encoding, prefixes nobody declared (their tags read "orx:meta").
    Not forgiven: XML cut short or otherwise broken, because a value lost on the way
    would look like a value left out.
    """
    text = text_of(raw)
    _refuse(raw, text)
    if next(islice(_ELEMENT.finditer(text), MOST_ELEMENTS, None), None) is not None:
        raise XmlError(f"The XML has more than {MOST_ELEMENTS:,} elements")
    text = _undeclared(text)
    try:
        root = etree.fromstring(text.encode(), _parser(recover=False, encoding="utf-8"))
    except (etree.XMLSyntaxError, ValueError):
        root = _recover(text)
    return _without_dtd(root)


def _without_dtd(root: Any) -> Any:
    """What no look at the text had found: behind two byte order marks, put together of pieces."""
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlError("XML with a DOCTYPE is not accepted")
    return root


def _undeclared(text: str) -> str:
    """The document without its XML declaration, which only stands at the beginning."""
    text = text.lstrip()
    if not (text.startswith("<?xml") and text[5:6].isspace()):
        return text
    declaration, _, rest = text.partition("?>")
    return rest.lstrip() if rest else declaration


def _recover(text: str) -> Any:
    """The root of a document with faults that are forgiven, after making sure it has no other.

    libxml2 reports nothing more after the first character it forbids, not even that the
    end is missing; so the document is first read with those characters taken out. It also
    drops every `&amp;` and `&lt;` that comes later, but not their numbers.
    """
    text = _SECTION.sub(_as_text, text)
    text = _SURROGATE_PAIR.sub(_joined, text)
    text = _CHARACTER_REFERENCE.sub(_allowed_reference, text)
    text = _RAW_CONTROL.sub(_as_reference, text)
    plain = _CONTROL_REFERENCE.sub("\ufffd", text)
    parser = _parser(recover=True, encoding="utf-8")
    try:
        root = etree.fromstring(plain.encode(), parser)
        for fault in parser.error_log:
            if fault.type_name not in _FORGIVEN:
                raise XmlError(f"The XML cannot be read: {fault.message} (line {fault.line})")
        if plain != text:
            numbered = _NAMED_REFERENCE.sub(_as_number, text)
            root = etree.fromstring(numbered.encode(), _parser(recover=True, encoding="utf-8"))
    except etree.XMLSyntaxError as exc:
        raise XmlError(f"The XML cannot be read: {exc}") from exc
    if root is None:
        raise XmlError("The XML has no root element")
    return root


def _as_text(match: re.Match[str]) -> str:
    """What a CDATA section says, in which no character can be referred to by its number."""
    return match[0] if match[1] is None or match[2] is not None else escape(match[1])


def _joined(match: re.Match[str]) -> str:
    high = int(match["hx"], 16) if match["hx"] else int(match["hd"])
    low = int(match["lx"], 16) if match["lx"] else int(match["ld"])
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return match[0]
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _allowed_reference(match: re.Match[str]) -> str:
    digits = (match[1] or match[2]).lstrip("0")
    if len(digits) > _MOST_DIGITS:
        return "\ufffd"
    code = int(digits or "0", 16 if match[1] else 10)
    # PostgreSQL keeps no NUL, UTF-8 no half of a pair, and the last two are no characters.
    if code == 0 or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF) or code > 0x10FFFF:
        return "\ufffd"
    return match[0]


def _as_reference(match: re.Match[str]) -> str:
    code = ord(match[0])
    # libxml2 drops a raw control character but keeps a reference to one.
    return f"&#{code};" if 0 < code < 0x20 else "\ufffd"


def _as_number(match: re.Match[str]) -> str:
    return _NAMED[match[1]] if match[1] else match[0]


def text_of(raw: bytes) -> str:
    """The document as text: by its BOM, else the encoding it declares, else UTF-8.

    Where it is not of the encoding it declares, but is UTF-8, that is what it is. What does not
    decode reads U+FFFD. The BOM is not part of the text.
    """
    if len(raw) > MAX_BYTES:
        raise XmlError(f"The XML is larger than {MAX_BYTES // 1024 // 1024} MB")
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return raw.decode(encoding, errors="replace").removeprefix("\ufeff")
    declared = _DECLARED_ENCODING.match(raw.lstrip()[:200])
    encoding = "utf-8" if declared is None else _encoding_of(declared)
    for one in (encoding, "utf-8"):
        with suppress(UnicodeError):
            return raw.decode(one)
    return raw.decode(encoding, errors="replace")


def _encoding_of(declared: re.Match[bytes]) -> str:
    """The encoding of a declaration, where that could be written in it; else UTF-8."""
    encoding, written = declared[1].decode("ascii"), declared[0]
    try:
        known = codecs.lookup(encoding).name not in _NOT_OF_XML
        # "utf-16" over bytes that plainly are ASCII: the declaration is wrong.
        return encoding if known and written.decode(encoding) == written.decode() else "utf-8"
    except (LookupError, UnicodeError):
        return "utf-8"


def _refuse(raw: bytes, text: str) -> None:
    prolog = _PROLOG.match(text)
    start = prolog.end() if prolog else 0
    if text[start : start + 9].upper() == "<!DOCTYPE":
        raise XmlError("XML with a DOCTYPE is not accepted")
    if not raw.strip():
        raise XmlError("The XML is empty")


@lru_cache(maxsize=4096)
def local(tag: str) -> str:
    """The local name of an lxml tag or attribute, declared prefix or not.

    >>> local("{http://openrosa.org/xforms}meta"), local("orx:meta"), local("meta")
    ('meta', 'meta', 'meta')
    """
    return tag.rpartition("}")[2].rpartition(":")[2]


def attribute(element: Any, name: str) -> str | None:
    """An attribute by its local name; the one without a namespace counts first."""
    plain = element.get(name)
    if plain is not None:
        return str(plain)
    # Not with their values: lxml looks each of them up from the first attribute on.
    return next((str(element.get(key)) for key in element.attrib if local(key) == name), None)


def child(element: Any, name: str) -> Any:
    """The first child element of that local name, or None."""
    for one in element:
        if local(one.tag) == name:
            return one
    return None


def content(element: Any) -> str:
    """The text of an element, as received; of what is inside it too, when it has children."""
    if len(element) == 0:
        return element.text or ""
    return "".join(element.itertext())


def quoted(value: str) -> str:
    """Text escaped once for element content or an attribute, without what XML 1.0 forbids.

    >>> quoted('Gizi & "KIA" <2>\\x1d')
    'Gizi &amp; &quot;KIA&quot; &lt;2&gt;'
    """
    return escape(_RAW_CONTROL.sub("", value), {'"': "&quot;"})
