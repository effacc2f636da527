"""Sending one filled form: the preflight, the parts, and what Collect takes for success.

Source: openrosa.md sections 4.1 to 4.5.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote, urlsplit

from sync_server.fleet.documents import read_message
from sync_server.fleet.wire import NoSignal, Part, Wire

XML_PART = "xml_submission_file"
MORE_TO_COME = Part("*isIncomplete*", None, None, b"yes")
TAKEN = (201, 202)
_MOST_FILES = 100
_DEFAULT_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Filled:
    """A finished form on a phone. `entity` is the record it is about, if it is about one."""

    xml_form_id: str
    instance_id: str
    entity: str | None
    xml: bytes
    file_name: str
    finished: datetime
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one attempt. `status` None: no answer came; `message` is what was shown."""

    form: Filled
    status: int | None
    message: str | None

    @property
    def taken(self) -> bool:
        """Whether the phone marks the form as sent, and may delete it."""
        return self.status in TAKEN


class Submitter:
    """Sends to one address; `query` ("deviceID=…") is on every request."""

    def __init__(self, wire: Wire, server_url: str, query: str) -> None:
        self._wire = wire
        self._query = query
        self._target = f"{server_url.removesuffix('/')}/submission"
        self._part_bytes = _DEFAULT_BYTES
        self._target_known = False

    def send(self, form: Filled) -> Delivery:
        """One attempt, all its parts; the first part that is not taken ends it."""
        try:
            refused = self._preflight()
            if refused is not None:
                return Delivery(form, refused, None)
            for parts in chunks(form, self._part_bytes):
                answer = self._wire.post(f"{self._target}?{self._query}", parts)
                if answer.status not in TAKEN:
                    break
        except NoSignal as exc:
            return Delivery(form, None, str(exc))
        return Delivery(form, answer.status, read_message(answer.body))

    def _preflight(self) -> int | None:
        """Ask before a body is sent; a status when Collect would stop here.

        A server that names an address on its own host is asked once and then no more.
        """
        if self._target_known:
            return None
        answer = self._wire.head(f"{self._target}?{self._query}")
        if answer.status == 204:
            advertised = answer.headers.get("x-openrosa-accept-content-length")
            self._part_bytes = int(advertised) if advertised else _DEFAULT_BYTES
            if "location" in answer.headers:
                return self._redirect(unquote(answer.headers["location"]))
            return None
        stops = answer.status == 401 or 200 <= answer.status < 300
        return answer.status if stops else None

    def _redirect(self, location: str) -> int | None:
        host = urlsplit(location).hostname
        if host is None or host != urlsplit(self._target).hostname:
            raise NoSignal(f"sent away to {location}")
        self._target = location.partition("?")[0]
        self._target_known = True
        return None


def chunks(form: Filled, part_bytes: int) -> Iterator[list[Part]]:
    """The bodies of a form: its XML first in each, its files spread over them.

    A body is closed before the next file would make it larger than `part_bytes`, but never
    before its first file.
    """
    xml = Part(XML_PART, form.file_name, "text/xml", form.xml)
    parts, size = [xml], len(form.xml)
    waiting = [Part(name, name, _type(name), body) for name, body in form.files.items()]
    for place, part in enumerate(waiting, start=1):
        parts.append(part)
        size += len(part.content)
        following = waiting[place] if place < len(waiting) else None
        full = len(parts) > _MOST_FILES + 1
        if following and (full or size + len(following.content) > part_bytes):
            yield [*parts, MORE_TO_COME]
            parts, size = [xml], len(form.xml)
    yield parts


def _type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
