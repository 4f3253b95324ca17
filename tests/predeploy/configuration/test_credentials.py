"""Credentials of HTTP APIs, against a server on loopback that accepts one token."""

from __future__ import annotations

from typing import Any

import pytest

from switchyard.predeploy.configuration import credentials
from tests.harness.predeploy_application import Application
from tests.harness.predeploy_configuration import KALSHI, outcome, refused, served


def with_api(application: Application, path: str, token: str, **setting: Any) -> None:
    """Start an API whose answer the path chooses, and set its credential."""
    port = application.closing.enter_context(served())
    api = {"kind": "http", "url": f"http://127.0.0.1:{port}/{path}", "headers": {"Authorization": "Bearer ${TOKEN}"}}
    application.settings(credentials={"scores": {**api, **setting}})
    application.allow(send={f"http://127.0.0.1:{port}": ["TOKEN"]})
    application.environ["TOKEN"] = token


def test_an_api_that_accepts_the_token_passes(application):
    with_api(application, "200", "right-token")
    assert outcome(application, "credentials") == ("pass", "one request each: scores at 127.0.0.1")


def test_the_settings_choose_the_status_that_passes(application):
    with_api(application, "204", "any", status=204)
    assert outcome(application, "credentials")[0] == "pass"


@pytest.mark.parametrize(
    ("path", "token", "rule"),
    [("200", "wrong-token", "credential-refused"), ("401", "right-token", "credential-refused")]
    + [(path, "right-token", "credential-answer") for path in ("404", "302")],
)
def test_an_api_that_does_not_accept_the_token_fails(application, path, token, rule):
    with_api(application, path, token)
    assert refused(application, "credentials") == [rule]
    assert rule in credentials.RULES


@pytest.mark.parametrize("path", ["500", "503", "429"])
def test_an_api_that_cannot_answer_now_is_unknown(application, path):
    with_api(application, path, "right-token")
    assert outcome(application, "credentials")[0] == "unknown"


def test_an_api_that_is_out_of_reach_is_unknown(application):
    with_api(application, "200", "right-token")
    application.closing.close()
    result, reason = outcome(application, "credentials")
    assert result == "unknown" and "127.0.0.1 does not answer" in reason


def test_credentials_that_are_optional_or_belong_to_a_host_are_skipped_while_no_variable_is_set(application):
    application.settings(credentials={"kalshi": {**KALSHI, "optional": True}, "other": KALSHI})
    result, reason = outcome(application, "credentials")
    assert result == "skipped" and "kalshi: optional" in reason and "other: " in reason and "--host" in reason


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"kind": "kalshi", "url": "https://x.invalid"}, "key_id_from"),
        ({"kind": "http"}, "give url, or url_from"),
        ({"kind": "http", "url": "x", "staus": 1}, "did you mean status?"),
    ],
)
def test_a_wrong_setting_is_one_error_with_its_line(application, setting, words):
    application.settings(credentials={"api": setting})
    run = application.predeploy("credentials")
    assert run.code == 2 and words in run.text and ":1: app.predeploy.credentials.api" in run.text
