"""Users: people who log in."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import NAME, Shape, Text

LANGUAGE = validate.OneOf(["id", "en"])


class NewUser(Shape):
    """Somebody new; without a password they cannot log in yet."""

    email = Text(required=True, validate=NAME)
    password = Text(load_default=None, allow_none=True, load_only=True)
    display_name = Text(load_default="", validate=validate.Length(max=200))
    language = Text(load_default=None, allow_none=True, validate=LANGUAGE)


class UserPatch(Shape):
    """What of a user alters; what is absent stays."""

    email = Text(validate=NAME)
    display_name = Text(validate=NAME)
    language = Text(allow_none=True, validate=LANGUAGE)
    password = Text(load_only=True)


class NewPassword(Shape):
    """Another password for oneself, or by an administrator, who need not know the old one."""

    old = Text(load_default="", load_only=True)
    new = Text(required=True, load_only=True)


class UserShape(Shape):
    """A user. `type` is Central's word."""

    id = fields.Integer()
    type = fields.Constant("user")
    display_name = fields.String()
    email = fields.String()
    language = fields.String(allow_none=True)
    created_at = fields.String()
    updated_at = fields.String(allow_none=True)
    deleted_at = fields.String(allow_none=True)


class ActorShape(Shape):
    """Anybody who holds a role: a user, or a device account."""

    id = fields.Integer()
    type = fields.Function(lambda row: "user" if row.kind == "user" else "field_key")
    display_name = fields.String()
    created_at = fields.String()
    updated_at = fields.String(allow_none=True)
    deleted_at = fields.String(allow_none=True)
