"""sql/queries contains the services' queries word for word, so that predeploy can try them on another schema."""

import ast
import itertools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATEMENT = re.compile(r"(SELECT|INSERT|UPDATE|DELETE)\s")


def words(query: str) -> str:
    return " ".join(query.split())


def in_code() -> set[str]:
    """Return the statements of the services, with PostgreSQL's own placeholders; the migrator is not a service."""
    statements = set()
    for file in [*(ROOT / "betting").glob("*.py"), ROOT / "dashboard" / "app.py"]:
        for node in ast.walk(ast.parse(file.read_text())) if file.name != "migrate.py" else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value):
                number = itertools.count(1)
                statements.add(words(re.sub("%s", lambda _, number=number: f"${next(number)}", node.value)))
    return statements


def test_every_query_of_the_code_is_recorded_word_for_word() -> None:
    recorded = {words(file.read_text()) for file in (ROOT / "sql" / "queries").glob("*.sql")}
    assert len(recorded) > 10
    assert recorded == in_code()
