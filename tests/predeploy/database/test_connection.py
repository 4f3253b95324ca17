"""Addresses of databases, and what messages show of them."""

from __future__ import annotations

import psycopg
import pytest

from switchyard.predeploy.database.connection import Address, Parameters, without_password


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://app:" + "pw@db:5433/shop", {"host": "db", "port": "5433", "user": "app", "dbname": "shop"}),
        ("host=/run/pg dbname=shop password=pw", {"host": "/run/pg", "dbname": "shop"}),
        ("postgresql://a:1,b:2/x?password=pw&gssencmode=disable", {"host": "a,b", "port": "1,2", "dbname": "x"}),
    ],
)
def test_both_forms_of_an_address_are_parsed(address: str, expected: dict[str, str]) -> None:
    parameters = Parameters.parse(address)
    others = {"gssencmode": "disable"} if "gssencmode" in address else {}
    assert parameters.others == others
    assert parameters.by_name() == {**expected, **others, "password": "pw"}


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(psycopg.Error):
        Parameters.parse("postgres//app@db")


def test_a_password_stands_in_no_message_and_no_representation() -> None:
    address = Address("of host prod", "url", Parameters(user="app", password="s3cr3t!"))
    assert without_password("FATAL:\n  s3cr3t! is wrong", address) == "FATAL: ••• is wrong"
    assert "s3cr3t!" not in f"{address} {address.parameters}"
