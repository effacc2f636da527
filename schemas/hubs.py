"""Hubs: invited, paired and listed, and what one is set up with from its centre."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.base import NAME, Answer, Flag, Shape, Text, properties
from schemas.batches import Lenient, UuidField

_SHA256 = validate.Regexp(r"[0-9a-f]{64}\Z")
_MD5 = validate.Regexp(r"[0-9a-f]{32}\Z")


class NewHub(Shape):
    """A hub to invite, for an area; without properties, for the whole project."""

    name = Text(required=True, validate=NAME)
    properties = properties(load_default=dict)


class InvitationShape(Answer):
    """A code that pairs one install, once."""

    id = fields.Integer(attribute="actor_id")
    code = fields.String()
    expires_at = fields.String()


class PairRequest(Shape):
    """What an install says to become a hub: the code it was told, and which install it is."""

    code = Text(required=True, validate=validate.Length(min=1, max=100))
    node = UuidField(required=True)


class PairedProject(Lenient):
    """The project a hub is of: its number at the centre, and what it is the same by everywhere."""

    id = fields.Integer(required=True, strict=True)
    uuid = UuidField(required=True)
    name = Text(required=True)


class PairedShape(Lenient):
    """What a centre answers to a good code. `token` is told this once."""

    token = Text(required=True, validate=validate.Length(min=32, max=200))
    hub = Text(required=True)
    node = UuidField(required=True)
    epoch = UuidField(required=True)
    project = fields.Nested(PairedProject, required=True)


class HubShape(Answer):
    """A hub as its centre knows it. `clockOffsetMs` is the centre's clock less the hub's."""

    id = fields.Integer(attribute="actor_id")
    name = fields.String(attribute="display_name")
    properties = fields.Dict(keys=fields.String())
    node = fields.String(allow_none=True)
    created_at = fields.String()
    paired_at = fields.String(allow_none=True)
    last_seen_at = fields.String(allow_none=True)
    clock_offset_ms = fields.Integer(allow_none=True)
    revoked_at = fields.String(allow_none=True)


class HubsShape(Answer):
    """The hubs of a project, revoked ones too."""

    hubs = fields.List(fields.Nested(HubShape))
    server_time = fields.String()


class SetupQuery(Shape):
    """The hub's own time, by which the centre knows how wrong its clock is."""

    sent_at = fields.String()


class XmlQuery(Shape):
    """A version of a form; the one whose version is blank, when none is said."""

    xml_form_id = fields.String(required=True)
    version = fields.String()


class SetupProperty(Lenient):
    """A property of a list, in the order phones hold them."""

    name = Text(required=True)
    policy = Text(required=True)
    phone = Flag(required=True)


class SetupRule(Lenient):
    """One rule of an access filter."""

    dataset_property = Text(required=True)
    actor_property = Text(required=True)


class SetupList(Lenient):
    """An entity list as it is declared at the centre."""

    name = Text(required=True)
    approval_required = Flag(required=True)
    properties = fields.List(fields.Nested(SetupProperty), required=True)
    rules = fields.List(fields.Nested(SetupRule), required=True)


class SetupFile(Lenient):
    """A file that a version of a form expects, and whose bytes the centre has."""

    name = Text(required=True)
    sha256 = Text(required=True, validate=_SHA256)


class SetupVersion(Lenient):
    """A published version; `hash` is the md5 of its XML."""

    version = Text(required=True)
    hash = Text(required=True, validate=_MD5)
    files = fields.List(fields.Nested(SetupFile), required=True)


class SetupForm(Lenient):
    """A form with its versions, in the order they were published.

    `devices` are those it is given to, by the hashes of their tokens; None when all have it. A
    centre that is older than such forms does not say it.
    """

    xml_form_id = Text(required=True)
    state = Text(required=True, validate=validate.OneOf(("open", "closing", "closed")))
    devices = fields.List(Text(validate=_SHA256), allow_none=True)
    versions = fields.List(fields.Nested(SetupVersion), required=True)


class SetupDevice(Lenient):
    """A device account of the hub's area. `sealed` is its token, for the hub alone to open."""

    token_hash = Text(required=True, validate=_SHA256)
    name = Text(required=True)
    properties = properties(required=True)
    revoked = Flag(required=True)
    sealed = Text(load_default=None, allow_none=True)


class SetupShape(Lenient):
    """All that a hub needs, besides records, for phones to work without its centre."""

    project_name = Text(required=True)
    hub = Text(required=True)
    actor_properties = fields.List(Text(), required=True)
    lists = fields.List(fields.Nested(SetupList), required=True)
    forms = fields.List(fields.Nested(SetupForm), required=True)
    devices = fields.List(fields.Nested(SetupDevice), required=True)
