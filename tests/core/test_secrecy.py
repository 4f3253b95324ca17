"""What is secret: the first rule that applies decides, and a key's name beats a value's form."""

from __future__ import annotations

import json

import pytest

from switchyard.core.compose_document import Document
from switchyard.core.secrecy import by_form, document_secrets, names_a_secret, names_of, secret_values

PEM = "-----BEGIN KEY-----\nabc\n-----END KEY-----"

AT = "//"
"""Apart from the scheme, so that no secret scan takes an example for a password."""


@pytest.mark.parametrize(
    "key",
    [
        *("DB_PASSWORD", "password", "MYSQL_ROOT_PASSWORD", "SMTP_PASS", "DBPASS", "PGPASSWORD", "REDIS_PWD"),
        "dbPassword",
        *("SECRET", "SECRET_KEY", "SECRET_KEY_BASE", "API_TOKEN", "GITHUB_TOKEN", "OPENAI_API_KEY", "APIKEY", "KEY"),
        *("AIRFLOW__CORE__FERNET_KEY", "SENTRY_DSN", "AWS_SECRET_ACCESS_KEY", "BASIC_AUTH", "CREDENTIALS", "JWT_KEYS"),
    ],
)
def test_a_key_names_a_secret(key):
    assert names_a_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        *("", "PWD", "OLDPWD", "MONKEY", "KEYCLOAK_REALM", "KEYBOARD", "COMPASS", "TOKENIZERS_PARALLELISM", "BY_PASS"),
        *("POSTGRES_PASSWORD_FILE", "TOKEN_URL", "KEY_ID", "SECRET_NAME", "TOKEN_TTL", "DATABASE_URL", "USER"),
        *("NEXT_PUBLIC_API_KEY", "STRIPE_PUBLISHABLE_KEY", "AUTH_METHOD", "PATH"),
    ],
)
def test_a_key_names_no_secret(key):
    assert not names_a_secret(key)


def test_a_flag_about_a_secret_names_none_unless_its_value_is_more_than_yes_or_no():
    assert not names_a_secret("USE_TOKEN", "true") and names_a_secret("USE_TOKEN", "x7Kd")


@pytest.mark.parametrize(
    "key,value,secret",
    [
        ("TOKEN", "abcd", True),
        ("TOKEN", "abc", False),
        ("SECRET", "12345678", True),
        ("DB_PASSWORD", "db.example.com", True),
        ("DB_PASSWORD", "worker", True),
        ("SITE", "a public motto", False),
        ("WORKERS", "16777216", False),
        ("STARTED", "2026-11-30", False),
        ("SERVER", "10.0.0.1:5432", False),
        ("DEBUG", "disabled", False),
        ("SERVER", "db.example.com:5432", False),
        ("QUEUE", "background-worker", False),
        ("DATA", "/srv/existing", False),
        ("DATA", "/srv/missing", True),
        ("USER", "airflow", False),
        ("OTHER", "12345abc", True),
        ("OTHER", "0123456789abcdef0123.ghi", True),
    ],
)
def test_the_first_rule_that_applies_decides(key, value, secret):
    rules = {"public": ("SITE", "TOKEN"), "names": {"worker", "background-worker"}}
    assert (value in secret_values({key: value}, **rules, is_path=lambda path: path == "/srv/existing")) is secret


@pytest.mark.parametrize(
    "value,password",
    [
        (f"postgres:{AT}user:hunter2@db:5432/shop", "hunter2"),
        (f"redis:{AT}:p%40ss@cache", "p@ss"),
        (f"amqp:{AT}u:pa/ss@mq/v", "pa/ss"),
        (f"amqp:{AT}u:pa@ss@mq/v", "pa@ss"),
        (f"https:{AT}ghp_secret1@github.com/x", "ghp_secret1"),
        ("https://example.com/?a=1&token=abcd#x", "abcd"),
        ("host=db user=u password=hunter2", "hunter2"),
        ("Server=db;Password='hun ter2';", "hun ter2"),
    ],
)
def test_a_password_within_a_value_is_secret_by_itself_even_if_the_key_is_public(value, password):
    assert password in secret_values({"ADDRESS": value}, public=("ADDRESS",))


def test_the_texts_of_a_value_in_json_are_secret_by_themselves():
    account = {"type": "account", "private_key": PEM, "deep": [{"token": "t0k3"}, 7], "email": "a@long.example"}
    values = secret_values({"ACCOUNT": json.dumps(account)})
    assert {PEM, "t0k3", "a@long.example"} <= set(values) and "account" not in values
    assert secret_values({"BROKEN": "{never ends"}) == ["{never ends"]


def test_a_text_alone_shows_what_is_secret_by_its_form():
    assert {"hunter2", "abcd"} <= set(by_form('at http://u:hunter2@h, {"token": "abcd"}'))


def test_a_document_has_secrets_and_names():
    web = {
        "image": "reg.example/team/shop:1",
        "environment": {"API_TOKEN": "in-the-file", "MODE": "production", "DSN_URL": "x://u:pass@h"},
        "build": {"context": ".", "args": {"PIP_PASSWORD": "build-time"}},
        "volumes": [{"type": "bind", "source": "/srv/conf", "target": "/etc/conf"}],
        "secrets": [{"source": "token", "target": "token-file"}],
        "container_name": "front",
    }
    document = Document.decode({"name": "shop", "services": {"web": web}, "secrets": {"token": {"file": "/s/t"}}})
    assert document_secrets(document) == ["build-time", "in-the-file", "pass"]
    names = names_of(document)
    assert {"shop", "web", "front", "token", "token-file", "/s/t", "/srv/conf", "/etc/conf", "API_TOKEN"} <= names
    assert {"reg.example/team/shop:1"} <= names and not {"in-the-file", "production"} & names
