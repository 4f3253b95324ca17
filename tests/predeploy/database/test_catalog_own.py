"""The application's own checks in sql/checks."""

from __future__ import annotations

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import fresh, url


def test_own_checks_of_which_none_is_for_this_server_are_unknown(newest: Server, shop: Shop) -> None:
    header = "-- id: {}\n-- severity: error\n-- promises: x\n-- do: x\n{}SELECT 1 AS one WHERE false"
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    shop.write(sql__checks__later_sql=header.format("later", "-- since: 99\n"))
    result = shop.predeploy("--only", "own", address=url(newest, name))["own"]
    assert (result["outcome"], "no file is for this version" in result["reason"]) == ("unknown", True)
    shop.write(sql__checks__now_sql=header.format("now", ""))
    result = shop.predeploy("--only", "own", address=url(newest, name))["own"]
    assert (result["outcome"], "sql/checks/later.sql is for other versions" in result["reason"]) == ("pass", True)


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
    assert len(places_of(own, "late")) == 9
    assert places_of(own, "clean") == []
    (support,) = [each["what"] for each in own["findings"] if each["rule"] == "support"]
    assert "id=1, note=50% of it" in support
    assert "id=6" not in support
    reported = "\n".join(each["what"] for each in own["findings"] if each["rule"] == "not-checked")
    for words in ("two.sql:6: more than one", "write.sql:6: DELETE", "typo.sql:6: not SQL", "bare.sql:1: the comment"):
        assert words in reported
    assert result["schema"]["outcome"] == "pass"
    shop.settings({"samples": 0})
    own = shop.predeploy("--only", "own", address=url(newest, name))["own"]
    assert "note=" not in str(own)


def test_a_long_sum_is_read_and_what_nests_too_deep_is_reported_with_its_file(newest: Server, shop: Shop) -> None:
    head = "-- id: {}\n-- severity: error\n-- promises: It adds up.\n-- do: Count.\n"
    for name, terms in (("long", 100), ("endless", 5000)):
        text = head.format(name) + f"SELECT {'+'.join(['1'] * terms)} AS place, 'counted' AS what"
        shop.write(**{f"sql__checks__{name}_sql": text})
    own = shop.predeploy("--only", "own", address=url(newest, fresh(newest)))["own"]
    assert places_of(own, "long") == ["100"]
    (reported,) = [each["what"] for each in own["findings"] if each["rule"] == "not-checked"]
    assert "sql/checks/endless.sql:1: its expressions stand too deep in each other" in reported


BY_HAND = {"own": "test_the_applications_own_checks_join_in"}
