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
