"""Batches of changes, as the sync contract has them: what is pushed, and what is answered.

The envelope is checked as a whole. Each item is checked by itself, so that a bad one is kept
in quarantine and spoils no other.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate, validates_schema

from conflict.instants import as_instant
from conflict.policy import LABEL
from conflict.types import Op, RecordStatus
from schemas.base import LONGEST_NAME, Answer, Shape, Text, several_of

PROTOCOL = 1
LARGEST = 2**31 - 1
"""The largest version number; phones count from 1."""

_OUTCOMES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "outcome": {"enum": ["written", "unchanged", "merged", "settled", "review"]},
        },
        "required": ["name", "outcome"],
        "additionalProperties": False,
    },
}

STATUSES = (RecordStatus.ACTIVE.value, RecordStatus.DELETED.value)


class UuidField(Text):
    """A lower-case UUID with its hyphens, as it is compared and stored."""

    default_error_messages = {"invalid_uuid": "This is not a lower-case UUID."}  # noqa: RUF012

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_uuid(text):
            raise self.make_error("invalid_uuid")
        return text


def is_uuid(text: object) -> bool:
    """Whether this is a lower-case UUID with its hyphens.

    >>> is_uuid("5d1f7e55-0000-4000-8000-000000000001"), is_uuid("5D1F7E55"), is_uuid(7)
    (True, False, False)
    """
    if not isinstance(text, str) or len(text) != 36:
        return False
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


class Moment(Text):
    """An ISO 8601 time with its zone, read as an instant."""

    default_error_messages = {"invalid_time": "This is no time with a zone."}  # noqa: RUF012

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        found = as_instant(super()._deserialize(value, attr, data, **kwargs))
        if found is None:
            raise self.make_error("invalid_time")
        return found


class Number(fields.Integer):
    """A version number: a JSON number, and no text or truth value that might be meant so."""

    def __init__(self, **kwargs: Any) -> None:
        within = validate.Range(min=0, max=LARGEST)
        super().__init__(strict=True, validate=within, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if isinstance(value, (bool, str)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


def check_name(name: str) -> None:
    """A property is not called as the label is, nor as an option of a union ("imunisasi/bcg")."""
    if name == LABEL or "/" in name:
        raise ValidationError(f"no property is called {name[:40]!r}")


class Lenient(Shape):
    """A shape to which later versions may add keys: those are kept with the raw item."""

    class Meta:
        unknown = INCLUDE


class Batch(Lenient):
    """The envelope of a push."""

    protocol = fields.Integer(strict=True, required=True, validate=validate.Equal(PROTOCOL))
    batch_id = UuidField(required=True)
    sent_at = Text(load_default=None, allow_none=True)
    epoch = Text(load_default=None, allow_none=True)
    items = fields.List(fields.Raw(allow_none=True), required=True)


class ChangeItem(Lenient):
    """One change of one record."""

    kind = fields.Constant("change")
    change_id = UuidField(required=True)
    list_name = Text(
        required=True, data_key="list", validate=validate.Length(min=1, max=LONGEST_NAME)
    )
    entity = UuidField(required=True)
    op = Text(required=True)
    label = Text(load_default=None, allow_none=True)
    data = fields.Dict(
        keys=Text(validate=[validate.Length(min=1, max=LONGEST_NAME), check_name]),
        values=Text(),
        load_default=dict,
    )
    base_version = Number(load_default=None, allow_none=True)
    trunk_version = Number(load_default=None, allow_none=True)
    branch_id = UuidField(load_default=None, allow_none=True)
    client_time = Moment(load_default=None, allow_none=True)
    contenders = fields.List(UuidField(), load_default=list)
    status = Text(load_default=None, allow_none=True, validate=validate.OneOf(STATUSES))
    of = UuidField(load_default=None, allow_none=True)
    note = Text(load_default="", validate=validate.Length(max=10_000))

    @validates_schema
    def check_base(self, data: dict[str, Any], **_: Any) -> None:
        """A branch is nothing without its number; only what an op asks for makes sense with it."""
        if data.get("branch_id") is not None and data.get("base_version") is None:
            raise ValidationError("branchId needs a baseVersion", "baseVersion")
        if data.get("trunk_version") is not None and data.get("branch_id") is None:
            raise ValidationError("trunkVersion needs a branchId", "branchId")
        if data.get("op") == Op.REOPEN.value and data.get("of") is None:
            raise ValidationError("a reopen names the resolve it voids", "of")
        says = ("data", "label", "status")
        if data.get("op") == Op.RESOLVE.value and not any(data.get(one) for one in says):
            raise ValidationError("a resolve says what is to show: data, label or status", "data")


class AttachmentItem(Lenient):
    """A file of a submission; its bytes come by themselves, before or later."""

    name = Text(required=True, validate=validate.Length(min=1))
    sha256 = Text(required=True, validate=validate.Regexp("[0-9a-f]{64}$"))
    size = fields.Integer(strict=True, load_default=0, validate=validate.Range(min=0))
    content_type = Text(load_default="application/octet-stream")


class SubmissionItem(Lenient):
    """One filled form, byte for byte: as text when it is UTF-8, else as base64."""

    kind = fields.Constant("submission")
    xml_form_id = Text(load_default="")
    xml = Text(load_default=None, allow_none=True)
    xml_base64 = Text(load_default=None, allow_none=True)
    device_id = Text(load_default="", validate=validate.Length(max=200))
    attachments = fields.List(fields.Nested(AttachmentItem), load_default=list)


class PushRequest(Batch):
    """A batch with its items. What is wrong with one item is said of that item alone."""

    items = several_of(ChangeItem, SubmissionItem, required=True)


def raw_of(item: Mapping[str, Any]) -> bytes | None:
    """The instance of a submission item as its phone made it; None when it is not there."""
    text, encoded = item.get("xml"), item.get("xmlBase64")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(encoded, str):
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return None
    return None


class ChangeResultShape(Answer):
    """What became of one change."""

    kind = fields.Constant("change")
    change_id = fields.String(allow_none=True)
    list = fields.String(attribute="list_name")
    entity = fields.String()
    status = fields.String()
    version = fields.Integer(allow_none=True)
    reviews = fields.List(fields.String())
    fields_ = fields.Function(
        lambda one: [{"name": name, "outcome": word} for name, word in one.fields],
        data_key="fields",
        metadata=_OUTCOMES,
    )
    waits_for = fields.String(allow_none=True)
    code = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)


class SubmissionResultShape(Answer):
    """What became of one submission: the worst of its changes, or its own quarantine."""

    kind = fields.Constant("submission")
    instance_id = fields.String(allow_none=True)
    status = fields.String()
    changes = fields.List(fields.Nested(ChangeResultShape))
    code = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)


class BatchAnswer(Answer):
    """One result per item, in the order of the items."""

    batch_id = fields.String()
    replayed = fields.Boolean()
    epoch = fields.String()
    server_time = fields.String()
    results = several_of(ChangeResultShape, SubmissionResultShape)


def first_fault(schema: Schema, item: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What an item says, and in words the first thing wrong with it ("" when nothing is).

    The words may quote a key, and are kept: they are text that every database takes.
    """
    try:
        loaded = schema.load(item)
    except ValidationError as exc:
        words = _words(exc.messages).replace("\x00", "\\0")
        return {}, words.encode("utf-8", "backslashreplace").decode()
    return dict(loaded), ""


def _words(messages: Any, path: str = "") -> str:
    if isinstance(messages, dict) and messages:
        name, inner = next(iter(messages.items()))
        here = path if name in ("_schema", "key", "value") else f"{path}.{name}".strip(".")
        return _words(inner, here)
    if isinstance(messages, list) and messages:
        return _words(messages[0], path)
    return f"{path}: {messages}" if path else str(messages)
