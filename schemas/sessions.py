"""Sessions: a password for a token."""

from __future__ import annotations

from marshmallow import fields

from schemas.base import Shape, Text


class NewSession(Shape):
    """What somebody logs in with."""

    email = Text(required=True)
    password = Text(required=True, load_only=True)


class SessionShape(Shape):
    """A session just begun: the only time its token is told."""

    token = fields.String()
    csrf = fields.String()
    created_at = fields.String()
    expires_at = fields.String()
