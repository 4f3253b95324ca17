"""Every variable that is read is named in .env.example, and none that is not."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBPQ = {"PGHOST", "PGUSER", "PGDATABASE", "PGPASSWORD"}
"""Read by PostgreSQL's own client."""


def test_the_example_names_what_is_read_and_nothing_else() -> None:
    code = "".join(file.read_text() for file in (ROOT / "betting").glob("*.py"))
    read = set(re.findall(r"os\.environ(?:\.get\(|\[)\"(\w+)\"", code))
    compose = (ROOT / "compose.yaml").read_text()
    given = set(re.findall(r"\$\{(\w+)", compose))
    named = set(re.findall(r"^(?:# )?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert set(re.findall(r"^    (\w+): ", compose, re.MULTILINE)) >= LIBPQ
    assert named == read | given | LIBPQ
