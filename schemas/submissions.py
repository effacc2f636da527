"""Submissions as programs read them: the keys of ODK Central, and what only Simpul says."""

from __future__ import annotations

from marshmallow import fields

from schemas.base import Shape


class SubmissionShape(Shape):
    """One filled form. `complete` is false until its last part came; `missing` are files that
    its XML names and that are not here; `plaintext_beside` those that came unencrypted."""

    instance_id = fields.String()
    instance_name = fields.String(allow_none=True)
    submitter_id = fields.Integer(attribute="actor_id", allow_none=True)
    device_id = fields.String()
    user_agent = fields.String(allow_none=True)
    form_version = fields.String()
    version_unknown = fields.Boolean()
    deprecated_id = fields.String(allow_none=True)
    created_at = fields.String(attribute="received_at")
    complete = fields.Boolean()
    encrypted = fields.Boolean()
    missing = fields.List(fields.String())
    plaintext_beside = fields.List(fields.String())


class SubmissionFileShape(Shape):
    """A file of a submission, or one that its XML names and that is not here (`exists`).

    `referenced` is whether the XML names it; `older` the hashes of bytes that came before under
    this name, oldest first.
    """

    name = fields.String()
    exists = fields.Boolean()
    referenced = fields.Boolean()
    sha256 = fields.String(allow_none=True)
    content_type = fields.String(allow_none=True)
    received_at = fields.String(allow_none=True)
    older = fields.List(fields.String())


class PrivateKeyShape(Shape):
    """The owner's private key, in PEM, and the passphrase that it is locked with, if any."""

    private_key = fields.String(required=True)
    passphrase = fields.String(load_default="")
