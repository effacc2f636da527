"""App users: the accounts that phones send under, and the properties actors bear."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import NAME, Shape, Text, properties


class NewAppUser(Shape):
    """A device account to make, for an area."""

    display_name = Text(required=True, validate=NAME)
    properties = properties(load_default=dict)


_PART = validate.Range(min=10_000, max=2**31 - 1)


class AppUserPatch(Shape):
    """Another name or area; the properties named are all the device bears from then on.

    `part_bytes` is how large the parts are that its phone is told to send; null: as others.
    """

    display_name = Text(validate=NAME)
    properties = properties()
    part_bytes = fields.Integer(strict=True, allow_none=True, validate=_PART)


class AppUserShape(Shape):
    """A device account. `type` is Central's word; `token` is null when it is revoked.

    With `username` and `password` it comes by Digest, where its address has no token.
    """

    project_id = fields.Integer()
    id = fields.Integer(attribute="actor_id")
    type = fields.Constant("field_key")
    display_name = fields.String()
    token = fields.String(allow_none=True)
    username = fields.String()
    password = fields.String(allow_none=True)
    properties = fields.Dict()
    part_bytes = fields.Integer(allow_none=True)
    created_at = fields.String()
    updated_at = fields.String(allow_none=True)
    deleted_at = fields.String(allow_none=True)
    last_used = fields.String(allow_none=True)


class ActorPropertyShape(Shape):
    """A property that devices and people of a project may bear: posyandu, desa …"""

    name = Text(required=True, validate=NAME)
