"""A schema that the application's own command builds."""

from __future__ import annotations

import pytest

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import fresh, url


def test_a_command_and_a_fixture_fill_the_embedded_server(shop: Shop) -> None:
    build = (
        "import os, psycopg; db = psycopg.connect(os.environ['DATABASE_URL'], autocommit=True);"
        "db.execute('CREATE TABLE t (id int PRIMARY KEY)')"
    )
    shop.settings(
        {"fixture": "rows.sql", "minimum": {"t": 3}},
        migrations={"service": "db", "apply": ["python3", "-c", build]},
    )
    (shop.app / "rows.sql").write_text("INSERT INTO t SELECT generate_series(1, 3)")
    result = shop.predeploy()
    assert (result["rows"]["outcome"], result["exit"]) == ("pass", 0), result["printed"]
    assert "built from its migrations and rows.sql" in result["rows"]["reason"]


COMMAND = """import os, sys, psycopg
steps = {'one': "CREATE ROLE teller; CREATE TABLE teams (id int PRIMARY KEY, name text, old text)",
         'two': "ALTER TABLE teams DROP COLUMN old; ALTER TABLE teams ADD COLUMN rank int",
         'three': "CREATE TABLE games (id int PRIMARY KEY)"}
target = sys.argv[1]
if target not in (*steps, 'head'):
    sys.exit("Can't locate revision identified by '" + target + "'")
with psycopg.connect(os.environ['DATABASE_URL']) as db:
    db.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    for name, text in steps.items():
        db.execute(text)
        db.execute("DELETE FROM alembic_version")
        db.execute("INSERT INTO alembic_version VALUES (%s)", [name])
        if name == target:
            break
"""
"""What alembic does: a table of one row, which is the newest revision."""


STOPS = ["sh", "-c", "python3 migrate.py ${SWITCHYARD_MIGRATION:-head}"]


def address_at(server: Server, revision: str, *more: str) -> str:
    """The address of a database whose first step was applied, and that says to be at a revision."""
    ledger = "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)"
    row = f"INSERT INTO alembic_version VALUES ('{revision}')"
    first = "CREATE TABLE teams (id int PRIMARY KEY, name text, old text)"
    return url(server, fresh(server, first, ledger, row, *more))


@pytest.fixture
def command_built(shop: Shop) -> Shop:
    """An application whose schema is built by a command."""
    (shop.app / "migrate.py").write_text(COMMAND)
    shop.settings({}, migrations={"service": "migrate", "apply": STOPS})
    return shop


def test_a_database_behind_what_a_command_builds_is_compared_with_what_it_builds_so_far(
    newest: Server, command_built: Shop
) -> None:
    command_built.write(sql__queries__old_sql="SELECT old FROM teams", sql__queries__name_sql="SELECT name FROM teams")
    result = command_built.predeploy(address=address_at(newest, "one"))
    assert (result["drift"]["outcome"], result["migrations"]["outcome"]) == ("pass", "pass"), result["printed"]
    assert places_of(result["migrations"], "unapplied") == ["public.alembic_version"]
    assert places_of(result["old-queries"], "broken-query") == ["sql/queries/old.sql"]
    by_hand = command_built.predeploy(
        "--only", "drift", address=address_at(newest, "one", "ALTER TABLE teams ADD a int")
    )
    assert [each["what"] for each in by_hand["drift"]["findings"]] == ["column a is extra: integer"]


def test_a_revision_that_the_command_does_not_know_was_lost(newest: Server, command_built: Shop) -> None:
    result = command_built.predeploy("--only", "migrations,drift", address=address_at(newest, "four"))
    (lost,) = [each["what"] for each in result["migrations"]["findings"] if each["rule"] == "gone-migration"]
    assert lost.startswith("four was applied, and app.migrations.apply does not know it")
    assert "Can't locate revision identified by 'four'" in lost
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("fail", "unknown"), result["printed"]


def test_a_command_that_does_not_stop_is_unknown_and_says_how_to_stop_it(newest: Server, command_built: Shop) -> None:
    command_built.settings({}, migrations={"service": "migrate", "apply": ["python3", "migrate.py", "head"]})
    rest = "ALTER TABLE teams DROP COLUMN old, ADD rank int; CREATE TABLE games (id int PRIMARY KEY)"
    result = command_built.predeploy("--only", "migrations,drift", address=address_at(newest, "three", rest))
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("pass", "pass"), result["printed"]
    result = command_built.predeploy("--only", "migrations,drift", address=address_at(newest, "one"))
    for check in ("migrations", "drift"):
        assert result[check]["outcome"] == "unknown"
        assert 'such as [sh, -c, "alembic upgrade ${SWITCHYARD_MIGRATION:-head}"]' in result[check]["reason"]


def test_a_ledger_of_several_applications_stops_each_where_it_is(newest: Server, shop: Shop) -> None:
    command = """import os, sys, psycopg
with psycopg.connect(os.environ['DATABASE_URL']) as db:
    db.execute("CREATE TABLE django_migrations (id bigserial PRIMARY KEY, app text, name text)")
    all = 'auth.0001_initial teams.0001_initial auth.0002_more teams.0002_more'
    for each in os.environ.get('SWITCHYARD_MIGRATION', all).split():
        if each not in all:
            sys.exit('no migration ' + each)
        app, name = each.split('.')
        db.execute("INSERT INTO django_migrations (app, name) VALUES (%s, %s)", [app, name])
        db.execute(f"CREATE TABLE {app}_{name} (id int PRIMARY KEY)")
"""
    (shop.app / "manage.py").write_text(command)
    shop.settings({}, migrations={"service": "migrate", "apply": ["python3", "manage.py"]})
    for pair, reported, drift in (
        ("teams.0001_initial", [], "pass"),
        ("teams.0009_lost", ["gone-migration"], "unknown"),
    ):
        app, name = pair.split(".")
        texts = [
            "CREATE TABLE django_migrations (id bigserial PRIMARY KEY, app text, name text)",
            f"INSERT INTO django_migrations (app, name) VALUES ('auth', '0001_initial'), ('{app}', '{name}')",
            f'CREATE TABLE "auth_0001_initial" (id int PRIMARY KEY); CREATE TABLE "{app}_{name}" (id int PRIMARY KEY)',
        ]
        result = shop.predeploy("--only", "migrations,drift", address=url(newest, fresh(newest, *texts)))
        rules = [each["rule"] for each in result["migrations"]["findings"] if each["severity"] == "error"]
        assert (rules, result["drift"]["outcome"]) == (reported, drift), result["printed"]
