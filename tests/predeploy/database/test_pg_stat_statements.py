"""What pg_stat_statements has seen, on every version; the wheel's servers do not have it."""

from __future__ import annotations

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop
from tests.harness.postgres import fresh, url
from tests.harness.teams import (
    LEDGER,
    record,
)

TEAMS = """CREATE TABLE teams (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE games (id int PRIMARY KEY, team text REFERENCES teams (name));"""


PENDING = "ALTER TABLE teams RENAME name TO called;"


ASKED = ("SELECT name FROM teams WHERE id = 7", "SELECT id FROM games WHERE team = 'x'", "TABLE migrations")


def test_of_what_a_server_has_seen_only_the_applications_own_is_reported(server: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "migrations/*.sql"})
    shop.write(migrations__1_sql=TEAMS, migrations__2_sql=PENDING)
    name = fresh(server, TEAMS, LEDGER, record(**{"1": TEAMS}), "CREATE EXTENSION pg_stat_statements", *ASKED)
    shop.predeploy(address=url(server, name))  # leaves statements of its own
    result = shop.predeploy("--only", "old-queries", address=url(server, name))["old-queries"]
    assert [each["what"] for each in result["findings"] if each["rule"] == "broken-query"] == [
        'fails on the new schema: column "name" does not exist: SELECT name FROM teams WHERE id = $1'
    ]
