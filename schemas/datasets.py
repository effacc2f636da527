"""Datasets: ODK Central's word for entity lists on this wire."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import NAME, Flag, Shape, Text


class NewDataset(Shape):
    """An empty list to make."""

    name = Text(required=True, validate=NAME)
    approval_required = Flag(load_default=False)


class FilterRule(Shape):
    """These two properties must be equal for an actor to see a record."""

    dataset_property = Text(required=True, validate=NAME)
    actor_property = Text(required=True, validate=NAME)


class AccessFilter(Shape):
    """Who sees which records of a list."""

    type = Text(required=True, validate=validate.OneOf(["property"]))
    rules = fields.List(
        fields.Nested(FilterRule), required=True, validate=validate.Length(min=1, max=10)
    )


class DatasetPatch(Shape):
    """What of a list alters. `accessFilter: null` lets everybody see all of it."""

    access_filter = fields.Nested(AccessFilter, allow_none=True, required=True)


class NewProperty(Shape):
    """A property to add at the end of a list."""

    name = Text(required=True, validate=NAME)
    policy = Text(load_default="review")
    phone = Flag(load_default=True)


class PropertyPatch(Shape):
    """How a property is merged, and whether phones hold it; what is absent stays."""

    policy = Text()
    phone = Flag()


class DatasetShape(Shape):
    """A list, as lists of lists have it."""

    name = fields.String()
    project_id = fields.Integer()
    created_at = fields.String()
    approval_required = fields.Boolean()
    owner_only = fields.Constant(False)
    access_filter = fields.Dict(allow_none=True)
    entities = fields.Integer()
    last_entity = fields.String(allow_none=True)
    conflicts = fields.Integer()


class FormRef(Shape):
    """A form that a list is made by, or handed out with."""

    xml_form_id = fields.String()
    name = fields.String()


class PropertyShape(Shape):
    """A property with the forms that save to it."""

    name = fields.String()
    odata_name = fields.String()
    published_at = fields.String()
    policy = fields.String()
    phone = fields.Boolean()
    forms = fields.List(fields.Nested(FormRef))


class DatasetDetail(DatasetShape):
    """A list with its properties and forms."""

    properties = fields.List(fields.Nested(PropertyShape))
    source_forms = fields.List(fields.Nested(FormRef))
    linked_forms = fields.List(fields.Nested(FormRef))
