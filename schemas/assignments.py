"""Roles, and who holds them."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import Shape, properties


class NewAssignment(Shape):
    """What comes with giving a role: the area of a viewer, if it is bound to one."""

    properties = properties(load_default=dict)


class FormAccess(Shape):
    """Which devices have a form: all of its project, or those it is given to."""

    devices = fields.String(required=True, validate=validate.OneOf(["all", "given"]))


class AssignmentShape(Shape):
    """One role held by one actor, in a project or everywhere."""

    actor_id = fields.Integer()
    role_id = fields.Integer()
    properties = fields.Dict()


class RoleShape(Shape):
    """A role with what it allows."""

    id = fields.Integer()
    name = fields.String()
    system = fields.String()
    verbs = fields.List(fields.String())
    created_at = fields.Constant(None)
    updated_at = fields.Constant(None)
