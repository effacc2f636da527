"""Reviews: the questions for a person, and the answers."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import Answer, Shape, Text


class Resolve(Shape):
    """A decision over exactly the contenders that were shown."""

    contenders = fields.List(Text(), required=True, validate=validate.Length(min=1, max=10_000))
    choose = Text(load_default=None, allow_none=True)
    value = Text(load_default=None, allow_none=True)
    status = Text(
        load_default=None, allow_none=True, validate=validate.OneOf(["active", "deleted"])
    )
    note = Text(load_default="", validate=validate.Length(max=10_000))


class Reopen(Shape):
    """What voids a decision; a note is all there is to say."""

    note = Text(load_default="", validate=validate.Length(max=10_000))


class ContenderShape(Answer):
    """One of the changes between which a person decides."""

    change_id = fields.String()
    value = fields.String(allow_none=True)
    author = fields.Dict()
    form_id = fields.String(allow_none=True)
    observed_on = fields.String(allow_none=True)
    received_at = fields.String()


class ReviewShape(Answer):
    """A review. `base` is what its authors were shown, `shown` the change shown now."""

    id = fields.String()
    list = fields.String(attribute="list_name")
    entity = fields.String()
    label = fields.String()
    kind = fields.String()
    field = fields.String()
    base = fields.String(allow_none=True)
    shown = fields.String(allow_none=True)
    contenders = fields.List(fields.Nested(ContenderShape))
    opened_at = fields.String()
    closed_at = fields.String(allow_none=True)
    state = fields.String()


class ReviewsQuery(Shape):
    """Which reviews: open ones, of any list and area, unless it is said."""

    state = fields.String(validate=validate.OneOf(("open", "closed")))
    list = fields.String()
    area = fields.String()
    cursor = fields.String()
    limit = fields.Integer(validate=validate.Range(1, 1000))


class ReviewsPage(Answer):
    """Open ones oldest first, closed ones newest first; `cursor` is null on the last page."""

    reviews = fields.List(fields.Nested(ReviewShape))
    cursor = fields.String(allow_none=True)
    more = fields.Boolean()
