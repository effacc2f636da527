"""What can go wrong between a program and a server: "never" and "later" are two classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SyncRefused(Exception):
    """The server has read what was asked and says no; the same bytes will be refused again.

    `code` is ODK Central's number or one of ours, `retry` says what to do next: "never",
    "later", or "after_pull".
    """

    def __init__(
        self,
        status: int,
        code: float,
        message: str,
        details: Mapping[str, Any],
        retry: str,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.retry = retry


class SyncUnreachable(Exception):
    """No answer of the server came, or none that can be used: the same may be sent again later.

    It may have been taken in all the same; that is what batch ids are for. `status` is that of
    the answer if there was one, `retry_after` how many seconds the server asks to wait.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.retry_after = retry_after
