"""Convert JSON to typed messages and back. Every error names the path of the value that is wrong.

A message is a frozen dataclass. Its fields are text, numbers, booleans, choices, optional values, tuples, mappings with
text keys, other messages, or ``Json`` for a value that passes through unread.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    ClassVar,
    Final,
    NamedTuple,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.form import Form

__all__ = ["Annotation", "AnyJson", "Foreign", "Form", "Json", "Message", "WireError", "field_types", "key", "message"]


class AnyJson:
    """Stands for ``Json`` in the types of fields."""


if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
    """Any JSON value."""
else:
    Json = AnyJson

M = TypeVar("M", bound="Message")
Value: TypeAlias = "Json | Message | Sequence[Value] | Mapping[str, Value]"
"""A field's value."""
Decoder: TypeAlias = Callable[[Json, str], Value]
"""Reads JSON that stands at a path."""
Annotation: TypeAlias = Hashable
"""A resolved type of a field, which Python has no common class for."""
KEY: Final = "key"
OMITTED: Final = "omitted"
SINCE: Final = "since"


class WireError(SwitchyardError):
    """A JSON value that is not of its format."""


def key(name: str = "", *, omitted: bool = False, since: int = 0) -> Mapping[str, str | bool | int]:
    """Return a field's metadata.

    ``name`` is its JSON key where that differs from the attribute. The JSON lacks an ``omitted`` field while that has
    its default. ``since`` is the minor version that introduced the field: documents of an older one get its default.
    """
    return {**({KEY: name} if name else {}), OMITTED: omitted, SINCE: since}


if TYPE_CHECKING:
    from dataclasses import dataclass as message
else:

    def message(*, frozen: bool, kw_only: bool = False):
        """Make a class a frozen dataclass whose methods are those of ``Message``.

        ``dataclass`` compiles five methods for each class, 0.6 ms each time that a program on a host starts.
        """
        assert frozen
        return dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)


@message(frozen=True)
class Message:
    """A typed JSON object. A key that is unknown, missing, or of another type is an error."""

    VERSION: ClassVar[int | None] = None
    """The major version in the key ``v``; None for a part of another message."""
    MINOR: ClassVar[int] = 0
    """The newest minor version that this program knows, in the key ``minor``; absent means 0."""
    TAG: ClassVar[tuple[str, str] | None] = None
    """A key with a constant value that tells this message from others."""
    OPEN: ClassVar[bool] = False
    """Whether unknown keys are ignored, and null stands for a default."""
    CONDITIONS: ClassVar[Mapping[str, Json]] = {}
    """Keywords of JSON Schema for what the types cannot express, such as ``if`` and ``then``; for the schemas only."""

    def __init__(self, *values: Value, **named: Value) -> None:
        """Take the fields in their order or by name."""
        fields = _plan(type(self))
        names = [field.name for field in fields]
        if len(values) > len(names) or not named.keys() <= set(names[len(values) :]):
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}; got {values!r} and {named!r}")
        arguments: dict[str, Value] = {**dict(zip(names, values, strict=False)), **named}
        for field in fields:
            if field.name not in arguments:
                if not field.has_default:
                    raise TypeError(f"{type(self).__name__} needs {field.name}")
                arguments[field.name] = field.default()
        self.__dict__.update(arguments)

    def __setattr__(self, name: str, value: Value) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _values(self) -> tuple[Value, ...]:
        return tuple(self.__dict__[field.name] for field in _plan(type(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message) or type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        texts = (f"{field.name}={self.__dict__[field.name]!r}" for field in _plan(type(self)))
        return f"{type(self).__name__}({', '.join(texts)})"

    @classmethod
    def decode(cls: type[M], value: Json, at: str = "") -> M:
        """Build the message from JSON. Raise ``WireError`` with the path of the first value that is wrong."""
        if not isinstance(value, Mapping):
            raise WireError(f"{at or cls.__name__}: expected an object, got {_called(value)}")
        minor = _minor(cls, value, at)
        decoded = cls.__new__(cls)
        values = decoded.__dict__
        for field in _plan(cls):
            present = field.key in value
            item = value[field.key] if present else None
            if present and not (item is None and cls.OPEN and field.has_default):
                values[field.name] = field.decoder(item, f"{at}.{field.key}" if at else field.key)
            elif field.required_since <= minor:
                raise WireError(f"{_join(at, field.key)}: is missing")
            else:
                values[field.name] = field.default()
        if not cls.OPEN and minor <= cls.MINOR:
            for name in value:
                if name not in _keys(cls):
                    raise WireError(f"{_join(at, name)}: is not a known field")
        return decoded

    def encode(self) -> dict[str, Json]:
        """Return the message as JSON values, in the order of its fields."""
        result: dict[str, Json] = {}
        if self.VERSION is not None:
            result["v"] = self.VERSION
            if self.MINOR:
                result["minor"] = self.MINOR
        if self.TAG is not None:
            result[self.TAG[0]] = self.TAG[1]
        for field in _plan(type(self)):
            item = getattr(self, field.name)
            if not (field.omitted and item == field.default()):
                result[field.key] = encoded(item)
        return result


@message(frozen=True)
class Foreign(Message):
    """A typed part of JSON that another program defines: keys that we do not read are ignored."""

    OPEN: ClassVar[bool] = True


def encoded(value: Value) -> Json:
    """Return a field's value as JSON."""
    if isinstance(value, Message):
        return value.encode()
    if isinstance(value, Mapping):
        return {name: encoded(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


class _Field(NamedTuple):
    """How one field of a message is read and written."""

    name: str
    key: str
    decoder: Decoder
    required_since: float
    """The minor version from which on the key must be there; infinity for an optional one."""
    omitted: bool
    has_default: bool
    default: Callable[[], Value]


_PLANS: dict[type[Message], tuple[_Field, ...]] = {}
_KEYS: dict[type[Message], frozenset[str]] = {}


def _plan(kind: type[Message]) -> tuple[_Field, ...]:
    """Return how each field of a message is read, worked out once."""
    if kind not in _PLANS:
        _PLANS[kind] = tuple(_fields(kind))
    return _PLANS[kind]


def _fields(kind: type[Message]) -> Iterator[_Field]:
    annotations = field_types(kind)
    for field in dataclasses.fields(kind):
        default: Callable[[], Value]
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory
        else:
            default = functools.partial(_constant, None if field.default is dataclasses.MISSING else field.default)
        has_default = not (field.default is field.default_factory is dataclasses.MISSING)
        since = int(field.metadata.get(SINCE, 0))
        required = float("inf") if has_default and not since else float(since)
        omitted = may_be_absent(field)
        annotation = annotations[field.name]
        if omitted and default() is None:  # absent stands for none, so null is an error
            annotation = without_null(annotation)
        decoder = _decoder(annotation, f"{kind.__name__}.{field.name}")
        yield _Field(field.name, key_of(field), decoder, required, omitted, has_default, default)


_TYPE: Callable[[dataclasses.Field[Value]], Annotation] = operator.attrgetter("type")


def field_types(kind: type[Message]) -> Mapping[str, Annotation]:
    """Return the type of each field.

    The modules that each start on a host needs leave ``from __future__ import annotations`` out, which makes texts of
    types: to evaluate them costs 10 ms.
    """
    types: dict[str, Annotation] = {field.name: _TYPE(field) for field in dataclasses.fields(kind)}
    if any(isinstance(annotation, str) for annotation in types.values()):
        types.update(get_type_hints(kind, include_extras=True))
    return types


def key_of(field: dataclasses.Field[Value]) -> str:
    """Return a field's JSON key."""
    return str(field.metadata.get(KEY, field.name))


def may_be_absent(field: dataclasses.Field[Value]) -> bool:
    """Return whether the JSON lacks the field while it has its default."""
    return bool(field.metadata.get(OMITTED, False))


def _constant(value: Value) -> Value:
    return value


def _keys(kind: type[Message]) -> frozenset[str]:
    if kind not in _KEYS:
        tag = {kind.TAG[0]} if kind.TAG is not None else set()
        version = {"v", "minor"} if kind.VERSION is not None else set()
        _KEYS[kind] = frozenset({field.key for field in _plan(kind)} | tag | version)
    return _KEYS[kind]


def _minor(kind: type[Message], value: Mapping[str, Json], at: str) -> int:
    """Return the minor version of a document. Raise where its major version is not ours."""
    if kind.VERSION is None:
        return kind.MINOR
    version, minor = value.get("v"), value.get("minor", 0)
    if version != kind.VERSION or isinstance(version, bool):
        hint = (
            ": a newer Switchyard wrote it, update this one"
            if isinstance(version, int) and version > kind.VERSION
            else ""
        )
        raise WireError(f"{_join(at, 'v')}: expected {kind.VERSION}, got {version!r}{hint}")
    if not isinstance(minor, int) or isinstance(minor, bool):
        raise WireError(f"{_join(at, 'minor')}: expected a whole number, got {_called(minor)}")
    return minor


def without_null(annotation: Annotation) -> Annotation:
    """Return an optional type without its null."""
    kinds = tuple(kind for kind in get_args(annotation) if kind is not NoneType)
    is_union = get_origin(annotation) in (Union, UnionType)
    return functools.reduce(operator.or_, kinds) if is_union else annotation


def _decoder(annotation: Annotation, where: str) -> Decoder:
    """Return the function that reads a value of a type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        form = next((form for form in arguments[1:] if isinstance(form, Form)), Form())
        decoder = functools.partial(_choice, form.choices) if form.choices else _decoder(arguments[0], where)
        return functools.partial(_formed, form, decoder) if form.is_checked else decoder
    if annotation is AnyJson:
        return _any
    if annotation in (None, NoneType):
        return _null
    if isinstance(annotation, type) and origin is None:
        if issubclass(annotation, Message):
            return annotation.decode
        if annotation in _SCALARS:
            return functools.partial(_scalar, annotation)
    if origin in (Union, UnionType):
        readers = tuple(_decoder(kind, where) for kind in arguments if kind is not NoneType)
        return functools.partial(_union, readers, NoneType in arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return functools.partial(_tuple, _decoder(arguments[0], where))
    if origin is tuple:
        return functools.partial(_fixed, tuple(_decoder(argument, where) for argument in arguments))
    if isinstance(origin, type) and issubclass(origin, Mapping) and arguments[0] is str:
        return functools.partial(_mapping, _decoder(arguments[1], where))
    raise TypeError(f"{where}: {annotation} is not a type of messages")


def _union(readers: tuple[Decoder, ...], may_be_null: bool, value: Json, at: str) -> Value:
    if value is None and may_be_null:
        return None
    for reader in readers[:-1]:
        try:
            return reader(value, at)
        except WireError:
            continue
    return readers[-1](value, at)


def _null(value: Json, at: str) -> None:
    if value is not None:
        raise WireError(f"{at}: expected null, got {_called(value)}")


def _any(value: Json, at: str) -> Json:
    return value


_SCALARS: Mapping[type, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _scalar(kind: type, value: Json, at: str) -> Value:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and is_number:
        return value
    if isinstance(value, kind) and (kind is not int or is_number):
        return value
    raise WireError(f"{at}: expected {_SCALARS[kind]}, got {_called(value)}")


def _choice(choices: tuple[str | int, ...], value: Json, at: str) -> Value:
    if isinstance(value, (str, int)) and not isinstance(value, bool) and value in choices:
        return value
    raise WireError(f"{at}: expected {' or '.join(map(str, choices))}, got {_called(value)}")


def _formed(form: Form, reader: Decoder, value: Json, at: str) -> Value:
    read = reader(value, at)
    if isinstance(read, (str, int, float)) and not form.fits(read):
        raise WireError(f"{at}: {form.expected}")
    return read


def _tuple(reader: Decoder, value: Json, at: str) -> tuple[Value, ...]:
    if not isinstance(value, (list, tuple)):
        raise WireError(f"{at}: expected a list, got {_called(value)}")
    return tuple(reader(item, f"{at}[{index}]") for index, item in enumerate(value))


def _fixed(readers: tuple[Decoder, ...], value: Json, at: str) -> tuple[Value, ...]:
    if not isinstance(value, (list, tuple)) or len(value) != len(readers):
        raise WireError(f"{at}: expected a list of {len(readers)}, got {_called(value)}")
    return tuple(
        reader(item, f"{at}[{index}]") for index, (reader, item) in enumerate(zip(readers, value, strict=True))
    )


def _mapping(reader: Decoder, value: Json, at: str) -> dict[str, Value]:
    if not isinstance(value, Mapping):
        raise WireError(f"{at}: expected an object, got {_called(value)}")
    return {name: reader(item, _join(at, name)) for name, item in value.items()}


def _called(value: Json) -> str:
    """Return what a value is, without its content, which may be secret."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "text", int: "a number", float: "a number", list: "a list", tuple: "a list", dict: "an object"}
    return kinds.get(type(value), "an object")


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
