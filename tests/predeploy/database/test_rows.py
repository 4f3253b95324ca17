"""Critical tables hold enough rows, and new ones."""

from __future__ import annotations

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import fresh, url


def test_a_time_without_a_zone_is_one_of_the_databases_zone(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY, at timestamp)")
    with newest.open(name) as connection:
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
        connection.execute("INSERT INTO t VALUES (1, (now() - interval '2 hours') AT TIME ZONE 'Asia/Tokyo')")
    shop.settings({"fresh": {"t": {"column": "at", "within": 3600}}})
    assert places_of(shop.predeploy(address=url(newest, name))["rows"], "fresh-rows") == ["t"]
    shop.settings({"fresh": {"t": {"column": "at", "within": 9000}}})
    assert shop.predeploy(address=url(newest, name))["rows"]["outcome"] == "pass"


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
    assert places_of(result, "minimum-rows") == ["games"]
    assert places_of(result, "no-table") == ["gone"]
    assert places_of(result, "fresh-rows") == ["old"]
    done = shop.predeploy(
        "--only", "rows", address=url(newest, fresh(newest, f"{text}, (3, now()); DELETE FROM old WHERE id = 1"))
    )["rows"]
    assert places_of(done, "minimum-rows") == []


BY_HAND = {"rows": "test_critical_tables_hold_enough_rows_and_new_ones"}
