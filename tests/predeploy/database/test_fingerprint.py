"""How two schemas differ."""

from __future__ import annotations

from switchyard.predeploy.database.fingerprint import ObjectKey, differences

TABLE, COLUMN = ObjectKey("table", "", "public.t"), ObjectKey("column", "public.t", "a")
PARTITION = ObjectKey("partition", "", "public.t_1")


def test_each_object_is_missing_extra_or_changed() -> None:
    (missing,) = differences({TABLE: "", COLUMN: "integer"}, {TABLE: ""})
    (extra,) = differences({TABLE: ""}, {TABLE: "", COLUMN: "integer"})
    (changed,) = differences({COLUMN: "integer"}, {COLUMN: "bigint"})
    assert [str(each) for each in (missing, extra, changed)] == [
        "column a is missing: integer",
        "column a is extra: integer",
        "column a is changed: bigint; it should be: integer",
    ]


def test_what_belongs_to_a_missing_table_has_no_difference_of_its_own() -> None:
    assert [each.key for each in differences({TABLE: "", COLUMN: "integer"}, {})] == [TABLE]


def test_a_partition_may_come_and_go_and_a_table_may_be_ignored() -> None:
    assert differences({PARTITION: "of public.t"}, {}) == []
    assert [each.how for each in differences({PARTITION: "FOR VALUES IN (1)"}, {PARTITION: "DEFAULT"})] == ["changed"]
    assert differences({TABLE: "", COLUMN: ""}, {}, {"public.t"}) == []
