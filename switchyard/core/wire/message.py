"""Convert JSON to typed messages and back. Every error names the path of the value that is wrong.

A message is a frozen dataclass. Its fields are text, numbers, booleans, literals, optional values, tuples, mappings with
text keys, other messages, or ``Json`` for a value that passes through unread.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, ClassVar, Final, Literal, TypeAlias, TypeVar, Union, get_args, get_origin

from switchyard.core.errors import SwitchyardError

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"
"""Any JSON value."""
M = TypeVar("M", bound="Message")
Decoder: TypeAlias = Callable[[Json, str], Any]
KEY: Final = "key"
OMITTED: Final = "omitted"
SINCE: Final = "since"


class WireError(SwitchyardError):
    """A JSON value that is not of its format."""


class _AnyJson:
    """Stands for ``Json`` while annotations are evaluated."""


def key(name: str = "", *, omitted: bool = False, since: int = 0) -> Mapping[str, str | bool | int]:
    """Return a field's metadata.

    ``name`` is its JSON key where that differs from the attribute. An ``omitted`` field is left out of the JSON while it has
    its default. ``since`` is the minor version that introduced the field: documents of an older one get its default.
    """
    return {**({KEY: name} if name else {}), OMITTED: omitted, SINCE: since}


@dataclasses.dataclass(frozen=True)
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

    @classmethod
    def decode(cls: type[M], value: Json, at: str = "") -> M:
        """Build the message from JSON. Raise ``WireError`` with the path of the first value that is wrong."""
        if not isinstance(value, Mapping):
            raise WireError(f"{at or cls.__name__}: expected an object, got {_called(value)}")
        minor = _minor(cls, value, at)
        arguments: dict[str, Any] = {}
        plan = _plan(cls)
        for field in plan:
            present = field.key in value
            item = value[field.key] if present else None
            if not present or (item is None and cls.OPEN and field.has_default):
                if field.required_since <= minor:
                    raise WireError(f"{_join(at, field.key)}: is missing")
                continue
            arguments[field.name] = field.decoder(item, _join(at, field.key))
        if not cls.OPEN and minor <= cls.MINOR:
            for name in value:
                if name not in _keys(cls):
                    raise WireError(f"{_join(at, name)}: is not a known field")
        return cls(**arguments)

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


@dataclasses.dataclass(frozen=True)
class Foreign(Message):
    """A typed part of JSON that another program defines: keys that we do not read are ignored."""

    OPEN: ClassVar[bool] = True


def encoded(value: Any) -> Json:
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


@dataclasses.dataclass(frozen=True)
class _Field:
    """How one field of a message is read and written."""

    name: str
    key: str
    decoder: Decoder
    required_since: float
    """The minor version from which on the key must be there; infinity for an optional one."""
    omitted: bool
    has_default: bool
    default: Callable[[], Any]


_PLANS: dict[type[Message], tuple[_Field, ...]] = {}
_KEYS: dict[type[Message], frozenset[str]] = {}


def _plan(kind: type[Message]) -> tuple[_Field, ...]:
    """Return how each field of a message is read, worked out once."""
    if kind not in _PLANS:
        _PLANS[kind] = tuple(_fields(kind))
    return _PLANS[kind]


def _fields(kind: type[Message]) -> Iterator[_Field]:
    for field in dataclasses.fields(kind):
        default: Callable[[], Any]
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory
        else:
            default = functools.partial(_constant, None if field.default is dataclasses.MISSING else field.default)
        has_default = not (field.default is field.default_factory is dataclasses.MISSING)
        since = int(field.metadata.get(SINCE, 0))
        required = float("inf") if has_default and not since else float(since)
        annotation = _evaluate(kind, field.name, str(field.type))
        decoder = _decoder(annotation, f"{kind.__name__}.{field.name}")
        omitted = bool(field.metadata.get(OMITTED, False))
        name = str(field.metadata.get(KEY, field.name))
        yield _Field(field.name, name, decoder, required, omitted, has_default, default)


def _constant(value: Any) -> Any:
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


def _evaluate(kind: type[Message], name: str, annotation: str) -> Any:
    """Evaluate a field's annotation in the module of the class that declares it."""
    owner = next(base for base in kind.__mro__ if name in base.__dict__.get("__annotations__", {}))
    return eval(annotation, {**vars(sys.modules[owner.__module__]), "Json": _AnyJson})


def _decoder(annotation: Any, where: str) -> Decoder:
    """Return the function that reads a value of a type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is _AnyJson:
        return _any
    if isinstance(annotation, type) and origin is None:
        if issubclass(annotation, Message):
            return annotation.decode
        if annotation in _SCALARS:
            return functools.partial(_scalar, annotation)
    if origin in (Union, UnionType):
        return _optional(annotation, where)
    if origin is Literal:
        return functools.partial(_literal, arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return functools.partial(_tuple, _decoder(arguments[0], where))
    if isinstance(origin, type) and issubclass(origin, Mapping) and arguments[0] is str:
        return functools.partial(_mapping, _decoder(arguments[1], where))
    raise TypeError(f"{where}: {annotation} is not a type of messages")


def _optional(annotation: Any, where: str) -> Decoder:
    """Return the reader of a union: null, and one kind of value for each JSON type."""
    kinds = get_args(annotation)
    readers = [_decoder(kind, where) for kind in kinds if kind is not NoneType]
    return functools.partial(_union, tuple(readers), NoneType in kinds)


def _union(readers: tuple[Decoder, ...], may_be_null: bool, value: Json, at: str) -> Any:
    if value is None and may_be_null:
        return None
    for reader in readers[:-1]:
        try:
            return reader(value, at)
        except WireError:
            continue
    return readers[-1](value, at)


def _any(value: Json, at: str) -> Json:
    return value


_SCALARS: Mapping[type, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _scalar(kind: type, value: Json, at: str) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and is_number:
        return value
    if isinstance(value, kind) and (kind is not int or is_number):
        return value
    raise WireError(f"{at}: expected {_SCALARS[kind]}, got {_called(value)}")


def _literal(choices: tuple[Any, ...], value: Json, at: str) -> Any:
    if value in choices and not isinstance(value, (list, dict)):
        return value
    raise WireError(f"{at}: expected {' or '.join(map(str, choices))}, got {_called(value)}")


def _tuple(reader: Decoder, value: Json, at: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise WireError(f"{at}: expected a list, got {_called(value)}")
    return tuple(reader(item, f"{at}[{index}]") for index, item in enumerate(value))


def _mapping(reader: Decoder, value: Json, at: str) -> dict[str, Any]:
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
