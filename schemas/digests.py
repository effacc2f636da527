"""Digests: what a server holds, told shortly, and the items that another server lacks."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import Shape, Text
from schemas.batches import Lenient

MOST = 500
"""Marks or files of one question."""

_BUCKETS = validate.Regexp(r"[0-9a-f]{2}(,[0-9a-f]{2}){0,255}\Z")
_BUCKET = validate.Regexp(r"[0-9a-f]{2}\Z")
_MARK = validate.Regexp(r"[0-9a-f]{24}\Z")
_SHA256 = validate.Regexp(r"[0-9a-f]{64}\Z")
_MANY = validate.Length(max=MOST)


class DigestShape(Lenient):
    """A bucket that is not empty: how many marks it has, and the digest of them."""

    count = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    digest = Text(required=True)


class DigestsShape(Lenient):
    """The buckets, by the first two digits of their marks, and where the feed goes on from here."""

    buckets = fields.Dict(
        keys=Text(validate=_BUCKET), values=fields.Nested(DigestShape), required=True
    )
    cursor = Text(required=True)
    epoch = Text(required=True)


class MarksQuery(Shape):
    """Buckets, with commas between them."""

    buckets = fields.String(required=True, validate=_BUCKETS)


class MarksShape(Lenient):
    """Every mark of the buckets that were asked for."""

    marks = fields.List(Text(validate=_MARK), required=True)


class MarksAsked(Shape):
    """Marks of things that the other server lacks."""

    marks = fields.List(Text(validate=_MARK), required=True, validate=_MANY)


class FilesAsked(Shape):
    """Files that the asking server has, by their SHA-256."""

    files = fields.List(Text(validate=_SHA256), required=True, validate=_MANY)


class LackingShape(Lenient):
    """Those of the files that are not all here, as far as who is asking may know."""

    lacking = fields.List(Text(validate=_SHA256), required=True)


class ItemsShape(Lenient):
    """Items as a feed of changes gives them."""

    changes = fields.List(fields.Dict(), required=True)
