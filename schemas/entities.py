"""Entities, with ODK Central's keys."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate

from schemas.base import Shape, Text

AT_ONCE = 10_000
LABEL_LENGTH = validate.Length(min=1, max=1000)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class EntityId(Text):
    """A UUID, given back in lower case."""

    default_error_messages = {"uuid": "This is not a UUID."}  # noqa: RUF012

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(*args, **kwargs).removeprefix("uuid:")
        if not _UUID.fullmatch(text):
            raise self.make_error("uuid")
        return text.lower()


def _data(**kwargs: Any) -> fields.Dict:
    return fields.Dict(keys=Text(validate=validate.Length(min=1)), values=Text(), **kwargs)


class NewEntity(Shape):
    """One entity to make. `data` values are texts, as forms send them."""

    uuid = EntityId(load_default=None)
    label = Text(required=True, validate=LABEL_LENGTH)
    data = _data(load_default=dict)


def _is_size(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValidationError("This is not a size.")
    return True


class Source(Shape):
    """Where many entities come from: a file's name; its size, which pyodk sends as text too."""

    name = Text(required=True, validate=validate.Length(max=200))
    size = fields.Raw(allow_none=True, validate=_is_size)


class NewEntities(Shape):
    """Many entities to make, all or none."""

    entities = fields.List(
        fields.Nested(NewEntity), required=True, validate=validate.Length(min=1, max=AT_ONCE)
    )
    source = fields.Nested(Source, load_default=None, allow_none=True)


class EntityPatch(Shape):
    """What of an entity alters; what is absent is not touched."""

    label = Text(validate=LABEL_LENGTH)
    data = _data(load_default=dict)


class CurrentVersion(Shape):
    """An entity as it stands. `creatorId` is 0 where a command, not a person, wrote it."""

    label = fields.String()
    current = fields.Constant(True)
    created_at = fields.String(attribute="written_at")
    creator_id = fields.Function(lambda row: row.writer_id or 0)
    user_agent = fields.Function(lambda row: row.user_agent or "")
    version = fields.Integer()
    base_version = fields.Integer(allow_none=True)
    conflicting_properties = fields.Function(lambda row: list(row.conflicting) or None)


class CurrentVersionWithData(CurrentVersion):
    """An entity as it stands, with its properties."""

    data = fields.Dict()


class EntityShape(Shape):
    """An entity. `conflict` is hard while a review is open, soft when versions were merged."""

    uuid = fields.String(attribute="entity")
    creator_id = fields.Function(lambda row: row.creator_id or 0)
    created_at = fields.String()
    updated_at = fields.String(allow_none=True)
    deleted_at = fields.String(allow_none=True)
    conflict = fields.String(allow_none=True)
    current_version = fields.Method("current")

    def current(self, row: Any) -> Any:
        return CurrentVersion().dump(row)


class EntityDetail(EntityShape):
    """An entity with its properties."""

    def current(self, row: Any) -> Any:
        return CurrentVersionWithData().dump(row)


class VersionShape(Shape):
    """One version of an entity, as it read when it was the newest."""

    label = fields.String()
    data = fields.Dict()
    version = fields.Integer()
    current = fields.Boolean()
    created_at = fields.String()
    creator_id = fields.Function(lambda one: one.creator_id or 0)
    user_agent = fields.Function(lambda one: one.user_agent or "")
    base_version = fields.Integer(allow_none=True)
    data_received = fields.Dict()
    conflict = fields.String(allow_none=True)
    source = fields.Dict()
