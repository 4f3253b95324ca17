"""The checks that run files of SQL about a schema: each finds what was planted and spares what only looks like it."""

from __future__ import annotations

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import ELSEWHERE, EXTENSION, fresh, url

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
        CREATE TABLE c (id int PRIMARY KEY, t int CONSTRAINT late REFERENCES t NOT ENFORCED); CREATE INDEX ON c (t);""",
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
    keys = places_of(result["schema"], "primary-key")
    assert {'"primary-key"."no Key"', '"primary-key".half', '"primary-key".old_child'} <= set(keys)
    assert '"primary-key".half_1' not in keys
    assert "sequences.bare.id" in places_of(result["sequences"], "sequence-behind")
    assert {"sequences.narrow.id", "sequences.asked_by_name"} <= set(places_of(result["sequences"], "sequence-room"))


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
    assert places_of(clean, "disabled-trigger") == places_of(clean, "wraparound") == []
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
    assert places_of(schema, rule) == ["public.small"]
    assert places_of(schema, "foreign-key-index") == ["public.child"]
    assert places_of(schema, "disabled-trigger") == [f"database {name}"]
    assert places_of(schema, "wraparound") == [f"database {old}"] and schema["outcome"] == "fail"
    assert places_of(result["sequences"], "sequence-room") == ["public.near.id"]
    assert result["sequences"]["reason"].startswith("4 keys")


def test_what_every_role_is_set_to_has_a_place_that_a_waiver_can_name(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with newest.open(name) as connection:
        connection.execute("ALTER ROLE ALL SET session_replication_role = replica")
        try:
            result = shop.predeploy("--only", "schema", address=url(newest, name))["schema"]
        finally:
            connection.execute("ALTER ROLE ALL RESET session_replication_role")
    assert places_of(result, "disabled-trigger") == ["every role"]


def test_not_null_that_was_never_validated_makes_no_key(eighteen: Server, shop: Shop) -> None:
    late = "CREATE TABLE u (a int UNIQUE); ALTER TABLE u ADD CONSTRAINT present NOT NULL a NOT VALID"
    name = fresh(eighteen, late, "CREATE TABLE v (a int NOT NULL UNIQUE)")
    result = shop.predeploy("--only", "schema", address=url(eighteen, name))["schema"]
    reported = {each["place"]: each["severity"] for each in result["findings"] if each["rule"] == "primary-key"}
    assert (reported["public.u"], reported["public.v"]) == ("error", "warn")


BY_HAND = {"schema": "test_every_file_finds_what_was_planted"}
"""The check that runs the files of all cases."""
