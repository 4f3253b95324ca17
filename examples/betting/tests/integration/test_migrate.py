"""Migrations run once, in order, and an edited one is refused."""

import secrets
import shutil
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from betting import migrate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty(postgres: str, tmp_path: Path, monkeypatch):
    """Yield a copy of the migrations, beside a database without a schema."""
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    monkeypatch.chdir(tmp_path)
    name = f"betting_tests_{secrets.token_hex(4)}"
    with psycopg.connect(dbname=postgres, autocommit=True) as db:
        db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGDATABASE", name)
            yield tmp_path / "migrations"
        db.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def applied() -> list[str]:
    with psycopg.connect() as db:
        return [name for (name,) in db.execute("SELECT name FROM migrations ORDER BY name")]


def test_a_new_file_is_applied_and_applied_ones_are_not_applied_again(empty: Path, capsys) -> None:
    migrate.main()
    before = applied()
    (empty / "9999_venue.sql").write_text("ALTER TABLE games ADD COLUMN venue text;\n")
    capsys.readouterr()
    migrate.main()
    assert capsys.readouterr().out == "applied 9999_venue.sql\n"
    assert applied() == [*before, "9999_venue.sql"]


def test_an_edited_file_is_refused(empty: Path) -> None:
    migrate.main()
    with (empty / "0001_games.sql").open("a") as file:
        file.write("-- edited\n")
    with pytest.raises(SystemExit, match="was edited after it was applied"):
        migrate.main()


def test_a_file_that_fails_changes_nothing(empty: Path) -> None:
    migrate.main()
    before = applied()
    (empty / "9999_bad.sql").write_text("CREATE TABLE half (id integer); SELECT nothing;\n")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        migrate.main()
    assert applied() == before
    with psycopg.connect() as db:
        assert db.execute("SELECT to_regclass('half')").fetchone() == (None,)
