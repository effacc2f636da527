"""What a program learns first: which server this is, its limits, how lists are merged."""

from __future__ import annotations

from marshmallow import fields

from schemas.base import Answer


class LimitsShape(Answer):
    """What a push may hold: items, bytes on the wire as gzip, bytes once inflated."""

    max_items = fields.Integer()
    max_bytes = fields.Integer()
    max_raw_bytes = fields.Integer()


class PolicyShape(Answer):
    """How a property is merged, and whether phones hold it."""

    name = fields.String()
    policy = fields.String()
    phone = fields.Boolean()


class ListShape(Answer):
    """A list of the project, its properties in the order they were declared."""

    name = fields.String()
    properties = fields.List(fields.Nested(PolicyShape))


class InfoShape(Answer):
    """`node` is this install, `epoch` its life since it was last restored from a backup."""

    protocol = fields.Integer()
    node = fields.String()
    epoch = fields.String()
    project = fields.String()
    server_time = fields.String()
    limits = fields.Nested(LimitsShape)
    lists = fields.List(fields.Nested(ListShape))
