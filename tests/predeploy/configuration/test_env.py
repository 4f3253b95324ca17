"""The host's env: variables judged by themselves, and runs without a host or without an answer from it.

The end-to-end tests check the env of a real host.
"""

from __future__ import annotations

import json

import pytest

from switchyard.predeploy.configuration.env import Requirement, judge
from switchyard.settings.predeploy import VariableSetting
from tests.harness.predeploy_configuration import KEY_ID

REQUIRED = Requirement(["compose.yaml"], required=True, may_be_empty=False)
BLANK = Requirement(["compose.yaml"], required=True, may_be_empty=True)
OPTIONAL = Requirement(["compose.yaml"])
PLANTED: list[tuple[dict[str, str], str, str]] = [
    ({}, "env-missing", ""),
    ({"A": ""}, "env-empty", ""),
    ({"A": "  "}, "env-empty", ""),
    *(({"A": value}, "env-placeholder", "") for value in ("changeme", "CHANGE_ME", "xxx", "your-key", "<a key>")),
    *(
        ({"A": value}, "env-placeholder", "")
        for value in ("TODO", "replace-me", "…", "change this!", "insert-key-here")
    ),
    *(
        ({"A": value}, "env-placeholder", "")
        for value in ("your_kalshi_api_key", "your-domain.example.com", "Your Token Here", "<DB-PASSWORD>", "<...>")
    ),
    ({"A": "x", "OTHER_TOKEN": "changeme"}, "env-placeholder", ""),
    ({"A": "x", "B_PASSWORD": "shown-to-all"}, "env-published", ""),
    ({"A": "8080x"}, "env-form", "port"),
    ({"A": "70000"}, "env-form", "port"),
    ({"A": "db:5432"}, "env-form", "url"),
    ({"A": "https://h:99999/"}, "env-form", "url"),
    ({"A": "1.5"}, "env-form", "integer"),
    ({"A": "maybe"}, "env-form", "boolean"),
    ({"A": "a952bcbe"}, "env-form", "uuid"),
    ({"A": "ops at example"}, "env-form", "email"),
    ({"A": "etc"}, "env-form", "path"),
    ({"A": "abc"}, "env-form", "[0-9]+"),
]
INNOCENT: list[tuple[dict[str, str], str]] = [
    *(
        ({"A": value}, "")
        for value in ("a=b=c", "a#b", "p@ss'w\"ord", "xx", "exchange-me-not", "example", "$ecret", "0")
    ),
    *(
        ({"A": value}, "")
        for value in ("fill_or_kill", "put_call_parity", "your-bets.example.com", "<noreply@example.org>", "<1.2.3>")
    ),
    ({"A": "x", "B_PASSWORD": "its-own"}, ""),
    ({"A": "x", "C_MODE": "same"}, ""),
    ({"A": "65535"}, "port"),
    ({"A": "redis://redis:6379/0"}, "url"),
    ({"A": "sqlite:////data/x.db"}, "url"),
    ({"A": "-3"}, "integer"),
    ({"A": ".5e3"}, "number"),
    ({"A": "TRUE"}, "boolean"),
    ({"A": KEY_ID.upper()}, "uuid"),
    ({"A": "ops+x@example.org"}, "email"),
    ({"A": "/"}, "path"),
    ({"A": "0042"}, "[0-9]+"),
]
EXAMPLE = {"A": "", "B_PASSWORD": "shown-to-all", "C_MODE": "same"}


def rules(env: dict[str, str], form: str, requirement: Requirement) -> list[str]:
    """Judge an env that has to set ``A``, and assert that no finding contains a value."""
    is_form = form in ("url", "integer", "number", "boolean", "uuid", "email", "port", "path")
    setting = VariableSetting.model_validate({"form" if is_form else "pattern": form} if form else {})
    findings = list(judge(env, {"A": requirement}, {"A": setting}, EXAMPLE))
    for finding in findings:
        assert not [value for value in env.values() if len(value) > 3 and value in finding.what + finding.do]
    return [finding.rule for finding in findings]


@pytest.mark.parametrize(("env", "rule", "form"), PLANTED)
def test_a_variable_with_a_value_that_cannot_work_is_found(env, rule, form):
    assert rules(env, form, REQUIRED) == [rule]


@pytest.mark.parametrize(("env", "form"), INNOCENT)
def test_a_variable_that_only_looks_odd_passes(env, form):
    assert rules(env, form, REQUIRED) == []


def test_an_optional_variable_may_be_missing_or_empty_and_a_required_one_may_be_allowed_to_be_empty():
    assert rules({}, "", OPTIONAL) == rules({"A": ""}, "", OPTIONAL) == rules({"A": ""}, "", BLANK) == []
    assert rules({"A": ""}, "url", OPTIONAL) == []
    assert rules({}, "", BLANK) == ["env-missing"]


def test_without_a_host_the_checks_of_env_and_services_are_skipped(application):
    run = application.predeploy("env,services")
    assert [run.check(name)["outcome"] for name in ("env", "services")] == ["skipped", "skipped"]
    assert run.text.count("--host") >= 2


def test_the_error_of_an_example_that_compose_cannot_read_names_the_file(application):
    application.write(".env.example", "A B=1\n")
    run = application.predeploy("compose")
    assert run.code == 3 and run.check("compose")["reason"].startswith(".env.example: "), run.text


def test_a_machine_out_of_reach_makes_its_own_checks_unknown_and_no_others(application):
    machine = {"name": "away1", "address": "127.0.0.1", "port": 1, "user": "nobody"}
    entry = {"machines": [machine], "env": {"files": ["away.env"]}}
    whole = json.loads((application.checkout / "invoke.yaml").read_text())
    (application.checkout / "invoke.yaml").write_text(json.dumps({**whole, "hosts": {"away": entry}}))
    (application.checkout / "away.env").touch(mode=0o600)
    application.write(".env.example", "TOKEN=\n")
    application.settings(gates={"compose": "no-worse-than-live"}, database={"service": "db"})
    run = application.predeploy("secrets,compose,env,tools,services,orphans,drift,query-time", "--host", "away")
    outcomes = {name: run.check(name)["outcome"] for name in ("secrets", "compose", "env", "tools", "services")}
    assert outcomes == dict.fromkeys(outcomes, "unknown") | {"secrets": "pass", "env": "fail"}, run.text
    assert run.rules("env") == ["env-missing", "not-checked"]
    reasons = [run.check(name)["reason"] for name in ("compose", "tools", "services", "orphans", "drift")]
    assert all("away1 (127.0.0.1:1): no SSH connection" in reason for reason in reasons), reasons
    assert run.code == 1 and "Traceback" not in run.text

    (application.checkout / "away.env").write_text("TOKEN=x7Kp-nothing-of-anybody\n")
    run = application.predeploy("secrets,env", "--host", "away")
    assert (run.code, run.check("secrets")["outcome"], run.check("env")["outcome"]) == (3, "pass", "unknown"), run.text
