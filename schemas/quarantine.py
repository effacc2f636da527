"""Quarantine: what was kept raw until a person decides."""

from __future__ import annotations

from marshmallow import fields

from schemas.base import Shape


class QuarantinedShape(Shape):
    """One quarantined thing, without its bytes."""

    id = fields.String(attribute="quarantine_id")
    kind = fields.String()
    form_id = fields.String(attribute="xml_form_id", allow_none=True)
    instance_id = fields.String(allow_none=True)
    change_id = fields.String(allow_none=True)
    code = fields.String()
    detail = fields.String()
    received_at = fields.String()
    state = fields.String()
    decided_at = fields.String(allow_none=True)
    content_type = fields.String()
    attachments = fields.List(fields.Dict())


class ChangeResultShape(Shape):
    """What became of one change."""

    kind = fields.Constant("change")
    change_id = fields.String()
    list = fields.String(attribute="list_name")
    entity = fields.String()
    status = fields.String()
    version = fields.Integer(allow_none=True)
    reviews = fields.List(fields.String())
    fields_ = fields.Function(
        lambda one: [{"name": name, "outcome": word} for name, word in one.fields],
        data_key="fields",
    )
    waits_for = fields.String(allow_none=True)
    code = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)


class SubmissionResultShape(Shape):
    """What became of one submission."""

    kind = fields.Constant("submission")
    instance_id = fields.String()
    status = fields.String()
    changes = fields.List(fields.Nested(ChangeResultShape))
    code = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)
