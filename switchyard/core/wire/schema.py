"""JSON schemas of messages, generated from their types."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Annotated, TypeAlias, Union, get_args, get_origin

from switchyard.core.wire.message import (
    Annotation,
    AnyJson,
    Form,
    Json,
    Message,
    field_types,
    key_of,
    may_be_absent,
    without_null,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema: TypeAlias = dict[str, Json]
Describe: TypeAlias = Callable[[type[Message], str], str]
"""Returns what a field of a message means; empty where its name says it."""


def document(name: str, title: str, kinds: tuple[type[Message], ...], describe: Describe) -> Schema:
    """Return the schema of a format; one of several messages where a format has several."""
    definitions: dict[str, Schema] = {}
    described = [_message(kind, definitions, describe) for kind in kinds]
    if len(kinds) == 1:
        body = described[0]
    else:
        definitions.update({kind.__name__: schema for kind, schema in zip(kinds, described, strict=True)})
        body = {"oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds]}
    ordered = {name: definitions[name] for name in sorted(definitions)}
    head = {"$schema": DIALECT, "$id": f"urn:switchyard:{name}:1", "title": title}
    return {**head, **body, **({"$defs": ordered} if ordered else {})}


def _message(kind: type[Message], definitions: dict[str, Schema], describe: Describe) -> Schema:
    annotations = field_types(kind)
    properties: dict[str, Schema] = {}
    required = []
    if kind.VERSION is not None:
        properties["v"] = {"const": kind.VERSION, "description": "version of this format"}
        required.append("v")
    if kind.MINOR:
        properties["minor"] = {"type": "integer", "minimum": 0, "description": "minor version; absent means 0"}
    for field in dataclasses.fields(kind):
        annotation = annotations[field.name]
        if may_be_absent(field):
            annotation = without_null(annotation)
        else:
            required.append(key_of(field))
        schema = _value(annotation, definitions, describe)
        meaning = describe(kind, field.name)
        properties[key_of(field)] = {**schema, **({"description": meaning} if meaning else {})}
    shape: Schema = {"type": "object", "additionalProperties": False, "required": required, "properties": properties}
    return {**shape, **kind.CONDITIONS}


def _value(annotation: Annotation, definitions: dict[str, Schema], describe: Describe) -> Schema:
    """Return the schema of a field's type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is AnyJson:
        return {"type": ["object", "array", "string", "number", "boolean", "null"], "additionalProperties": True}
    if origin is Annotated:
        return _form(_value(arguments[0], definitions, describe), arguments[1])
    if origin in (Union, UnionType):
        return {"anyOf": [_value(part, definitions, describe) for part in arguments]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _value(arguments[0], definitions, describe)}
    if origin is tuple:
        items = [_value(part, definitions, describe) for part in arguments]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _value(arguments[1], definitions, describe)}
    if isinstance(annotation, type) and issubclass(annotation, Message):
        if annotation.__name__ not in definitions:
            definitions[annotation.__name__] = {}
            definitions[annotation.__name__] = _message(annotation, definitions, describe)
        return {"$ref": f"#/$defs/{annotation.__name__}"}
    return {"type": "null" if annotation in (None, NoneType) else _TYPES[annotation]}


_TYPES: dict[Annotation, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _form(schema: Schema, form: Form) -> Schema:
    if form.choices:
        return {"enum": list(form.choices)}
    limits = {"pattern": form.pattern or None, "minimum": form.least, "maximum": form.most}
    return {**schema, **{name: limit for name, limit in limits.items() if limit is not None}}
