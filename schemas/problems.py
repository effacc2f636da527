"""Refusals, as every door that speaks JSON has them."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import Answer

RETRIES = ("never", "later", "after_pull")


class ProblemShape(Answer):
    """A refusal. `code` is ODK Central's number, or one of ours from .50 up."""

    message = fields.String()
    code = fields.Float()
    details = fields.Dict(keys=fields.String())
    retry = fields.String(validate=validate.OneOf(RETRIES))


class DoneShape(Answer):
    """Something was done of which there is no more to say."""

    success = fields.Constant(True)
