"""The OpenAPI page of a door: its routes, as they are documented, over the shapes of `schemas/`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from schemas.base import AnyOf
from schemas.batches import Moment, UuidField
from schemas.problems import ProblemShape
from sync_server.web.documented import Documented

Plain = dict[str, Any]

ALWAYS = (400, 401, 403, 404, 405, 503)
"""Any route may be refused so: a bad query, who asks, where and how, a store that is away."""

_JSON = "application/json"
_REFUSAL = "Refusal"
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_NAMES = {
    "project_id": "projectId",
    "actor_id": "actorId",
    "batch": "batchId",
    "wanted": "id",
    "review": "id",
}
_FORMATS: dict[type[fields.Field[Any]], str] = {UuidField: "uuid", Moment: "date-time"}
_PATTERNS = {"sha256": "^[0-9a-f]{64}$"}


def openapi_of(app: Flask, blueprint: str, *, title: str, version: str, intro: str) -> Plain:
    """The page of all routes of one blueprint.

    Errors    `LookupError` for a route that is not documented.
    """
    shapes = MarshmallowPlugin(schema_name_resolver=_name_of)
    spec = APISpec(title, version, "3.1.0", info={"description": intro}, plugins=[shapes])
    converter = shapes.converter
    if converter is not None:  # it is there as soon as there is a spec
        for told in (_constant, _any_of, _format):
            converter.add_attribute_function(told)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    refusal = {"description": "A refusal.", "content": {_JSON: {"schema": ProblemShape}}}
    spec.components.response(_REFUSAL, refusal)
    for rule in routes_of(app, blueprint):
        view = app.view_functions[rule.endpoint]
        said: Documented | None = getattr(view, "documented", None)
        if said is None:
            raise LookupError(f"{rule.rule} is not documented")
        operations = {
            method.lower(): _operation(rule, method, _first_words(view.__doc__), said)
            for method in sorted(rule.methods or ())
            if method != "OPTIONS" and (method != "HEAD" or said.head)
        }
        spec.path(path=path_of(rule), operations=operations, parameters=_places(rule))
    return spec.to_dict()


def routes_of(app: Flask, blueprint: str) -> Iterator[Rule]:
    """The routes of a blueprint and of those inside it."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(f"{blueprint}."):
            yield rule


def path_of(rule: Rule) -> str:
    """A route's address as OpenAPI writes it.

    >>> path_of(Rule("/v1/projects/<int:project_id>/sync/info"))
    '/v1/projects/{projectId}/sync/info'
    """
    return _PARAMETER.sub(lambda found: f"{{{_NAMES.get(found[2], found[2])}}}", rule.rule)


def _places(rule: Rule) -> list[Plain]:
    """What stands in the address."""
    found = []
    for kind, name in _PARAMETER.findall(rule.rule):
        schema: Plain = {"type": "string", "minLength": 1}
        if kind == "int":
            schema = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
        elif name in _PATTERNS:
            schema = {"type": "string", "pattern": _PATTERNS[name]}
        told = _NAMES.get(name, name)
        found.append({"name": told, "in": "path", "required": True, "schema": schema})
    return found


def _operation(rule: Rule, method: str, words: str, said: Documented) -> Plain:
    """One method of a route."""
    by_key = "<token>" in rule.rule
    parameters: list[Plain] = [_header(name) for name in said.headers if method != "HEAD"]
    if said.query is not None and method != "HEAD":
        parameters.append({"in": "query", "schema": said.query})
    operation: Plain = {
        "operationId": f"{rule.endpoint}{'.by_key' if by_key else ''}.{method.lower()}",
        "summary": words,
        "tags": [rule.endpoint.split(".")[1]],
        "parameters": parameters,
        "responses": _responses(method, said),
        "security": [] if said.open_to_all or by_key else [{"bearer": []}],
    }
    if said.body is not None:
        operation["requestBody"] = {
            "required": not said.optional,
            "content": {_JSON: {"schema": said.body}},
        }
    elif said.takes_bytes:
        operation["requestBody"] = {"content": {"application/octet-stream": _BYTES}}
    return operation


def _header(name: str) -> Plain:
    plain = name.removesuffix("!")
    return {"name": plain, "in": "header", "required": plain != name, "schema": {"type": "string"}}


def _responses(method: str, said: Documented) -> Plain:
    found: Plain = {}
    for status in said.head if method == "HEAD" else said.statuses:
        found[str(status)] = {"description": "What was asked for."}
        if method != "HEAD" and status not in (204, 304):
            found[str(status)]["content"] = _content(said)
    for status in (*ALWAYS, *said.refused):
        found[str(status)] = {"description": "A refusal."} if method == "HEAD" else _REFUSAL
    return found


def _content(said: Documented) -> Plain:
    if not said.answers:
        return {"*/*": _BYTES}
    if len(said.answers) == 1:
        return {_JSON: {"schema": said.answers[0]}}
    return {_JSON: {"schema": {"anyOf": list(said.answers)}}}


def _first_words(doc: str | None) -> str:
    return " ".join((doc or "").partition("\n\n")[0].split())


def _name_of(shape: Schema | type[Schema]) -> str:
    """What a shape is called on the page: `RecordShape` is a Record."""
    cls = shape if isinstance(shape, type) else type(shape)
    return cls.__name__.removesuffix("Shape")


def _constant(self: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Plain:
    """A value that is always the same."""
    if not isinstance(field, fields.Constant):
        return {}
    kinds = {bool: "boolean", int: "integer", str: "string"}
    return {"type": kinds[type(field.constant)], "enum": [field.constant]}


def _any_of(self: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Plain:
    """A value of one of several shapes."""
    if not isinstance(field, AnyOf):
        return {}
    resolve = self.resolve_nested_schema
    return {"anyOf": [resolve(shape) for shape in field.shapes]}  # type: ignore[no-untyped-call]


def _format(self: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> Plain:
    """How a text is written that is more than a text."""
    written = _FORMATS.get(type(field))
    return {"format": written} if written else {}
