"""Keys that run out of numbers, and sequences that are behind the rows."""

from __future__ import annotations

from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.database.sequences import sequence_findings
from tests.harness.postgres import open_reader

TABLES = """CREATE TABLE behind (id serial PRIMARY KEY); INSERT INTO behind VALUES (5);
CREATE TABLE soon (id smallserial PRIMARY KEY); SELECT setval('soon_id_seq', 24000);
CREATE TABLE bare (id smallint PRIMARY KEY); INSERT INTO bare VALUES (32000);
CREATE TABLE fine (id bigserial PRIMARY KEY); INSERT INTO fine DEFAULT VALUES;
CREATE SEQUENCE full_up AS smallint; SELECT setval('full_up', 32000)"""


def test_each_kind_of_key_has_its_finding_and_a_fresh_one_has_none(newest: Server) -> None:
    with open_reader(newest, TABLES) as reader:
        findings, unchecked, scope = sequence_findings(reader)
    assert (unchecked, scope) == ([], "4 keys, 1 sequence beside them")
    assert [(finding.place, finding.severity, finding.what) for finding in findings] == [
        ("public.bare.id", "error", "the highest key has used 97.7% of 32,767"),
        (
            "public.behind.id",
            "error",
            "sequence public.behind_id_seq was never used, but a row has 5: an insert will collide",
        ),
        ("public.soon.id", "warn", "sequence public.soon_id_seq has used 73.2% of 32,767"),
        ("public.full_up", "error", "the sequence has used 97.7% of 32,767"),
    ]
