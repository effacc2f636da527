"""What relayed items carry besides what was sent: stamps, what was settled, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from schemas.base import LONGEST_NAME, Flag, Text, camel_case
from schemas.batches import Lenient, Moment, UuidField

_NAME = validate.Length(min=1, max=LONGEST_NAME)


def _ids(**kwargs: Any) -> fields.List[Any]:
    return fields.List(UuidField(), **kwargs)


class Stamp(Lenient):
    """A server through which an item came, and when by its own clock.

    `hub` is what that server is called by the one it relays to, for those further on.
    """

    node = UuidField(required=True)
    received_at = Moment(required=True)
    batch_id = Text()
    hub = Text()


class SettledProperty(Lenient):
    """What the first server settled of one property."""

    write = Flag(required=True)
    replaces = _ids(required=True)
    observed_on = Text(load_default=None, allow_none=True)


class SettledShape(Lenient):
    """What the first server settled of one change, as the contract has it."""

    properties = fields.Dict(
        keys=Text(validate=_NAME), values=fields.Nested(SettledProperty), required=True
    )
    waiting = Flag(required=True)
    covers = fields.Dict(keys=Text(), values=_ids())
    voids = _ids()
    trunk_view = fields.Dict(allow_none=True)
    policies = fields.Dict(allow_none=True)
    inexact = Flag(load_default=None, allow_none=True)


class VerdictShape(Lenient):
    """Why the first server kept something in quarantine."""

    status = Text(required=True, validate=validate.Equal("quarantined"))
    code = Text(required=True, validate=_NAME)
    detail = Text(load_default="")


class RelayedChange(Lenient):
    """One change of a relayed submission: settled there, or kept in quarantine."""

    change_id = UuidField(required=True)
    list_name = Text(load_default="", data_key="list")
    entity = Text(load_default="")
    path = fields.List(fields.Nested(Stamp), validate=validate.Length(min=1))
    settled = fields.Nested(SettledShape, allow_none=True)
    verdict = fields.Nested(VerdictShape, allow_none=True)


class FormOfChange(Lenient):
    """The filled form that a change was in, where the change is relayed without it."""

    xml_form_id = Text(required=True)
    version = Text(load_default="", allow_none=True)
    instance_id = Text(required=True)
    deprecated_id = Text(load_default=None, allow_none=True)


class AuthorShape(Lenient):
    """Who sent an item, where other servers know no account of theirs."""

    name = Text(load_default="")


class RelayedItem(Lenient):
    """What any relayed item carries."""

    path = fields.List(fields.Nested(Stamp), required=True, validate=validate.Length(min=1))
    actor = Text(load_default=None, allow_none=True)
    author = fields.Nested(AuthorShape, load_default=None, allow_none=True)
    device_id = Text(load_default="", validate=validate.Length(max=200))
    user_agent = Text(load_default="", validate=validate.Length(max=300))
    complete = Flag(load_default=True)
    settled = fields.Nested(SettledShape, allow_none=True)
    verdict = fields.Nested(VerdictShape, allow_none=True)
    form = fields.Nested(FormOfChange, allow_none=True)
    changes = fields.List(fields.Nested(RelayedChange), load_default=lambda: [])


def settled_as_sent(loaded: Mapping[str, Any]) -> dict[str, Any]:
    """A settlement that was read by its shape, with the names that it has on the wire."""
    plain: dict[str, Any] = {
        "properties": {
            name: {
                "write": one["write"],
                "replaces": one["replaces"],
                "observedOn": one["observed_on"],
            }
            for name, one in loaded["properties"].items()
        },
        "waiting": loaded["waiting"],
    }
    for name in ("covers", "voids", "trunk_view", "policies", "inexact"):
        if loaded.get(name) is not None:
            plain[camel_case(name)] = loaded[name]
    return plain
