"""Migrations beside their ledger, and a database beside what they build."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from collections.abc import Mapping

import pytest

from switchyard.predeploy.database.drift import is_reworded_view
from switchyard.predeploy.database.fingerprint import Difference, ObjectKey, fingerprint_of
from switchyard.predeploy.database.reference_server import ReferenceDatabase, Server
from tests.embedded import EXTENSION, Shop, found, fresh, url

FIRST = """CREATE TABLE teams (id int PRIMARY KEY, name text NOT NULL);
CREATE TYPE state AS ENUM ('open', 'done');
CREATE VIEW names AS SELECT name FROM teams;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2';
"""
SECOND = "CREATE TABLE games (id bigserial PRIMARY KEY, team int REFERENCES teams, at timestamptz DEFAULT now());\n"
SECOND += (
    "CREATE TABLE log (at timestamptz) PARTITION BY RANGE (at);\n"
    "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-31 12:00+00') TO ('2026-02-28 12:00+00');\n"
    "CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2026-02-28 12:00+00') TO ('2026-03-31 12:00+00');\n"
)
FLYWAY = """CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version text, script text NOT NULL,
checksum int, type text NOT NULL, success bool NOT NULL)"""
LEDGER = "CREATE TABLE migrations (name text PRIMARY KEY, checksum text NOT NULL, at timestamptz DEFAULT now())"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def crc(text: str) -> int:
    """As Flyway makes it: of the lines without their ends, as a signed number."""
    found = 0
    for line in text.splitlines():
        found = zlib.crc32(line.encode(), found)
    return found - (1 << 32) if found >= 1 << 31 else found


def record(**files: str) -> str:
    rows = ", ".join(f"('{name}.sql', '{sha(text)}')" for name, text in files.items())
    return f"INSERT INTO migrations (name, checksum) VALUES {rows}"


def into(shop: Shop, files: Mapping[str, str]) -> None:
    """Files of the folder db."""
    (shop.app / "db").mkdir(exist_ok=True)
    for name, text in files.items():
        (shop.app / "db" / name).write_text(text)


def commit(shop: Shop) -> None:
    for words in (("add", "--all"), ("commit", "--quiet", "--message", "x")):
        subprocess.run(["git", "-C", str(shop.app), *words], check=True)


@pytest.fixture
def moved(shop: Shop) -> Shop:
    """Two migrations, both applied to most databases here."""
    shop.settings({}, migrations={"service": "db", "files": "migrations/*.sql"})
    shop.write(migrations__0001_a_sql=FIRST, migrations__0002_b_sql=SECOND)
    return shop


APPLIED = (FIRST, SECOND, LEDGER, record(**{"0001_a": FIRST, "0002_b": SECOND}))


def test_a_database_that_its_migrations_built_has_not_drifted(server: Server, moved: Shop) -> None:
    innocent = f"""CREATE SCHEMA airflow; CREATE TABLE airflow.job (id int) PARTITION BY LIST (id);
    CREATE TABLE airflow.job_1 PARTITION OF airflow.job FOR VALUES IN (1); CREATE TYPE airflow.state AS ENUM ('up');
    CREATE VIEW airflow.jobs AS SELECT * FROM airflow.job; CREATE DOMAIN airflow.age AS int CHECK (value > 0);
    CREATE FUNCTION airflow.one() RETURNS int LANGUAGE sql AS 'SELECT 1'; {EXTENSION.format("airflow")};
    COMMENT ON TABLE teams IS 'ours'; GRANT SELECT ON teams TO PUBLIC; CREATE TEMP TABLE scratch (id int);
    CREATE TABLE left_out (id int); CREATE TABLE left_too (id int);
    CREATE TABLE log_3 PARTITION OF log FOR VALUES FROM ('2026-03-31 12:00+00') TO ('2026-04-30 12:00+00');
    DROP TABLE log_2; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = german', current_database());
    EXECUTE format('ALTER DATABASE %I SET timezone = japan', current_database()); END $$"""
    moved.write(migrations__0003_c_sql="CREATE TABLE pending (id int PRIMARY KEY);")
    ignored = {"ignore": ["airflow.*", "left_out", "public.left_too"]}
    moved.settings(ignored, migrations={"service": "db", "files": "migrations/*.sql"})
    result = moved.predeploy(address=url(server, fresh(server, *APPLIED, innocent)))
    assert (result["drift"]["outcome"], result["drift"]["findings"]) == ("pass", []), result["printed"]
    assert result["migrations"]["outcome"] == "pass"
    assert found(result["migrations"], "unapplied") == ["migrations/0003_c.sql"]
    assert "1 of them pending" in result["migrations"]["reason"]


def test_an_extension_that_no_migration_made_is_told_and_fails_nothing(server: Server, moved: Shop) -> None:
    result = moved.predeploy(
        "--only", "drift", address=url(server, fresh(server, *APPLIED, EXTENSION.format("public")))
    )
    (told,) = result["drift"]["findings"]
    assert (told["rule"], told["severity"], told["place"] in ("citext", "vector")) == ("drift-extra", "warn", True)
    assert (result["drift"]["outcome"], result["exit"]) == ("pass", 0), result["printed"]


def test_an_extension_of_the_migrations_that_is_gone_is_drift(server: Server, moved: Shop) -> None:
    extra = EXTENSION.format("public")
    moved.write(migrations__0003_c_sql=extra)
    ledger = record(**{"0001_a": FIRST, "0002_b": SECOND, "0003_c": extra})
    result = moved.predeploy("--only", "drift", address=url(server, fresh(server, FIRST, SECOND, LEDGER, ledger)))
    assert [each["rule"] for each in result["drift"]["findings"]] == ["drift-missing"], result["printed"]
    assert result["exit"] == 1


def test_whatever_was_done_by_hand_is_drift(server: Server, moved: Shop) -> None:
    by_hand = """ALTER TABLE teams ADD COLUMN colour text; ALTER TABLE games ALTER COLUMN at DROP DEFAULT;
    DROP VIEW names; CREATE TABLE extra (id int PRIMARY KEY, a int, b int); CREATE INDEX ON extra (a);
    ALTER TYPE state ADD VALUE 'void'; CREATE INDEX by_hand ON games (team);
    CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n + n';
    ALTER TABLE games DROP CONSTRAINT games_team_fkey;
    ALTER TABLE log DETACH PARTITION log_1; ALTER TABLE log DETACH PARTITION log_2;
    ALTER TABLE log ATTACH PARTITION log_1 FOR VALUES FROM ('2026-01-31 12:00+00') TO ('2026-02-07 12:00+00');
    CREATE RULE quiet AS ON DELETE TO teams DO INSTEAD NOTHING"""
    result = moved.predeploy("--only", "drift", address=url(server, fresh(server, *APPLIED, by_hand)))
    told = {(each["rule"], each["place"]): each["what"] for each in result["drift"]["findings"]}
    assert result["exit"] == 1
    assert len(result["drift"]["findings"]) == 11
    assert sorted(told) == [
        ("drift-changed", "public.games"),
        ("drift-changed", "public.log_1"),
        ("drift-changed", "public.state"),
        ("drift-changed", "public.twice(n integer)"),
        ("drift-extra", "public.extra"),
        ("drift-extra", "public.games"),
        ("drift-extra", "public.log_2"),
        ("drift-extra", "public.teams"),
        ("drift-missing", "public.games"),
        ("drift-missing", "public.names"),
    ]
    assert "should be: timestamp with time zone default now()" in told["drift-changed", "public.games"]


def test_a_view_in_the_words_of_another_version_is_no_drift(newest: Server) -> None:
    name = fresh(
        newest, "CREATE TABLE teams (id int PRIMARY KEY, name text)", "CREATE VIEW names AS SELECT name FROM teams"
    )
    reference = ReferenceDatabase(newest, name)
    view = ObjectKey("view", "", "public.names")
    expected = fingerprint_of(reference, {"switchyard.ignored": "[]"})[view]
    for is_, same in (
        ("SELECT teams.name FROM public.teams;", True),
        ("SELECT upper(teams.name) AS name FROM public.teams;", False),
        ("SELECT gone.name FROM public.gone;", False),
    ):
        assert is_reworded_view(Difference("changed", view, expected, is_), reference) == same


def test_an_edited_a_lost_a_late_and_a_doubled_migration_are_told(newest: Server, moved: Shop) -> None:
    moved.write(
        migrations__0002_b_sql=SECOND + "-- edited",
        migrations__0005_e_sql="SELECT 5;",
        migrations__0005_f_sql="SELECT 6;",
        migrations__0004_d_sql="SELECT 4;",
    )
    more = record(**{"0005_e": "SELECT 5;", "0003_c": "SELECT 3;"})
    result = moved.predeploy("--only", "migrations", address=url(newest, fresh(newest, *APPLIED, more)))["migrations"]
    assert result["outcome"] == "fail"
    assert found(result, "edited-migration") == ["migrations/0002_b.sql"]
    assert found(result, "out-of-order-migration") == ["migrations/0004_d.sql"]
    assert found(result, "duplicate-migration") == ["migrations/0005_f.sql"]
    assert [each["what"] for each in result["findings"] if each["rule"] == "gone-migration"] == [
        "0003_c.sql was applied, and there is no such file"
    ]


def test_the_ledger_of_flyway_is_known(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "V*.sql"})
    (shop.app / "V9__a.sql").write_text(FIRST)
    (shop.app / "V10__b.sql").write_text(SECOND)
    summed = {name: crc(text) for name, text in (("V9__a.sql", FIRST), ("V10__b.sql", SECOND))}
    rows = f"""INSERT INTO flyway_schema_history VALUES (1, '9', 'V9__a.sql', {summed["V9__a.sql"]}, 'SQL', true),
    (2, '10', 'V10__b.sql', {summed["V10__b.sql"] + 1}, 'SQL', true), (3, '11', 'V11__c.sql', 7, 'SQL', false)"""
    result = shop.predeploy(address=url(newest, fresh(newest, FIRST, SECOND, FLYWAY, rows)))
    assert found(result["migrations"], "edited-migration") == ["V10__b.sql"]
    assert found(result["migrations"], "gone-migration") == []
    (failed,) = [each["what"] for each in result["migrations"]["findings"] if each["rule"] == "failed-migration"]
    assert failed == "V11__c.sql began and did not end"
    assert result["drift"]["outcome"] == "pass"


def test_what_flyway_took_as_given_counts_as_applied(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    into(shop, {"V1.1__a.sql": FIRST, "V1.2__b.sql": SECOND, "V1.10__c.sql": "SELECT 1;"})
    rows = """INSERT INTO flyway_schema_history VALUES (0, NULL, '"public"', NULL, 'SCHEMA', true),
    (1, '1.1', '<< Flyway Baseline >>', NULL, 'BASELINE', true), (2, '1.2', 'V1.2__b.sql', NULL, 'SQL', true)"""
    result = shop.predeploy(address=url(newest, fresh(newest, FIRST, SECOND, FLYWAY, rows)))
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("pass", "pass"), result["printed"]
    assert found(result["migrations"], "unapplied") == ["db/V1.10__c.sql"]


def test_a_repeatable_migration_of_flyway_that_changed_is_pending_and_never_edited(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    was, now = ("CREATE OR REPLACE VIEW v AS SELECT id FROM t;\n", "CREATE OR REPLACE VIEW v AS SELECT id, a FROM t;\n")
    first, same = "CREATE TABLE t (id int PRIMARY KEY, a int);", "CREATE OR REPLACE VIEW same AS SELECT a FROM t;"
    into(shop, {"V1__t.sql": first, "R__same.sql": same, "R__v.sql": was})
    commit(shop)
    into(shop, {"R__v.sql": now})
    rows = f"""INSERT INTO flyway_schema_history VALUES (1, '1', 'V1__t.sql', {crc(first)}, 'SQL', true),
    (2, NULL, 'R__v.sql', 7, 'SQL', true), (3, NULL, 'R__same.sql', {crc(same)}, 'SQL', true),
    (4, NULL, 'R__v.sql', {crc(was)}, 'SQL', true)"""
    shop.write(sql__queries__v_sql="SELECT id FROM v")
    address = url(newest, fresh(newest, first, same, was, FLYWAY, rows))
    words = ("--only", "migrations,drift,old-queries")
    result = shop.predeploy(*words, address=address)
    told = [(each["rule"], each["place"], each["severity"]) for each in result["migrations"]["findings"]]
    assert told == [("unapplied", "db/R__v.sql", "info")]
    assert "1 of them pending" in result["migrations"]["reason"]
    outcomes = [result[name]["outcome"] for name in ("migrations", "drift", "old-queries")]
    assert outcomes == ["pass", "pass", "pass"], result["printed"]
    assert "before and after 1 pending migration" in result["old-queries"]["reason"]

    for ledger in ({}, {"ledger": {"table": "flyway_schema_history", "name": "script", "checksum": "checksum"}}):
        shop.settings(ledger, migrations={"service": "db", "files": "db/*.sql"})
        into(shop, {"V1__t.sql": f"{first} -- edited"})
        assert found(shop.predeploy(*words, address=address)["migrations"], "edited-migration") == ["db/V1__t.sql"]
        into(shop, {"V1__t.sql": first})

    lost = rows.replace(str(crc(was)), "8")
    result = shop.predeploy(*words, address=url(newest, fresh(newest, first, same, was, FLYWAY, lost)))
    assert [result[name]["outcome"] for name in ("migrations", "drift")] == ["pass", "unknown"]
    assert "db/R__v.sql changed since it was applied, and no commit" in result["drift"]["reason"]

    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    table = FLYWAY.replace("flyway_schema_history", "migrations").replace("script", "name")
    renamed = rows.replace("flyway_schema_history", "migrations")
    result = shop.predeploy(*words, address=url(newest, fresh(newest, first, same, was, table, renamed)))
    assert found(result["migrations"], "edited-migration") == ["db/R__v.sql"], "nobody else runs it again"


def test_the_ledger_of_prisma_names_folders(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "prisma/*/migration.sql"})
    first, second = "CREATE TABLE t (id int PRIMARY KEY);", "ALTER TABLE t ADD COLUMN a int;"
    shop.write(prisma__20240101000000_z__migration_sql=first, prisma__20240102000000_a__migration_sql=second)
    table = """CREATE TABLE _prisma_migrations (id text PRIMARY KEY, checksum text NOT NULL, finished_at timestamptz,
    migration_name text NOT NULL, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now())"""
    rows = f"""INSERT INTO _prisma_migrations VALUES (1, '{sha(first)}', now(), '20240101000000_z', NULL),
    (2, 'x', NULL, '20240102000000_a', now()), (3, '{sha(second)}', now(), '20240102000000_a', NULL)"""
    result = shop.predeploy(address=url(newest, fresh(newest, first, second, table, rows)))
    assert (result["migrations"]["findings"], result["drift"]["findings"]) == ([], []), result["printed"]
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("pass", "pass")
    rows += ", (4, 'x', NULL, '20240103000000_b', NULL)"
    shop.write(prisma__20240101000000_z__migration_sql=f"{first} -- edited")
    result = shop.predeploy("--only", "migrations", address=url(newest, fresh(newest, first, second, table, rows)))
    assert found(result["migrations"], "edited-migration") == ["prisma/20240101000000_z/migration.sql"]
    assert found(result["migrations"], "failed-migration") == ["public._prisma_migrations"]


def test_the_ledger_of_golang_migrate_names_the_newest_alone(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.up.sql"})
    for name, text in (("000001_a", FIRST), ("000002_b", SECOND), ("000010_c", "CREATE TABLE c (id int);")):
        into(shop, {f"{name}.up.sql": text, f"{name}.down.sql": "DROP TABLE c;"})
    table = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)"
    for row, rules in (("2, false", []), ("2, true", ["failed-migration"]), ("9, false", ["gone-migration"])):
        name = fresh(newest, FIRST, SECOND, table, f"INSERT INTO schema_migrations VALUES ({row})")
        result = shop.predeploy("--only", "migrations,drift", address=url(newest, name))
        told = [each["rule"] for each in result["migrations"]["findings"] if each["severity"] == "error"]
        assert told == rules, result["printed"]
        assert found(result["migrations"], "unapplied") == ["db/000010_c.up.sql"]
        assert result["drift"]["outcome"] == ("unknown" if "gone-migration" in rules else "pass")


def test_a_ledger_of_numbers_means_files_by_their_first_number(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    names = {"0001_2fa": FIRST, "0002_10_best": SECOND, "0003": "SELECT 1;", "0003.1_x": "SELECT 2;"}
    into(shop, {f"{name}.sql": text for name, text in names.items()})
    table = "CREATE TABLE schema_migrations (version text PRIMARY KEY)"
    rows = "INSERT INTO schema_migrations VALUES ('0001'), ('0002'), ('3')"
    result = shop.predeploy("--only", "migrations", address=url(newest, fresh(newest, FIRST, SECOND, table, rows)))
    assert found(result["migrations"], "unapplied") == ["db/0003.1_x.sql"]
    assert [each for each in result["migrations"]["findings"] if each["severity"] == "error"] == []


def test_versions_are_told_apart_by_all_their_numbers_and_follow_each_other_by_value(shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    names = ["V1__a", "V1.1__b", "V1.2__c", "V1.10__d", "V2__2fa", "2024_01_15_e", "2024_02_20_f"]
    names += ["2025-01-15T1200_g", "2025-01-15T1300_h", "20240301_1200_i", "20240301_1300_j", "R__views"]
    for step, name in enumerate(names):
        text = "CREATE TABLE t_1 (id int);" if step == 0 else f"ALTER TABLE t_{step} RENAME TO t_{step + 1};"
        into(shop, {f"{name}.sql": text})
    result = shop.predeploy("--only", "migrations")["migrations"]
    assert (result["outcome"], result["findings"]) == ("pass", [])
    into(shop, {"V1_2__again.sql": "SELECT 1;"})
    result = shop.predeploy("--only", "migrations")["migrations"]
    assert len(found(result, "duplicate-migration")) == 1


def test_roles_that_migrations_name_are_there_where_they_are_built(newest: Server, moved: Shop) -> None:
    names = ("readonly", "writer", "keeper", "teller")
    made = "DO $$ BEGIN CREATE ROLE {}; EXCEPTION WHEN duplicate_object THEN END $$"
    given = """GRANT SELECT ON games TO readonly; ALTER TABLE games OWNER TO writer; GRANT keeper TO writer;
    ALTER DEFAULT PRIVILEGES FOR ROLE writer GRANT SELECT ON TABLES TO readonly;
    CREATE POLICY mine ON games TO teller USING (true);"""
    third = f"DROP ROLE IF EXISTS teller; CREATE ROLE teller; {given}"
    moved.write(migrations__0003_c_sql=third, migrations__0004_d_sql="CREATE USER later; GRANT pg_monitor TO later;")
    moved.write(sql__queries__games_sql="SELECT id FROM games")
    ledger = record(**{"0001_a": FIRST, "0002_b": SECOND, "0003_c": third})
    name = fresh(newest, *[made.format(role) for role in names], FIRST, SECOND, given, LEDGER, ledger)
    result = moved.predeploy(address=url(newest, name))
    outcomes = {check: result[check]["outcome"] for check in ("drift", "old-queries", "migrations")}
    assert outcomes == {"drift": "pass", "old-queries": "pass", "migrations": "pass"}, result["printed"]
    assert moved.predeploy("--only", "sequences")["sequences"]["outcome"] == "pass"


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


def at(server: Server, revision: str, *more: str) -> str:
    """The address of a database whose first step was applied, and that says to be at a revision."""
    ledger = "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)"
    row = f"INSERT INTO alembic_version VALUES ('{revision}')"
    first = "CREATE TABLE teams (id int PRIMARY KEY, name text, old text)"
    return url(server, fresh(server, first, ledger, row, *more))


@pytest.fixture
def commanded(shop: Shop) -> Shop:
    """An application whose schema is built by a command."""
    (shop.app / "migrate.py").write_text(COMMAND)
    shop.settings({}, migrations={"service": "migrate", "apply": STOPS})
    return shop


def test_a_database_behind_what_a_command_builds_is_compared_with_what_it_builds_so_far(
    newest: Server, commanded: Shop
) -> None:
    commanded.write(sql__queries__old_sql="SELECT old FROM teams", sql__queries__name_sql="SELECT name FROM teams")
    result = commanded.predeploy(address=at(newest, "one"))
    assert (result["drift"]["outcome"], result["migrations"]["outcome"]) == ("pass", "pass"), result["printed"]
    assert found(result["migrations"], "unapplied") == ["public.alembic_version"]
    assert found(result["old-queries"], "broken-query") == ["sql/queries/old.sql"]
    by_hand = commanded.predeploy("--only", "drift", address=at(newest, "one", "ALTER TABLE teams ADD a int"))
    assert [each["what"] for each in by_hand["drift"]["findings"]] == ["column a is extra: integer"]


def test_a_revision_that_the_command_does_not_know_was_lost(newest: Server, commanded: Shop) -> None:
    result = commanded.predeploy("--only", "migrations,drift", address=at(newest, "four"))
    (lost,) = [each["what"] for each in result["migrations"]["findings"] if each["rule"] == "gone-migration"]
    assert lost.startswith("four was applied, and app.migrations.apply does not know it")
    assert "Can't locate revision identified by 'four'" in lost
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("fail", "unknown"), result["printed"]


def test_a_command_that_does_not_stop_is_unknown_and_says_how_to_stop_it(newest: Server, commanded: Shop) -> None:
    commanded.settings({}, migrations={"service": "migrate", "apply": ["python3", "migrate.py", "head"]})
    rest = "ALTER TABLE teams DROP COLUMN old, ADD rank int; CREATE TABLE games (id int PRIMARY KEY)"
    result = commanded.predeploy("--only", "migrations,drift", address=at(newest, "three", rest))
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("pass", "pass"), result["printed"]
    result = commanded.predeploy("--only", "migrations,drift", address=at(newest, "one"))
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
    for pair, told, drift in (
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
        assert (rules, result["drift"]["outcome"]) == (told, drift), result["printed"]


def test_a_file_counts_by_its_very_bytes_and_one_that_is_no_text_is_named(newest: Server, moved: Shop) -> None:
    dos, unix = "\ufeffSELECT 'a';\r\nSELECT 'b';\r\n", "\ufeffSELECT 'a';\nSELECT 'b';\n"
    for name in ("0003_c", "0004_d", "0005_e"):
        (moved.app / "migrations" / f"{name}.sql").write_bytes(dos.encode())
    more = record(**{"0003_c": dos, "0004_d": unix, "0005_e": "SELECT 'a';"})
    address = url(newest, fresh(newest, *APPLIED, more))
    result = moved.predeploy("--only", "migrations,drift", address=address)
    assert found(result["migrations"], "edited-migration") == ["migrations/0005_e.sql"]
    assert result["drift"]["outcome"] == "pass", result["printed"]
    (moved.app / "migrations" / "0006_f.sql").write_bytes("SELECT 1;\nSELECT 'ä';".encode("latin-1"))
    result = moved.predeploy(address=address)
    for check in ("migrations", "drift", "migration-lint", "old-queries"):
        assert result[check]["outcome"] == "unknown"
        assert "migrations/0006_f.sql:2: not UTF-8" in result[check]["reason"]


def test_of_two_tables_that_may_be_the_ledger_the_settings_name_one(newest: Server, moved: Shop) -> None:
    other = "CREATE SCHEMA flows; CREATE TABLE flows.alembic_version (version_num text); "
    address = url(newest, fresh(newest, *APPLIED, other + "INSERT INTO flows.alembic_version VALUES ('5f1c0e')"))
    result = moved.predeploy("--only", "migrations", address=address)["migrations"]
    assert result["outcome"] == "unknown"
    assert "flows.alembic_version and public.migrations may each be the ledger" in result["reason"]
    for setting in ({"ignore": ["flows.*"]}, {"ledger": {"table": "migrations", "checksum": "checksum"}}):
        moved.settings(setting, migrations={"service": "db", "files": "migrations/*.sql"})
        assert moved.predeploy("--only", "migrations", address=address)["migrations"]["outcome"] == "pass"


def test_applied_migrations_that_no_checksum_keeps_are_told_as_that(newest: Server, moved: Shop) -> None:
    ledger = "CREATE TABLE schema_migrations (version text); INSERT INTO schema_migrations VALUES ('0001'), ('0002')"
    address = url(newest, fresh(newest, FIRST, SECOND, ledger))
    result = moved.predeploy("--only", "migrations", address=address)["migrations"]
    assert result["outcome"] == "pass"
    assert "which has no checksum to tell whether 2 of the applied were edited" in result["reason"]
    result = moved.predeploy("--only", "migrations", address=url(newest, fresh(newest, *APPLIED)))["migrations"]
    assert "checksum" not in result["reason"]


def test_who_inherits_and_what_is_computed_anew_is_part_of_a_schema(eighteen: Server, moved: Shop) -> None:
    own = "CREATE TABLE base (id int PRIMARY KEY); CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (base);"
    own += "CREATE TABLE sums (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED);"
    moved.write(migrations__0003_c_sql=own)
    applied = (*APPLIED, own, record(**{"0003_c": own}))
    assert (
        moved.predeploy("--only", "drift", address=url(eighteen, fresh(eighteen, *applied)))["drift"]["outcome"]
        == "pass"
    )
    by_hand = "ALTER TABLE heir NO INHERIT base; ALTER TABLE sums DROP COLUMN twice;"
    by_hand += "ALTER TABLE sums ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) VIRTUAL"
    result = moved.predeploy("--only", "drift", address=url(eighteen, fresh(eighteen, *applied, by_hand)))["drift"]
    assert sorted(found(result, "drift-changed")) == ["public.heir", "public.sums"]


def test_without_a_ledger_nothing_is_known(newest: Server, moved: Shop) -> None:
    result = moved.predeploy(address=url(newest, fresh(newest, FIRST, SECOND)))
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("unknown", "unknown")
    assert "app.predeploy.database.ledger" in result["drift"]["reason"]
    moved.settings(
        {"ledger": {"table": "done", "name": "file"}}, migrations={"service": "db", "files": "migrations/*.sql"}
    )
    own = "CREATE TABLE done (file text PRIMARY KEY); INSERT INTO done VALUES ('0001_a'), ('2')"
    result = moved.predeploy(address=url(newest, fresh(newest, FIRST, SECOND, own)))
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("pass", "pass"), result["printed"]


CASES = {
    "drift": (test_whatever_was_done_by_hand_is_drift, test_a_database_that_its_migrations_built_has_not_drifted),
    "migrations": (
        test_an_edited_a_lost_a_late_and_a_doubled_migration_are_told,
        test_a_database_that_its_migrations_built_has_not_drifted,
    ),
}
"""Check to what it finds and what it leaves alone."""
