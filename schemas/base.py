"""What all shapes share: camelCase keys, no unknown ones, and only text that can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

UNKNOWN = "Unknown field."
MISSING = "Missing data for required field."
LONGEST_NAME = 200
NAME = validate.Length(min=1, max=LONGEST_NAME)


class Shape(Schema):
    """A JSON object. `display_name` in Python is `displayName` on the wire."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": UNKNOWN, "type": "This is not a JSON object."}  # noqa: RUF012

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.data_key = camel_case(field_obj.data_key or field_name)
        field_obj.error_messages["required"] = MISSING


class Answer(Shape):
    """What is answered: every key is always there, so that nobody has to ask whether it is."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        super().on_bind_field(field_name, field_obj)
        field_obj.required = True


def camel_case(name: str) -> str:
    """A name of ours as it is spelled on the wire.

    >>> camel_case("xml_form_id"), camel_case("id")
    ('xmlFormId', 'id')
    """
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


class Text(fields.String):
    """Text that both databases can keep: no NUL, and no half of a surrogate pair."""

    default_error_messages = {  # noqa: RUF012
        "invalid": "This is not a text.",
        "unstorable": "This text has a character that cannot be kept.",
    }

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text is not None and not is_storable(text):
            raise self.make_error("unstorable")
        return text


def is_storable(text: str) -> bool:
    r"""Whether both databases keep this text as it is.

    >>> is_storable("Siti \U0001f476"), is_storable("a\x00b"), is_storable("\ud800")
    (True, False, False)
    """
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Flag(fields.Boolean):
    """`true` or `false`, and no word or number that might be meant so."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if value is not None and not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class AnyOf(fields.Raw):
    """A value of one of several shapes. Which one it is, and whether, is for others to see."""

    def __init__(self, shapes: tuple[type[Schema], ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shapes = shapes


class Texts(fields.Field[Any]):
    """A text, or a list of texts: the value of an actor property."""

    default_error_messages = {"invalid": "This is not a text or a list of texts."}  # noqa: RUF012

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        several = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) and is_storable(one) for one in several):
            raise self.make_error("invalid")
        return value


def several_of(*shapes: type[Schema], **kwargs: Any) -> fields.List[Any]:
    """A list whose items are each of one of these shapes."""
    return fields.List(AnyOf(shapes), **kwargs)


def properties(**kwargs: Any) -> fields.Dict:
    """Actor properties: name -> text or list of texts."""
    return fields.Dict(keys=Text(validate=NAME), values=Texts(), **kwargs)
