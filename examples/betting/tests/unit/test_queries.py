"""sql/queries holds what the services ask, word for word: another release's schema is tried against it."""

import ast
import itertools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATEMENT = re.compile(r"(SELECT|INSERT|UPDATE|DELETE)\s")


def words(query: str) -> str:
    return " ".join(query.split())


def in_code() -> set[str]:
    """The statements of the services, with PostgreSQL's own placeholders; the migrator's are no service's."""
    found = set()
    for file in [*(ROOT / "betting").glob("*.py"), ROOT / "dashboard" / "app.py"]:
        for node in ast.walk(ast.parse(file.read_text())) if file.name != "migrate.py" else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value):
                number = itertools.count(1)
                found.add(words(re.sub("%s", lambda _, number=number: f"${next(number)}", node.value)))
    return found


def test_every_query_is_recorded_as_it_stands_in_the_code() -> None:
    recorded = {words(file.read_text()) for file in (ROOT / "sql" / "queries").glob("*.sql")}
    assert len(recorded) > 10
    assert recorded == in_code()
