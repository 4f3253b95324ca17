"""SQL as PostgreSQL's own parser reads it. All knowledge of the parser's JSON is in this module."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from switchyard.core.errors import BadInput
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Json

Fields: TypeAlias = Mapping[str, Json]
_BLANK = re.compile(rb"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
"""White space and comments before a statement."""
DEPTH_MOST = 5_000
"""Lists and objects in one another: a sum of 50 terms has hundreds. Nothing here calls itself for each."""
_QUERIES = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_ROLES = ("CreateRoleStmt", "DropRoleStmt")
_ALONE = ("TransactionStmt", "VacuumStmt", "AlterSystemStmt", "CreatedbStmt", "ReindexStmt", "AlterEnumStmt")
"""Statements that cannot run in a transaction with others, or that end one."""
_VIEWS = ("OBJECT_VIEW", "OBJECT_MATVIEW")
_RELATIONS = ("OBJECT_TABLE", *_VIEWS)


class RefusedSql(BadInput):
    """SQL that cannot be parsed or is not allowed where it stands. ``line`` counts from 1 in its text."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


class Node(NamedTuple):
    """One object of the tree."""

    name: str
    """The field that holds the object, or its type, such as ``SelectStmt``."""
    fields: Fields

    @property
    def location(self) -> int:
        """Bytes before the first thing in this node whose place the parser records; 0 where it records none."""
        for _, fields in (self, *walk(self.fields)):
            location = _number(fields, "location")
            if location:
                return location
        return 0

    @property
    def function(self) -> list[str]:
        """The function that a ``FuncCall`` calls, after its schema where the text names one."""
        return _names(self.fields, "funcname")

    @property
    def sampling(self) -> list[str]:
        """The function by which a ``RangeTableSample`` takes its sample, after its schema."""
        return _names(self.fields, "method")

    @property
    def column(self) -> str:
        """The column that a ``ColumnRef`` or ``A_Indirection`` names behind a dot; nothing where none does.

        PostgreSQL reads ``(x).f`` as ``f(x)`` where it finds no such column.
        """
        names = _names(self.fields, "fields")[1:] or _names(self.fields, "indirection")
        return names[-1] if names else ""

    @property
    def relation(self) -> str:
        """The table that a ``RangeVar`` names, without its schema; nothing for other nodes."""
        return _text(self.fields, "relname")


@dataclass(frozen=True)
class Statement:
    """One statement of a text."""

    kind: str
    """The parser's word, such as ``SelectStmt``."""
    fields: Fields = field(repr=False)
    begin: int
    """Bytes of the text before ``sql``."""
    _length: int
    _text: bytes = field(repr=False)

    @property
    def sql(self) -> str:
        """The statement without its semicolon, for some statements with the comments above it."""
        end = self.begin + self._length if self._length else len(self._text)
        return self._text[self.begin : end].decode()

    @property
    def line(self) -> int:
        """The line on which the statement begins, after its comments."""
        blank = _BLANK.match(self._text, self.begin)
        return self.line_at(blank.end() if blank else self.begin)

    def line_at(self, offset: int) -> int:
        """Return the line of a byte of the text."""
        return self._text.count(b"\n", 0, offset) + 1

    def nodes(self) -> Iterator[Node]:
        """Yield the statement's nodes in the order of the text, the statement first."""
        return walk({self.kind: self.fields})

    @property
    def is_query(self) -> bool:
        """Whether it reads or writes rows, so that the server can plan it."""
        return self.kind in _QUERIES

    @property
    def creates_or_drops_role(self) -> bool:
        """Whether it creates or drops a role."""
        return self.kind in _ROLES

    @property
    def runs_alone(self) -> bool:
        """Whether it cannot run in a transaction with other statements, or ends one."""
        return self.kind in _ALONE or _is_set(self.fields, "concurrent")

    @property
    def creates(self) -> Literal["table", "view", ""]:
        """The kind of relation that it creates."""
        if self.kind == "ViewStmt" or (
            self.kind == "CreateTableAsStmt" and _text(self.fields, "objtype") == "OBJECT_MATVIEW"
        ):
            return "view"
        return "table" if self.kind in ("CreateStmt", "CreateTableAsStmt") or "intoClause" in self.fields else ""

    @property
    def drops_only_views(self) -> bool:
        """Whether it drops views and nothing that depends on them."""
        is_view = self.kind == "DropStmt" and _text(self.fields, "removeType") in _VIEWS
        return is_view and _text(self.fields, "behavior") == "DROP_RESTRICT"

    def relations(self) -> set[str]:
        """Return the tables and views that the statement creates, changes or drops, each with its schema."""
        if _text(self.fields, "removeType") in _RELATIONS:
            lists = [_child(each, "List") for each in _items(self.fields, "objects")]
            return {".".join(("public", *_names(names, "items"))[-2:]) for names in lists}
        into = _child(self.fields, "into") or _child(self.fields, "intoClause")
        relation = _child(self.fields, "relation") or _child(self.fields, "view") or _child(into, "rel")
        name = _text(relation, "relname")
        return {f"{_text(relation, 'schemaname') or 'public'}.{name}"} if name else set()

    def roles(self) -> set[str]:
        """Return the roles that the statement names, except those that only the server itself can create."""
        roles: set[str] = set()
        for name, fields in self.nodes():
            if name == "CreateRoleStmt":
                roles.add(_text(fields, "role"))
            elif name == "GrantRoleStmt":
                granted = _items(fields, "granted_roles")
                roles |= {_text(_child(each, "AccessPriv"), "priv_name") for each in granted}
            elif "rolename" in fields:
                roles.add(_text(fields, "rolename"))
        return {role for role in roles if not role.startswith("pg_")}

    def parameters(self) -> set[int]:
        """Return the numbers of the parameters, such as 1 for ``$1``."""
        return {_number(fields, "number") for name, fields in self.nodes() if name == "ParamRef"}


def parse(text: str) -> list[Statement]:
    """Return the statements of a text. Raise ``RefusedSql`` where it is not SQL.

    The tree comes as JSON: ``postgast.parse`` decodes protobuf, which refuses a sum of 50 terms.
    """
    import postgast
    from postgast.errors import check_error
    from postgast.native import lib

    data = text.encode()
    result = lib.pg_query_parse(data)
    try:
        check_error(result)
        tree: Json = json_text.parse(result.parse_tree, depth_most=DEPTH_MOST)
    except postgast.PgQueryError as error:
        position = max((error.cursorpos or 1) - 1, 0)
        raise RefusedSql(text.count("\n", 0, position) + 1, f"not SQL: {error.message}") from None
    except json_text.NotJson:
        raise RefusedSql(1, "its expressions stand too deep in each other to be read here") from None
    finally:
        lib.pg_query_free_parse_result(result)
    return [_statement(each, data) for each in _items(_object(tree), "stmts")]


def walk(tree: Json) -> Iterator[Node]:
    """Yield every object below a value with the name that it stands under, in the order of the text."""
    left: list[tuple[str, Json]] = [("", tree)]
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            if name:
                yield Node(name, value)
            left.extend(reversed(value.items()))
        elif isinstance(value, list):
            left.extend(("", each) for each in reversed(value))


def _statement(raw: Fields, text: bytes) -> Statement:
    kind, fields = next(iter(_child(raw, "stmt").items()))
    return Statement(kind, _object(fields), _number(raw, "stmt_location"), _number(raw, "stmt_len"), text)


def _object(value: Json) -> Fields:
    return value if isinstance(value, Mapping) else {}


def _child(fields: Fields, name: str) -> Fields:
    return _object(fields.get(name))


def _items(fields: Fields, name: str) -> list[Fields]:
    value = fields.get(name)
    return [_object(item) for item in value] if isinstance(value, list) else []


def _is_set(fields: Fields, name: str) -> bool:
    return bool(fields.get(name))


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(fields: Fields, name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) else 0


def _names(fields: Fields, name: str) -> list[str]:
    """Return a name of several parts, such as schema and table."""
    return [_text(_child(part, "String"), "sval") for part in _items(fields, name)]
