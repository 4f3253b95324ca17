"""Orphans on the hard cases: each relation is read as the server itself would read it."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.database.orphans import find_orphans
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.database.relations import declared_relation, foreign_keys
from switchyard.predeploy.engine.result import Finding
from switchyard.settings.predeploy import RelationSetting
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import READER, fresh, open_reader, url

UNCHECKED = "SET session_replication_role = replica;"
"""Rows get in without their foreign keys being looked at."""


def orphan_findings(server: Server, *texts: str, declared: RelationSetting | None = None) -> list[str]:
    """What is reported of every relation, and of a declared one."""
    with open_reader(server, *texts) as reader:
        relations = foreign_keys(reader) + ([declared_relation(declared, 0)] if declared else [])
        reported: list[Finding] = [each for relation in relations for each in find_orphans(relation, reader, 2)]
        return [f"{each.rule} {each.place}: {each.what}" for each in reported]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"""CREATE TABLE p (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE c (x int, y int,
            FOREIGN KEY (y, x) REFERENCES p (b, a)); INSERT INTO p VALUES (1, 2); {UNCHECKED}
            INSERT INTO c VALUES (1, 2), (2, 1), (9, NULL), (NULL, NULL)""",
            ["orphan public.c: 1 row without a parent by c_y_x_fkey to public.p: y=1, x=2"],
        ),
        (
            f"""CREATE TABLE p (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE c (a int, b int,
            FOREIGN KEY (a, b) REFERENCES p MATCH FULL); {UNCHECKED}
            INSERT INTO c VALUES (NULL, NULL), (1, NULL), (NULL, 2)""",
            [
                "half-null public.c: 2 rows with a key that is null in part by c_a_b_fkey to public.p, "
                "which is MATCH FULL"
            ],
        ),
        (
            f"""CREATE TABLE p (id bigint PRIMARY KEY, code text UNIQUE); CREATE TABLE c (p smallint REFERENCES p,
            code varchar(9) REFERENCES p (code)); INSERT INTO p VALUES (1, 'a'); {UNCHECKED}
            INSERT INTO c VALUES (1, 'a'), (2, 'b')""",
            [
                "orphan public.c: 1 row without a parent by c_code_fkey to public.p: code=b",
                "orphan public.c: 1 row without a parent by c_p_fkey to public.p: p=2",
            ],
        ),
        (
            f"""CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t); {UNCHECKED}
            INSERT INTO t VALUES (1, NULL), (2, 1), (3, 3), (4, 9)""",
            ["orphan public.t: 1 row without a parent by t_up_fkey to public.t: up=9"],
        ),
        (
            f"""CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
            CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
            CREATE TABLE c (id int, p int REFERENCES p) PARTITION BY LIST (id);
            CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1); CREATE TABLE c2 PARTITION OF c FOR VALUES IN (2);
            INSERT INTO p VALUES (5), (15); {UNCHECKED} INSERT INTO c VALUES (1, 5), (1, 15), (2, 7)""",
            ["orphan public.c: 1 row without a parent by c_p_fkey to public.p: p=7"],
        ),
        (
            f"""CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE heir () INHERITS (p); INSERT INTO heir VALUES (1);
            CREATE TABLE c (p int REFERENCES p); CREATE TABLE c_heir () INHERITS (c); INSERT INTO c_heir VALUES (8);
            {UNCHECKED} INSERT INTO c VALUES (1)""",
            ["orphan public.c: 1 row without a parent by c_p_fkey to public.p: p=1"],
        ),
        (
            f"""CREATE SCHEMA "Mixed Case"; CREATE TABLE "Mixed Case"."a ""quoted"" one" ("the id" int PRIMARY KEY);
            CREATE TABLE "50% off" ("of {{it}}" int REFERENCES "Mixed Case"."a ""quoted"" one"); {UNCHECKED}
            INSERT INTO "50% off" VALUES (3)""",
            [
                "orphan public.50% off: 1 row without a parent by 50% off_of {it}_fkey "
                'to Mixed Case.a "quoted" one: of {it}=3'
            ],
        ),
        (
            f"""CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int); {UNCHECKED} INSERT INTO c VALUES (4);
            ALTER TABLE c ADD CONSTRAINT later FOREIGN KEY (p) REFERENCES p NOT VALID""",
            ["orphan public.c: 1 row without a parent by later to public.p: p=4"],
        ),
        (
            """CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
            CREATE TEMP TABLE tp (id int PRIMARY KEY); CREATE TEMP TABLE tc (p int REFERENCES tp);
            CREATE VIEW v AS SELECT * FROM c""",
            [],
        ),
    ],
    ids=["composite", "full", "types", "self", "partitions", "inheritance", "names", "not-valid", "deferred"],
)
def test_a_foreign_key_is_read_as_the_server_reads_it(server: Server, text: str, expected: list[str]) -> None:
    assert sorted(orphan_findings(server, text)) == expected


def test_keys_that_are_not_enforced_and_keys_of_periods_are_looked_at(eighteen: Server) -> None:
    text = """CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p NOT ENFORCED);
    INSERT INTO c VALUES (6);
    CREATE TABLE rooms (id int4range, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
    CREATE TABLE stays (room int4range, during daterange,
        CONSTRAINT stays_in FOREIGN KEY (room, PERIOD during) REFERENCES rooms (id, PERIOD during));
    INSERT INTO rooms VALUES ('[1,2)', '[2026-01-01,2026-02-01)'), ('[1,2)', '[2026-02-01,2026-03-01)');"""
    rows = f"""{UNCHECKED} INSERT INTO stays VALUES ('[1,2)', '[2026-01-20,2026-02-10)'),
    ('[1,2)', '[2026-02-20,2026-03-10)'), ('[5,6)', '[2026-01-01,2026-01-02)')"""
    reported = orphan_findings(eighteen, text, rows)
    assert [each.split(":")[0] for each in reported] == ["orphan public.c", "orphan public.stays"]
    assert "2 rows without a parent by stays_in" in reported[1]


def test_a_declared_relation_needs_no_constraint_and_may_have_a_condition(server: Server) -> None:
    text = """CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1); CREATE SCHEMA s;
    CREATE TABLE s.notes (kind text, target int); INSERT INTO s.notes VALUES ('p', 1), ('p', 2), ('q', 3)"""
    words = {"child": "s.notes", "columns": ["target"], "parent": "p", "parent_columns": ["id"]}
    both = RelationSetting(**words, where="c.kind = 'p' -- only these")
    assert orphan_findings(server, text, declared=both) == [
        "orphan s.notes: 1 row without a parent by s.notes (target) to public.p: target=2"
    ]
    assert "2 rows" in orphan_findings(server, text, declared=RelationSetting(**words))[0]
    for where in ("true); DELETE FROM p; SELECT (1", "pg_reload_conf()", "(SELECT 1 FROM p FOR UPDATE) = 1"):
        with pytest.raises(BadInput, match=r"relations\[0\]\.where"):
            declared_relation(RelationSetting(**words, where=where), 0)
    with pytest.raises(NotChecked, match="does not exist"):
        orphan_findings(server, text, declared=RelationSetting(**{**words, "columns": ["gone"]}))


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
    assert places_of(result, "orphan") == []
