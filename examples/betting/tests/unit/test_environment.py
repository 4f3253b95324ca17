""".env.example names every variable that the application reads, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBPQ = {"PGHOST", "PGUSER", "PGDATABASE", "PGPASSWORD"}
"""Variables that PostgreSQL's own client reads."""


def test_the_example_names_every_variable_that_is_read_and_no_other() -> None:
    code = "".join(file.read_text() for file in (ROOT / "betting").glob("*.py"))
    read = set(re.findall(r"os\.environ(?:\.get\(|\[)\"(\w+)\"", code))
    compose = (ROOT / "compose.yaml").read_text()
    in_compose = set(re.findall(r"\$\{(\w+)", compose))
    named = set(re.findall(r"^(?:# )?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert set(re.findall(r"^    (\w+): ", compose, re.MULTILINE)) >= LIBPQ
    assert named == read | in_compose | LIBPQ
