"""Pull: what is asked of a feed, and a page of it."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import Answer, Shape
from schemas.records import RecordShape

MODES = ("records", "changes")
REASONS = ("moved", "deleted", "merged", "policy")


class PullQuery(Shape):
    """A place in a feed. `lists` are names with commas between them."""

    cursor = fields.String()
    limit = fields.Integer(validate=validate.Range(1, 5000))
    mode = fields.String(validate=validate.OneOf(MODES))
    lists = fields.String()


class LeaveShape(Answer):
    """A record that the reader sees no more."""

    list = fields.String()
    entity = fields.String()
    reason = fields.String(validate=validate.OneOf(REASONS))


class AliasShape(Answer):
    """A record that goes on as another."""

    from_ = fields.String(data_key="from")
    to = fields.String()


class _Page(Answer):
    leave = fields.List(fields.Nested(LeaveShape))
    aliases = fields.List(fields.Nested(AliasShape))
    cursor = fields.String()
    more = fields.Boolean()
    epoch = fields.String()
    server_time = fields.String()


class RecordsPage(_Page):
    """Records as they stand, and those that left."""

    records = fields.List(fields.Nested(RecordShape))


class ChangesPage(_Page):
    """What came in, as it was pushed, with what was settled of it; of any shape, if it was kept."""

    changes = fields.List(fields.Dict())
