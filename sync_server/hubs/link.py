"""A hub's line to its centre: pairing, what hubs are set up with, and what any client asks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, cast

import requests
from marshmallow import Schema, ValidationError

from schemas.digests import DigestsShape, ItemsShape, LackingShape, MarksShape
from schemas.hubs import PairedShape, SetupShape
from sync_server.client import SyncClient, SyncRefused, SyncUnreachable

_SECONDS = (15.0, 120.0)
USER_AGENT = "simpul-hub/1"
_READ = "+2"
"""What of a setup this version reads: one that read less asks for all of it after an upgrade."""


def ask_to_pair(url: str, code: str, node: str) -> dict[str, Any]:
    """Ask the centre at `url` to make this install, `node`, its hub.

    Errors    `SyncRefused` for a code that is not good; `SyncUnreachable`.
    """
    try:
        answer = requests.post(
            f"{url.rstrip('/')}/v1/sync/pair",
            json={"code": code, "node": node},
            timeout=_SECONDS,
            allow_redirects=False,
            headers={"User-Agent": USER_AGENT},
        )
        plain = answer.json()
    except ValueError as exc:  # JSON's own, and that of an address that is none
        raise SyncUnreachable(
            f"what answers at {url} is no centre: give its address as its pages have it, without "
            "what follows the name and the number of the port"
        ) from exc
    except requests.exceptions.SSLError as exc:
        raise SyncUnreachable(
            f"{url} cannot be trusted over https: its certificate is not good, or it speaks http"
        ) from exc
    except requests.RequestException as exc:
        raise SyncUnreachable(
            f"{url} does not answer: is the address right, and is there a link?"
        ) from exc
    if answer.status_code != 200:
        message = plain.get("message", "") if isinstance(plain, dict) else ""
        raise SyncRefused(answer.status_code, answer.status_code, str(message), {}, "never")
    return read_as(PairedShape(), plain)


class HubLink(SyncClient):
    """A `SyncClient` with the token of a hub."""

    def setup(self, tag: str | None, *, sent_at: str) -> tuple[dict[str, Any], str] | None:
        """What this hub is to be set up with, and its tag; None when it is as `tag` says."""
        held = tag.removesuffix(_READ) if tag and tag.endswith(_READ) else None
        headers = {"If-None-Match": f'"{held}"'} if held else {}
        asked = {"sentAt": sent_at}
        with self._asked("GET", "setup", params=asked, headers=headers, also=(304,)) as answer:
            if answer.status_code == 304:
                return None
            told = answer.headers.get("ETag", "").removeprefix("W/").strip('"')
            try:
                plain = json.loads(answer.content)
            except ValueError as exc:
                raise SyncUnreachable("what answered is not a centre") from exc
        return read_as(SetupShape(), plain), told + _READ

    def form_xml(self, xml_form_id: str, version: str) -> bytes:
        """The XML of a version of a form."""
        asked = {"xmlFormId": xml_form_id, "version": version}
        with self._asked("GET", "setup/xml", params=asked) as answer:
            return bytes(answer.content)

    def has_blob(self, sha256: str) -> bool:
        """Whether the centre has all of a blob, as far as it tells this hub."""
        _, complete = self._place(sha256)
        return complete

    def form_file(self, sha256: str) -> bytes:
        """The bytes of a file of a form."""
        with self._asked("GET", f"setup/files/{sha256}") as answer:
            return bytes(answer.content)

    def digests(self) -> dict[str, Any]:
        """What the centre holds of what this hub may have, in 256 buckets, with a cursor."""
        return read_as(DigestsShape(), self._json("GET", "digests"))

    def marks(self, buckets: Iterable[str]) -> set[str]:
        """What the centre holds in some buckets."""
        asked = {"buckets": ",".join(sorted(buckets))}
        return set(read_as(MarksShape(), self._json("GET", "digests/marks", params=asked))["marks"])

    def items_of(self, marks: Iterable[str]) -> list[Any]:
        """The items that bear these marks at the centre."""
        told = self._json("POST", "digests/items", json={"marks": sorted(marks)})
        return list(read_as(ItemsShape(), told)["changes"])

    def lacking(self, files: Sequence[str]) -> list[str]:
        """Those of the files that the centre has not got."""
        told = self._json("POST", "digests/files", json={"files": list(files)})
        return list(read_as(LackingShape(), told)["lacking"])


def read_as(shape: Schema, plain: Any) -> dict[str, Any]:
    """What a centre said, by its shape. Errors: `SyncUnreachable` for what is none of it."""
    try:
        return cast("dict[str, Any]", shape.load(plain))
    except ValidationError as exc:
        field = next(iter(exc.messages_dict), "")
        raise SyncUnreachable(f"the centre's answer cannot be read: {field}") from exc
