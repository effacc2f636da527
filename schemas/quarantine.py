"""Quarantine: what was kept raw until a person decides."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import Answer, AnyOf, Shape
from schemas.batches import ChangeResultShape, SubmissionResultShape

STATES = ("open", "resolved", "discarded")


class KeptFileShape(Answer):
    """A file that was named beside what is kept."""

    name = fields.String()
    sha256 = fields.String()
    content_type = fields.String(attribute="contentType")
    here = fields.Boolean(metadata={"description": "Whether its bytes came along."})


class QuarantinedShape(Answer):
    """One quarantined thing, without its bytes."""

    id = fields.String(attribute="quarantine_id")
    kind = fields.String()
    form_id = fields.String(attribute="xml_form_id", allow_none=True)
    instance_id = fields.String(allow_none=True)
    change_id = fields.String(allow_none=True)
    code = fields.String(metadata={"description": "Why, as a result code."})
    detail = fields.String()
    received_at = fields.String()
    state = fields.String()
    decided_at = fields.String(allow_none=True)
    content_type = fields.String()
    attachments = fields.List(fields.Nested(KeptFileShape))


class QuarantineQuery(Shape):
    """Which of them: all, without a state."""

    state = fields.String(validate=validate.OneOf(STATES))
    cursor = fields.String()
    limit = fields.Integer(validate=validate.Range(1, 1000))


class QuarantinePage(Answer):
    """A page of what was kept, newest first; `cursor` is null on the last one."""

    quarantine = fields.List(fields.Nested(QuarantinedShape))
    cursor = fields.String(allow_none=True)
    more = fields.Boolean()


class RetryShape(Answer):
    """What became of it this time. It is open still when it could not be used again."""

    id = fields.String()
    state = fields.String()
    result = AnyOf((ChangeResultShape, SubmissionResultShape))
