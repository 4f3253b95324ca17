"""The name of a table with its schema."""

from __future__ import annotations

from typing import NamedTuple

from psycopg import sql


class TableName(NamedTuple):
    """A schema and a table in it."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """The name, quoted where it goes into SQL."""
        return sql.Identifier(self.schema, self.name)


def table_name(text: str) -> TableName:
    """Parse ``schema.table``. A name without a schema is a table of the schema public."""
    schema, _, name = text.partition(".")
    return TableName(schema, name) if name else TableName("public", text)
