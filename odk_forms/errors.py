"""What this room refuses, and how it says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Message:
    """One remark about a form, in the place where its author can mend it.

    `row` counts as a spreadsheet does (the header is row 1); `column` is the letter;
    `cell` is both with the sheet, "survey!C7", when both are known.
    """

    severity: Severity
    text: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    cell: str | None = None


class FormError(ValueError):
    """A form, or a table of a register, that cannot be taken as it is.

    `messages` holds at least one error, and the warnings found on the way.
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        self.messages = tuple(messages)
        super().__init__("\n".join(m.text for m in self.messages if m.severity == "error"))

    @classmethod
    def of(cls, text: str) -> FormError:
        """A refusal that has no place on a sheet."""
        return cls([Message("error", text)])


class InstanceError(ValueError):
    """The XML of a submission that nothing can be read from. Its bytes are kept elsewhere.

    `code` is the contract's word for the sender.
    """

    def __init__(self, text: str, *, code: str = "bad_xml") -> None:
        super().__init__(text)
        self.code = code
