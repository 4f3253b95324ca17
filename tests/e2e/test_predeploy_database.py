"""Predeploy reads a host's database through a forwarded channel: it opens no port and shows no password."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from tests.harness.site import Site

SECRET = "not-to-be-guessed"
FIRST = (
    "CREATE TABLE teams (id int PRIMARY KEY);\nCREATE TABLE games (id int PRIMARY KEY, team int REFERENCES teams);\n"
)
PLANTED = """ALTER TABLE games DISABLE TRIGGER ALL; INSERT INTO games VALUES (1, 7);
ALTER TABLE games ENABLE TRIGGER ALL;
ALTER TABLE teams ADD COLUMN by_hand text"""
ASKED = """SELECT id, team FROM games WHERE id = 7; SELECT id FROM teams WHERE id = 3;
CREATE TABLE soon_gone (); TABLE soon_gone; DROP TABLE soon_gone;
CREATE ROLE reader LOGIN PASSWORD 'only-reads' IN ROLE pg_read_all_data"""
SLOW = """-- id: slow
-- severity: error
-- promises: Something.
-- do: Nothing.
SELECT a AS place, 'x' AS what FROM generate_series(1, 100000000) a WHERE a < 0
"""
DATABASE = """  db:
    image: postgres:17
    command: [postgres, -c, shared_preload_libraries=pg_stat_statements]
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${DB_PASSWORD:?}"}
    volumes: ["pgdata:/var/lib/postgresql/data"]
    healthcheck: {test: ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "shop"], interval: 1s}
volumes: {pgdata: {}}
"""


def listening(site: Site) -> set[str]:
    """Return every address on which the host listens."""
    lines = site.run("cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()
    return {words[1] for words in map(str.split, lines) if len(words) > 3 and words[3] == "0A"}


def psql(site: Site, text: str) -> str:
    (db,) = site.docker("ps", "--quiet", "--filter", f"name={site.name}-shared-db-").split()
    return site.docker("exec", db, "psql", "-U", "shop", "-v", "ON_ERROR_STOP=1", "-Atqc", text)


def ended(site: Site, *words: str) -> tuple[int, str]:
    """Return the exit code of a verb and what it printed."""
    with site.start(*words, "--host", "prod") as process:
        output, _ = process.communicate(timeout=120)
        return process.returncode, output


def results(site: Site) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads((site.checkout / "report.json").read_text())["checks"]}


def test_a_hosts_database_is_read_without_a_port_and_before_the_first_deploy_its_migrations_are(site: Site) -> None:
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + DATABASE)
    (site.checkout / "prod.env").write_text(f"BREAK=none\nDB_PASSWORD={SECRET}\n")
    (site.app / "migrations").mkdir()
    (site.app / "migrations" / "1.sql").write_text(FIRST)
    words = ("predeploy", "--only", "database", "--json", str(site.checkout / "report.json"))
    site.commit("1")
    migrations = {"service": "db", "files": "migrations/*.sql"}
    site.settings(migrations=migrations)
    assert ended(site, *words)[0] == 0
    assert "a first deploy: embedded, built from 1 migration" in results(site)["schema"]["reason"]

    site.settings(healthy_within=30)
    site.commit("2")
    site.receipt("deploy")
    checksum = hashlib.sha256(FIRST.encode()).hexdigest()
    psql(site, f"{FIRST} CREATE TABLE migrations (name text PRIMARY KEY, checksum text)")
    psql(site, f"INSERT INTO migrations VALUES ('1.sql', '{checksum}'); {PLANTED}")
    (site.app / "sql" / "checks").mkdir(parents=True)
    (site.app / "sql" / "checks" / "slow.sql").write_text(SLOW)
    site.settings(migrations=migrations, predeploy={"database": {"timeout": 20}})
    psql(site, f"CREATE EXTENSION pg_stat_statements; {ASKED}")
    (site.app / "migrations" / "2.sql").write_text("ALTER TABLE games RENAME team TO side;")
    before = listening(site)
    with site.start(*words, "--host", "prod") as process:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'switchyard predeploy'"
        deadline = time.monotonic() + 60
        while psql(site, query) == "0":
            assert time.monotonic() < deadline and process.poll() is None
        during = listening(site)
        output, _ = process.communicate(timeout=120)
    assert (process.returncode, listening(site), during) == (1, before, before), output
    findings = {(each["rule"], each["place"]) for check in results(site).values() for each in check["findings"]}
    assert {("orphan", "public.games"), ("drift-extra", "public.teams"), ("superuser", "role shop")} <= findings
    assert "PostgreSQL 17" in results(site)["orphans"]["reason"]
    assert "in service db of host prod" in results(site)["orphans"]["reason"]
    broken = [each["what"] for each in results(site)["old-queries"]["findings"] if each["rule"] == "broken-query"]
    assert len(broken) == 1 and broken[0].endswith(
        'column "team" does not exist: SELECT id, team FROM games WHERE id = $1'
    )
    assert SECRET not in output + (site.checkout / "report.json").read_text()

    (site.checkout / "prod.env").write_text(f"BREAK=none\nDB_PASSWORD={SECRET}\nREADER=only-reads\n")
    reader = {"role": "reader", "password_from": "READER"}
    site.settings(migrations=migrations, predeploy={"database": reader})
    assert ended(site, "predeploy", "--only", "old-queries", *words[3:])[0] == 3
    assert "pg_stat_statements hides what other roles asked" in results(site)["old-queries"]["reason"]

    (db,) = site.docker("ps", "--quiet", "--filter", f"name={site.name}-shared-db-").split()
    url = f"DATABASE_URL=postgresql://shop:{SECRET}@db/shop?sslmode=require\n"
    (site.checkout / "prod.env").write_text(f"BREAK=none\nDB_PASSWORD={SECRET}\n{url}")
    site.settings(migrations=migrations)
    assert ended(site, "predeploy", "--only", "orphans", *words[3:])[0] == 3
    assert "does not support SSL" in results(site)["orphans"]["reason"], "what asks for TLS is not read without it"
    command = "openssl req -new -x509 -nodes -subj /CN=db -keyout $PGDATA/server.key -out $PGDATA/server.crt"
    site.docker("exec", "--user", "postgres", db, "sh", "-c", f"umask 077; {command}")
    psql(site, "ALTER SYSTEM SET ssl = on")
    psql(site, "SELECT pg_reload_conf()")
    assert ended(site, "predeploy", "--only", "orphans", *words[3:])[0] == 1
    assert "orphan" in [each["rule"] for each in results(site)["orphans"]["findings"]]

    site.docker("stop", db)
    assert ended(site, *words)[0] == 3
    assert "no container of service db runs there" in results(site)["schema"]["reason"]
