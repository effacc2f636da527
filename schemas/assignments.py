"""Roles, and who holds them."""

from __future__ import annotations

from marshmallow import fields

from schemas.base import Shape, properties


class NewAssignment(Shape):
    """What comes with giving a role: the area of a viewer, if it is bound to one."""

    properties = properties(load_default=dict)


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
