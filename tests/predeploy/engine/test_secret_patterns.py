"""What names and values of secrets look like; the tests of the checks that use the patterns have many more cases."""

from __future__ import annotations

import pytest

from switchyard.predeploy.engine.secret_patterns import is_placeholder, is_public, is_secret_name, passwords


@pytest.mark.parametrize("name", ["DB_PASSWORD", "apiToken", "jwt_secret", "SMTP_PASS", "STRIPE_KEY"])
def test_a_name_of_a_secret_is_recognized(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["DB_PASSWORD_FILE", "TOKEN_TTL", "PWD", "COMPASS", "PRIMARY_KEY", "SECRET_NAME"])
def test_a_name_that_describes_a_secret_or_only_resembles_one_is_not(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize("value", ["changeme", "<your key>", "xxx", "your-api-key", "TODO"])
def test_a_text_that_asks_for_a_value_is_a_placeholder(value):
    assert is_placeholder(value) and not is_placeholder(f"7{value}")


@pytest.mark.parametrize("value", ["yes", "0", "/run/secrets/db", "http://api:8000"])
def test_a_switch_a_path_and_an_address_are_public(value):
    assert is_public(value) and not is_public("swordfish")


def test_a_password_in_an_address_comes_with_its_position_unless_the_address_is_of_no_real_host():
    text = "postgres://app:" + "swordfish@db/app redis://:secret@redis/0 amqp://app:" + "swordfish@localhost"
    assert passwords(text) == [("swordfish", 15)]
