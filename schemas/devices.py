"""The sync board's rows as programs read them."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import Answer

CERTAINTIES = ("sure", "probable", "downloaded", "used", "unknown")


class TextShape(Answer):
    """A text, null when it is not known, and how sure it is."""

    value = fields.String(allow_none=True)
    certainty = fields.String(validate=validate.OneOf(CERTAINTIES))


class NumberShape(Answer):
    """A number, null when it is not known, and how sure it is."""

    value = fields.Integer(allow_none=True)
    certainty = fields.String(validate=validate.OneOf(CERTAINTIES))


class TruthShape(Answer):
    """Yes or no, null when it is not known, and how sure it is."""

    value = fields.Boolean(allow_none=True)
    certainty = fields.String(validate=validate.OneOf(CERTAINTIES))


class ListHeldShape(Answer):
    """An entity list as the device holds it: the hash of its content, served `at`.

    `current`: it was the newest content when the phone last asked, at `askedAt`.
    """

    name = fields.String()
    hash = fields.Nested(TextShape)
    at = fields.String(allow_none=True)
    current = fields.Nested(TruthShape)
    asked_at = fields.String(allow_none=True)


class FormHeldShape(Answer):
    """A form as the device holds it; `behind` counts versions. `at`: when it was served or sent.

    A version that is `downloaded` was sent to the phone; whether it arrived whole is not known.
    Of several phones of one account it is the oldest.
    """

    xml_form_id = fields.String()
    title = fields.String()
    newest = fields.Nested(TextShape)
    version = fields.Nested(TextShape)
    behind = fields.Nested(NumberShape)
    at = fields.String(allow_none=True)


class DeviceShape(Answer):
    """A device account. `area` maps an actor property to its values, each with a label.

    `hub` is the one that its last submission came through; null when it sent here itself.
    `clockAhead` are the seconds that its clock is ahead: probable, when they may be twelve hours
    more or less, and ten years at most.
    """

    id = fields.Integer()
    name = fields.String()
    area = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Dict(keys=fields.String(), values=fields.String())),
    )
    created_at = fields.String()
    status = fields.Nested(TextShape)
    last_contact = fields.Nested(TextShape)
    last_submission = fields.Nested(TextShape)
    hub = fields.Nested(TextShape)
    forms = fields.List(fields.Nested(FormHeldShape))
    lists = fields.List(fields.Nested(ListHeldShape))
    clock_ahead = fields.Nested(NumberShape)
    waiting = fields.Nested(NumberShape)
    quarantined = fields.Nested(NumberShape)
    open_reviews = fields.Nested(NumberShape)
    bytes_up = fields.Nested(NumberShape)
    bytes_down = fields.Nested(NumberShape)
    phones = fields.Nested(NumberShape)
    collect = fields.Nested(TextShape)
    android = fields.Nested(TextShape)


class DevicesShape(Answer):
    """Worst first. A device silent for more than `lateDays` is late."""

    devices = fields.List(fields.Nested(DeviceShape))
    server_time = fields.String()
    late_days = fields.Integer()
