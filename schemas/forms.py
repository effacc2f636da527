"""Forms, their versions, the files they expect and the fields they have."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import Shape, Text


class FormShape(Shape):
    """A form with one of its versions. Clients count on every key, null or not."""

    project_id = fields.Integer()
    xml_form_id = fields.String()
    version = fields.String()
    name = fields.String()
    hash = fields.String()
    state = fields.String()
    key_id = fields.Constant(None)
    enketo_id = fields.Constant(None)
    enketo_once_id = fields.Constant(None)
    created_at = fields.String()
    updated_at = fields.String(allow_none=True)
    published_at = fields.String(allow_none=True)


class AlteredForm(Shape):
    """What may be altered of a form itself; its XML is altered by publishing another version."""

    state = Text(validate=validate.OneOf(("open", "closing", "closed")))


class DraftShape(FormShape):
    """A draft: `draftToken` is that of the addresses phones try it at, `testUrl` the server's."""

    draft_token = fields.String()
    test_url = fields.String()


class DraftSubmissionShape(Shape):
    """What was sent to a draft. `attachments` are names."""

    instance_id = fields.String()
    device_id = fields.String()
    created_at = fields.String(attribute="received_at")
    attachments = fields.List(fields.String())


class FormAttachmentShape(Shape):
    """A file that a form expects: `exists` when its bytes are here, or the list it is linked to."""

    name = fields.String()
    type = fields.String()
    hash = fields.String(attribute="md5", allow_none=True)
    exists = fields.Boolean()
    blob_exists = fields.Boolean()
    dataset_exists = fields.Boolean()
    updated_at = fields.String(allow_none=True)


class FieldShape(Shape):
    """A field of a form's submissions, by its path."""

    path = fields.String()
    name = fields.String()
    type = fields.String()
    binary = fields.Boolean(allow_none=True)
    select_multiple = fields.Boolean(allow_none=True)
