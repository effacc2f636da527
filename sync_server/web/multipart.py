"""The parts of a multipart body, as phones, browsers and their proxies really write them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, NamedTuple

from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
    NeedData,
)

from odk_forms.file_names import literal, unescaped

MOST_PARTS = 1000
_MOST_OF_A_HEAD = 1 << 20
_PIECE_BYTES = 1 << 16


class Part(NamedTuple):
    """One part, whole. `file` stands at its beginning."""

    name: str
    file_name: str
    content_type: str
    file: IO[bytes]


class NotMultipart(ValueError):
    """The body has no parts, or not to its end, or too many of them."""


def read_parts(stream: IO[bytes], boundary: str, opened: ExitStack) -> Iterator[Part]:
    """The parts of a body in their order, of any size: what is large lies on the disk.

    Their files are gone when `opened` is closed.

    Errors    `NotMultipart` where it cannot be read on; `OSError` of the stream and the disk.
    """
    decoder = _Decoder(boundary.encode(errors="replace"), _MOST_OF_A_HEAD, max_parts=MOST_PARTS)
    for event in _events(decoder, stream):
        if isinstance(event, Field | File):
            head, file = event, SpooledTemporaryFile(_PIECE_BYTES)  # noqa: SIM115 - `opened` is it
            opened.enter_context(file)
        elif isinstance(event, Data):
            file.write(event.data)
            if not event.more_data:
                file.seek(0)
                yield _part(head, file)


def _events(decoder: MultipartDecoder, stream: IO[bytes]) -> Iterator[Event]:
    for piece in chain(iter(lambda: stream.read(_PIECE_BYTES), b""), (None,)):
        try:
            decoder.receive_data(piece)
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                yield event
        except (ValueError, RequestEntityTooLarge) as exc:
            raise NotMultipart("the body cannot be taken apart") from exc


def _part(head: Field | File, file: IO[bytes]) -> Part:
    return Part(
        name=unescaped(head.name or ""),
        file_name=getattr(head, "filename", ""),
        content_type=head.headers.get("Content-Type", ""),
        file=file,
    )


class _Decoder(MultipartDecoder):
    """Werkzeug's, for heads that are not in UTF-8, for names with backslashes, and to the byte."""

    def _last_partial_boundary_index(self, data: bytes | bytearray) -> int:
        """Where a boundary may begin whose end has not come: with the whole end of its line."""
        line = max(data.rfind(b"\n"), data.rfind(b"\r"))
        wanted, begun = b"--" + self.boundary, bytes(data[line + 1 :])
        padded = begun.startswith(wanted) and not begun[len(wanted) :].strip(b"- \t")
        if line < 0 or not (padded or wanted.startswith(begun)):
            return len(data)
        return line - 1 if data[max(line - 1, 0) : line + 1] == b"\r\n" else line

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        try:
            data.decode()
        except UnicodeDecodeError:
            data = data.decode("latin-1").encode()
        heads = super()._parse_headers(data)
        if told := heads.get("Content-Disposition"):
            heads["Content-Disposition"] = literal(told)
        return heads
