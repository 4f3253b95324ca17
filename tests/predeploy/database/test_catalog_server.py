"""The check of the server: room for a second colour, and what would delay a migration."""

from __future__ import annotations

import contextlib

import psycopg

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import READER, fresh, idle, url


def test_a_second_colour_must_fit_into_the_limits_of_its_role_and_database(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with newest.open(name) as connection, contextlib.ExitStack() as stack:
        connection.execute(f"CREATE ROLE few_{name} LOGIN CONNECTION LIMIT 7")
        for _ in range(3):
            stack.enter_context(psycopg.connect(url(newest, name, f"few_{name}")))
        assert places_of(shop.predeploy(address=url(newest, name))["server"], "connection-room") == []
        stack.enter_context(psycopg.connect(url(newest, name, f"few_{name}")))
        connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 7")
        result = shop.predeploy(address=url(newest, name))["server"]
    assert places_of(result, "connection-room") == [f"database {name}", f"role few_{name}"]
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
        assert places_of(shop.predeploy(address=url(newest, name))["server"], "connection-room") == []
        for _ in range(2):
            stack.enter_context(psycopg.connect(url(newest, beside, f"few_{name}")))
        result = shop.predeploy(address=url(newest, name))["server"]
        assert places_of(result, "connection-room") == [f"role few_{name}"]
        for _ in range(3):
            stack.enter_context(psycopg.connect(url(newest, name)))
        result = shop.predeploy(address=url(newest, name))["server"]
    assert places_of(result, "connection-room") == [f"database {name}", f"role few_{name}"]


def test_a_transaction_that_stays_open_is_reported(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with idle(newest, name, "SELECT 1"):
        assert places_of(shop.predeploy(address=url(newest, name))["server"], "long-transaction") == []
        shop.settings({"transaction": 0})
        result = shop.predeploy(address=url(newest, name))["server"]
    assert result["outcome"] == "fail"
    assert len(places_of(result, "long-transaction")) == 1


def test_a_slot_that_nobody_reads_is_reported(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with newest.open(name) as connection:
        connection.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
        connection.execute("SELECT pg_create_physical_replication_slot('in_use', true, true)")
        result = shop.predeploy(address=url(newest, name))["server"]
        connection.execute("SELECT pg_drop_replication_slot('forgotten')")
    assert places_of(result, "forgotten-slot") == ["replication slot forgotten"]


def test_a_second_colour_must_find_connections(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(idle(newest, name))
        assert places_of(shop.predeploy(address=url(newest, name))["server"], "connection-room") == []
        for _ in range(25):
            stack.enter_context(idle(newest, name))
        result = shop.predeploy(address=url(newest, name))["server"]
    assert places_of(result, "connection-room") == ["max_connections"]
    assert result["outcome"] == "fail"


def test_a_checker_that_could_write_is_reported(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)", READER)
    assert places_of(shop.predeploy(address=url(newest, name))["server"], "superuser") == ["role postgres"]
    result = shop.predeploy(address=url(newest, name, "reader"))["server"]
    assert (places_of(result, "superuser"), result["outcome"]) == ([], "pass")


BY_HAND = {
    "long-transaction": "test_a_transaction_that_stays_open_is_reported",
    "forgotten-slot": "test_a_slot_that_nobody_reads_is_reported",
    "connection-room": "test_a_second_colour_must_find_connections",
    "superuser": "test_a_checker_that_could_write_is_reported",
    "server": "test_a_slot_that_nobody_reads_is_reported",
}
"""What takes more than SQL, and the test that plants it beside an innocent."""
