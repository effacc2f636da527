"""Projects."""

from __future__ import annotations

from marshmallow import fields

from schemas.base import NAME, Flag, Shape, Text


class NewProject(Shape):
    """A project to make."""

    name = Text(required=True, validate=NAME)
    description = Text(load_default=None, allow_none=True)


class ProjectPatch(Shape):
    """What of a project alters; what is absent stays."""

    name = Text(validate=NAME)
    description = Text(allow_none=True)
    archived = Flag()


class ProjectShape(Shape):
    """A project. `keyId` is Central's, for encryption it manages; there is none here."""

    id = fields.Integer()
    uuid = fields.String()
    name = fields.String()
    description = fields.String(allow_none=True)
    archived = fields.Boolean()
    key_id = fields.Constant(None)
    created_at = fields.String()
    updated_at = fields.String(allow_none=True)
    deleted_at = fields.Constant(None)


class ExtendedProjectShape(ProjectShape):
    """A project with how much is in it."""

    forms = fields.Integer()
    datasets = fields.Integer()
    app_users = fields.Integer()
    last_submission = fields.String(allow_none=True)
