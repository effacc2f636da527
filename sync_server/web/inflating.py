"""A request's body, inflated as far as it may be."""

from __future__ import annotations

import zlib

from flask import request

from sync_server.errors import TooLarge, UnreadableBody, UnsupportedEncoding

_CHUNK = 1 << 16


def inflated_body(*, most_sent: int, most_raw: int) -> bytes:
    """The body, of at most `most_sent` bytes on the wire and `most_raw` once inflated.

    Errors    `TooLarge` as soon as either is passed: a bomb is never unpacked whole;
              `UnsupportedEncoding` for all but gzip; `UnreadableBody` when the gzip is cut or bad.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return _read(most_sent, "maxBytes")
    if encoding != "gzip":
        raise UnsupportedEncoding("a body is sent as it is, or as gzip", encoding=encoding[:40])
    return _gunzip(_read(most_sent, "maxBytes"), most_raw)


def _read(most: int, limit: str) -> bytes:
    body = request.stream.read(most + 1)
    if len(body) > most:
        raise TooLarge("the body is larger than is taken", limit=limit, most=most)
    return body


def _gunzip(body: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    found = bytearray()
    try:
        waiting = body
        while waiting and not inflater.eof:
            found += inflater.decompress(waiting, most + 1 - len(found))
            waiting = inflater.unconsumed_tail
            if len(found) > most:
                raise TooLarge("the body inflates to more than is taken", limit="maxRawBytes")
    except zlib.error as exc:
        raise UnreadableBody("the body is no gzip") from exc
    if not inflater.eof or inflater.unused_data:
        raise UnreadableBody("the gzip is cut short, or something follows it")
    return bytes(found)
