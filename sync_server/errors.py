"""Every refusal that reaches a sender, with Central's number for it.

A class fixes three facts: `code` (ODK Central's number, or ours from .50 up), its
HTTP `status`, and what the sender should do next. The doors' one handler dresses it:
JSON, an OpenRosa message, or a page.
"""

from __future__ import annotations

import traceback
from enum import StrEnum
from pathlib import Path
from typing import ClassVar


class Retry(StrEnum):
    """What the sender should do next."""

    NEVER = "never"  # the same bytes will be refused again
    LATER = "later"  # nothing is wrong with the bytes; send them again
    AFTER_PULL = "after_pull"  # pull first, then send again


class SyncError(Exception):
    """Base of every refusal. `details` are shown to the sender: no secret, no child's name."""

    code: ClassVar[float]
    retry: ClassVar[Retry] = Retry.NEVER

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def status(self) -> int:
        """The HTTP status: the whole part of the code."""
        return int(self.code)


class BadRequest(SyncError):
    """The request does not have the documented shape."""

    code = 400.50


class Unparseable(SyncError):
    """The body is not JSON."""

    code = 400.1


class MissingParameter(SyncError):
    """Something required is absent; `details.field` names it."""

    code = 400.2


class UnexpectedParameter(SyncError):
    """The body names something that is not known here; `details.field` says what."""

    code = 400.4


class PasswordTooShort(SyncError):
    """The password has not the length it must have."""

    code = 400.21


class BadEntity(SyncError):
    """An entity that cannot be kept as it was sent; the message says why."""

    code = 400.28


class MissingXmlPart(SyncError):
    """A submission came without the part `xml_submission_file`."""

    code = 400.7


class UnreadableBody(SyncError):
    """The body could not be read as what its headers say."""

    code = 400.39


class UnreadableDraft(UnreadableBody):
    """As that, of what was filled in to try a draft: it is not kept."""


class BadForm(SyncError):
    """A form definition that cannot be published; `details.messages` name sheet and cell."""

    code = 400.15


class FormWarnings(SyncError):
    """A form that may be published once its warnings were read; `details.warnings` has them."""

    code = 400.16


class BadValue(SyncError):
    """A value is not acceptable; `details` name field and value."""

    code = 400.11


class WrongPassword(SyncError):
    """The e-mail address and the password do not fit each other."""

    code = 401.2


class NotAuthenticated(SyncError):
    """This needs somebody who is logged in."""

    code = 401.2


class NotAllowed(SyncError):
    """Who is asking may not do this."""

    code = 403.1


class MayNotFill(NotAllowed):
    """Somebody who is known here and has no part in the forms of this project."""


class CsrfFailed(SyncError):
    """A form of a page came without the token of its session."""

    code = 403.50


class NotFound(SyncError):
    """There is no such thing here, or not for who is asking."""

    code = 404.1


class DraftGone(NotFound):
    """A draft that was tried is published or deleted, or never was."""

    code = 404.4


class AlreadyThere(SyncError):
    """Something of that name is here already."""

    code = 409.3


class InstanceDiffers(SyncError):
    """Another content is known under this instanceID."""

    code = 409.1


class VersionTaken(SyncError):
    """This form has another definition under the same version."""

    code = 409.6


class StaleVersion(SyncError):
    """The record has moved on since the version named."""

    code = 409.15
    retry = Retry.AFTER_PULL


class ReviewMoved(SyncError):
    """The contenders are not those that were shown; `details.review` has the present ones."""

    code = 409.50
    retry = Retry.AFTER_PULL


class BatchReused(SyncError):
    """Another batch came under this batchId."""

    code = 409.51


class EpochMoved(SyncError):
    """This server was restored from a backup since; `details.epoch` is the one in force."""

    code = 409.52
    retry = Retry.AFTER_PULL


class BlobMoved(SyncError):
    """A piece of a blob does not begin where its bytes here end; `details.offset` says where."""

    code = 409.53


class BlobDiffers(SyncError):
    """A blob is all here and is another than its hash says; nothing of it was kept."""

    code = 409.54


class AtTheCentre(SyncError):
    """This server is a hub: this is done at its centre, `details.url`, and comes here by itself."""

    code = 409.55


class DraftAltered(SyncError):
    """Somebody kept another draft since the one that was looked at."""

    code = 409.56


class CursorGone(SyncError):
    """A cursor that cannot be gone on from; begin again without one."""

    code = 410.50
    retry = Retry.AFTER_PULL


class TooLarge(SyncError):
    """The body is over the published limit."""

    code = 413.50


class UnsupportedEncoding(SyncError):
    """The body is encoded in a way that is not understood."""

    code = 415.50


class TooManyTries(SyncError):
    """Too many wrong passwords; wait a little."""

    code = 429.50
    retry = Retry.LATER


class StoreBusy(SyncError):
    """The store could not take the writing now; the same bytes may be sent again."""

    code = 503.50
    retry = Retry.LATER


def whereabouts(exc: BaseException) -> str:
    """What kind of bug, and where, for a log: never its message, which may quote a child's name.

    >>> try: int("Siti")
    ... except ValueError as exc: "Siti" in whereabouts(exc)
    False
    """
    frames = traceback.extract_tb(exc.__traceback__)[-4:]
    path = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"{type(exc).__name__} at {path}"
