"""One account's line to the sync door of one project."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from requests.auth import AuthBase

from sync_server.client.refusals import SyncRefused, SyncUnreachable
from sync_server.client.splitting import body_of, packed

_CONNECT_SECONDS = 15.0
_READ_SECONDS = 120.0
_PIECE = 1 << 20  # of a blob that is sent: what a proxy that waits for the whole may lose
_CHUNK = 1 << 16
_MOVED, _DIFFERS = 409.53, 409.54
_NOT_NOW = (408, 425, 429)


class SyncClient:
    """Asks one server, as one account; for one thread at a time.

    `base_url` is the server's address without a path of the API, `project_id` the number of
    the project there, `token` that of a session, a hub or a device.

    Errors    of every method: `SyncRefused` when the server says no, `SyncUnreachable` when it
              could not be asked, or its answer did not come whole.
    """

    def __init__(
        self,
        base_url: str,
        project_id: int,
        token: str,
        *,
        timeout: float | tuple[float, float] = (_CONNECT_SECONDS, _READ_SECONDS),
        user_agent: str = "simpul-client/1",
    ) -> None:
        self.base = f"{base_url.rstrip('/')}/v1/projects/{project_id}/sync"
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        self._session.headers["User-Agent"] = user_agent

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def info(self) -> dict[str, Any]:
        """Which server this is: its node, epoch, project, limits, lists, and its time."""
        return self._json("GET", "info")

    def push(
        self,
        items: Sequence[Mapping[str, Any]],
        *,
        batch_id: str | None = None,
        epoch: str | None = None,
    ) -> dict[str, Any]:
        """Send a batch; its answer, with a result for each item in their order.

        Sent again with the same items, `batch_id` and `epoch`, it is taken in once and gets
        its first answer. `batches` splits what is more than one batch.
        """
        body = body_of(items, batch_id or str(uuid.uuid4()), epoch)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return self._json("POST", "push", data=packed(body), headers=headers)

    def pull(
        self,
        *,
        cursor: str | None = None,
        mode: str = "records",
        lists: Sequence[str] | None = None,
        limit: int = 500,
    ) -> dict[str, Any]:
        """The page after `cursor`; without one the beginning of a snapshot.

        Errors    `SyncRefused` 410 for a cursor that is good no more: begin without one.
        """
        asked: dict[str, str] = {"mode": mode, "limit": str(limit)}
        if cursor is not None:
            asked["cursor"] = cursor
        if lists is not None:
            asked["lists"] = ",".join(lists)
        return self._json("GET", "pull", params=asked)

    def put_blob(self, sha256: str, path: str | os.PathLike[str]) -> None:
        """Send the bytes of a file from where the server has them; what has arrived stays there.

        Errors    `ValueError` when the file has another hash; `OSError` when it cannot be read.
        """
        path = Path(path)
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                raise ValueError(f"{path.name} is another file than its hash says")
            length = stream.seek(0, os.SEEK_END)
            offset, complete = self._place(sha256)
            stumbles = 0
            while not complete:
                stream.seek(offset)
                try:
                    offset, complete = self._add(sha256, offset, length, stream.read(_PIECE))
                except SyncRefused as exc:
                    # Another request came between, or the bytes were spoiled on their way.
                    stumbles += 1
                    if exc.code not in (_MOVED, _DIFFERS) or stumbles > 2:
                        raise
                    offset = int(exc.details.get("offset", 0))
                    complete = bool(exc.details.get("complete"))

    def get_blob(self, sha256: str, path: str | os.PathLike[str]) -> None:
        """Fetch a blob into a file, which is whole when it is there.

        What has come of it is kept in a `.part` file beside it, and gone on from.

        Errors    `SyncRefused` 404 when it is not there, or not for this account.
        """
        path = Path(path)
        part = path.with_name(f"{path.name}.part")
        self._fetch(sha256, part)
        with part.open("rb") as stream:
            right = hashlib.file_digest(stream, "sha256").hexdigest() == sha256
            os.fsync(stream.fileno())
        if not right:
            part.unlink()
            raise SyncUnreachable("the blob came with other bytes than its hash says")
        part.replace(path)

    def _place(self, sha256: str) -> tuple[int, bool]:
        with self._asked("HEAD", f"blobs/{sha256}") as answer:
            return _place_of(answer)

    def _add(self, sha256: str, offset: int, length: int, piece: bytes) -> tuple[int, bool]:
        headers = {"Upload-Offset": str(offset), "Upload-Length": str(length)}
        with self._asked("PATCH", f"blobs/{sha256}", data=piece, headers=headers) as answer:
            return _place_of(answer)

    def _fetch(self, sha256: str, part: Path) -> None:
        """Add to the part file what is missing of it; begin it anew where ranges are not given."""
        start = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"}
        with self._asked("GET", f"blobs/{sha256}", headers=headers, also=(416,)) as answer:
            if answer.status_code == 416:  # all of it is here, or more than all of it
                whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
                part.touch()
                if start and whole != str(start):
                    part.unlink()
                    raise SyncUnreachable("more of the blob was here than there is of it")
                return
            goes_on = answer.status_code == 206
            if goes_on and not answer.headers.get("Content-Range", "").startswith(
                f"bytes {start}-"
            ):
                raise SyncUnreachable("another range of the blob came than was asked for")
            with part.open("ab" if goes_on else "wb") as out:
                for chunk in answer.iter_content(_CHUNK):
                    out.write(chunk)

    def _json(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        with self._asked(method, path, **sent) as answer:
            plain = _object(answer)
        if plain is None:  # a page of the hotspot, say, that one must log in to first
            raise SyncUnreachable(
                "what answered is not the sync door of Simpul", status=answer.status_code
            )
        return plain

    @contextmanager
    def _asked(
        self, method: str, path: str, *, also: Sequence[int] = (), **sent: Any
    ) -> Iterator[requests.Response]:
        """An answer of 2xx or `also`; a link that is cut while it is read is said plainly."""
        try:
            with self._session.request(
                method,
                f"{self.base}/{path}",
                timeout=self._timeout,
                allow_redirects=False,  # a token goes where it was meant to, or nowhere
                stream=True,
                **sent,
            ) as answer:
                if not 200 <= answer.status_code < 300 and answer.status_code not in also:
                    raise _refusal(answer)
                yield answer
        except requests.RequestException as exc:
            raise SyncUnreachable(f"no answer: {type(exc).__name__}") from exc


class _Bearer(AuthBase):
    """The token, also where a `.netrc` has another idea of who is asking."""

    def __init__(self, token: str) -> None:
        self._value = f"Bearer {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def _place_of(answer: requests.Response) -> tuple[int, bool]:
    """Where a blob is to be gone on from, and whether it is all there."""
    offset = answer.headers.get("Upload-Offset", "")
    if not offset.isdecimal():
        raise SyncUnreachable("what answered knows no blobs", status=answer.status_code)
    return int(offset), answer.headers.get("Upload-Complete") == "?1"


def _refusal(answer: requests.Response) -> SyncRefused | SyncUnreachable:
    """A 4xx of Simpul's own is a refusal; all else says only that it was not reached."""
    status, plain = answer.status_code, _object(answer)
    if answer.request.method == "HEAD" and 400 <= status < 500 and status not in _NOT_NOW:
        return SyncRefused(status, status, answer.reason or "", {}, "never")  # it has no body
    ours = plain is not None and isinstance(plain.get("code"), (int, float))
    if plain is None or not ours or status >= 500 or status < 400 or status in _NOT_NOW:
        after = answer.headers.get("Retry-After", "")
        target = answer.headers.get("Location")
        led = f", to {target}" if target else ""
        return SyncUnreachable(
            f"the answer was {status} {answer.reason or ''}".rstrip() + led,
            status=status,
            retry_after=float(after) if after.isdecimal() else None,
        )
    details = plain.get("details")
    return SyncRefused(
        status,
        plain["code"],
        str(plain.get("message", "")),
        details if isinstance(details, dict) else {},
        str(plain.get("retry", "never")),
    )


def _object(answer: requests.Response) -> dict[str, Any] | None:
    try:
        plain = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None
