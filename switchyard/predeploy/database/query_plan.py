"""Plans of PostgreSQL: EXPLAIN's JSON as typed values, and the shapes that a check remembers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from switchyard.control.whole_file import SHARED, write_whole
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Foreign, Json, key, message


@message(frozen=True)
class PlanNode(Foreign):
    """One node of a plan."""

    type: str = field(metadata=key("Node Type"))
    rows: float = field(metadata=key("Plan Rows"))
    """The planner's estimate."""
    relation: str = field(default="", metadata=key("Relation Name"))
    index: str = field(default="", metadata=key("Index Name"))
    children: tuple[PlanNode, ...] = field(default=(), metadata=key("Plans"))

    @property
    def name(self) -> str:
        """The node with its table and its index."""
        return " ".join(part for part in (self.type, self.relation, self.index) if part)

    @property
    def shape(self) -> str:
        """Nodes and tables, without figures."""
        below = ", ".join(child.shape for child in self.children)
        return self.name + (f" ({below})" if below else "")

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Yield one line a node, indented by its depth."""
        yield f"{'  ' * depth}{self.name}: {self.rows:,} rows"
        for child in self.children:
            yield from child.lines(depth + 1)


@message(frozen=True)
class _Explained(Foreign):
    """The one element of EXPLAIN's list."""

    plan: PlanNode = field(metadata=key("Plan"))


def explained(report: Json) -> PlanNode:
    """Return the plan in the report of ``EXPLAIN (FORMAT JSON)``. Raise ``WireError`` where there is none."""
    return _Explained.decode(report[0] if isinstance(report, list) and report else None, "EXPLAIN").plan


class PlanHistory:
    """The shapes of the last run that passed, for each kind of database: host, url or embedded."""

    def __init__(self, path: Path, source: str) -> None:
        self._path, self._source = path, source
        self._saved = _read(path)
        self._current: dict[str, str] = {}

    def previous(self, query: str, shape: str) -> str:
        """Note a query's shape, and return its earlier one where that was another; nothing where it was not."""
        self._current[query] = shape
        earlier = self._saved.get(self._source, {}).get(query, shape)
        return earlier if earlier != shape else ""

    def save(self) -> None:
        """Keep the noted shapes for the next run."""
        write_whole(self._path, json.dumps({**self._saved, self._source: self._current}), mode=SHARED)


def _read(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Return the saved shapes; none where the file is missing or damaged."""
    try:
        saved = json_text.parse_object(path.read_text())
    except (OSError, ValueError):
        return {}
    return {
        source: {query: str(shape) for query, shape in shapes.items()}
        for source, shapes in saved.items()
        if isinstance(shapes, Mapping)
    }
