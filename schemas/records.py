"""Records and their history, as the sync contract has them."""

from __future__ import annotations

from marshmallow import fields

from conflict.types import RecordStatus
from schemas.base import Answer


class RecordShape(Answer):
    """A record as it stands. `version` counts its changes."""

    list = fields.String(attribute="list_name")
    entity = fields.String()
    version = fields.Integer()
    label = fields.String()
    data = fields.Dict(keys=fields.String(), values=fields.String())
    status = fields.String(metadata={"enum": [one.value for one in RecordStatus]})
    reviews = fields.Integer(attribute="open_reviews")
    waiting = fields.Integer()
    updated_at = fields.String()


class FieldShape(Answer):
    """One property of a change, and what became of it."""

    name = fields.String()
    value = fields.String()
    replaces = fields.List(fields.String())
    outcome = fields.String()


class StampShape(Answer):
    """A server that took a change in, and when. `hub` is its name, where it is one of ours."""

    node = fields.String()
    hub = fields.String(allow_none=True)
    received_at = fields.String()


class PastChangeShape(Answer):
    """One change of a record."""

    change_id = fields.String()
    op = fields.String()
    status = fields.String()
    waiting = fields.Boolean()
    received_at = fields.String()
    client_time = fields.String(allow_none=True)
    device_id = fields.String()
    user_id = fields.Integer(allow_none=True)
    author = fields.Dict()
    instance_id = fields.String(allow_none=True)
    form_id = fields.String(allow_none=True)
    form_version = fields.String(allow_none=True)
    note = fields.String()
    path = fields.List(fields.Nested(StampShape))
    fields_ = fields.List(fields.Nested(FieldShape), data_key="fields")


class HistoryShape(Answer):
    """Every change of a record, oldest first."""

    entity = fields.String()
    list = fields.String(attribute="list_name")
    version = fields.Integer()
    status = fields.String()
    changes = fields.List(fields.Nested(PastChangeShape))
