"""The application's own checks and queries against its schema."""

from pathlib import Path

import psycopg
import pytest

SQL = Path(__file__).resolve().parents[2] / "sql"
VIOLATIONS = {
    "rated-once": [
        "UPDATE games SET rated = now() WHERE id = 'nfl-1'",
        "UPDATE games SET rated = NULL WHERE id = 'nba-1'",
    ],
    "zero-sum": ["UPDATE ratings SET elo = elo + 1 WHERE team = 'Lakers'", "DELETE FROM ratings WHERE team = 'Lakers'"],
}


def violations(db: psycopg.Connection, check: str) -> int:
    return len(db.execute((SQL / "checks" / f"{check}.sql").read_text()).fetchall())


@pytest.fixture
def filled(db):
    db.execute((SQL / "fixture.sql").read_text())
    return db


def test_every_check_has_a_header_and_violations_in_this_file() -> None:
    files = list((SQL / "checks").glob("*.sql"))
    assert {file.stem for file in files} == set(VIOLATIONS)
    for file in files:
        head = [line.split(":")[0] for line in file.read_text().splitlines() if line.startswith("--")]
        assert head == ["-- id", "-- severity", "-- promises", "-- do"]
        assert f"-- id: {file.stem}\n" in file.read_text()


@pytest.mark.parametrize("check", VIOLATIONS)
def test_the_fixture_and_an_empty_database_violate_no_check(filled, check: str) -> None:
    assert violations(filled, check) == 0
    filled.execute("TRUNCATE games, jobs, ratings")
    assert violations(filled, check) == 0


@pytest.mark.parametrize(("check", "change"), [(check, each) for check, some in VIOLATIONS.items() for each in some])
def test_a_check_finds_a_violation(filled, check: str, change: str) -> None:
    filled.execute(change)
    assert violations(filled, check) == 1


@pytest.mark.parametrize("file", sorted((SQL / "queries").glob("*.sql")), ids=lambda file: file.stem)
def test_every_recorded_query_fits_the_schema(db, file: Path) -> None:
    db.execute(f"PREPARE recorded AS {file.read_text()}")
    db.execute("DEALLOCATE recorded")
