"""Audit: known vulnerabilities, looked up at an advisory source."""

from __future__ import annotations

import datetime

import pytest

from switchyard.predeploy.code import audit
from tests.harness.advisories import advisory
from tests.harness.predeploy_case import Case, checked, holds, seen, subject_of

YESTERDAY, TOMORROW = (str(datetime.date.today() + datetime.timedelta(days=days)) for days in (-1, 1))


CASES: dict[str, tuple[Case, Case]] = {
    "audit": (
        Case("fail", advisories={"iniconfig": [advisory("PYSEC-1")]}, rule="PYSEC-1", says="PYSEC-1, CVE-PYSEC-1"),
        Case(
            setting={"audit": {"ignore": [{"id": "CVE-PYSEC-2", "reason": "not reached", "until": TOMORROW}]}},
            advisories={
                "iniconfig": [advisory("PYSEC-1", withdrawn="2026-01-01T00:00:00Z")],
                "pluggy": [advisory("PYSEC-2")],
            },
            says=f"ignored CVE-PYSEC-2 until {TOMORROW}: not reached",
        ),
    ),
}
"""A violation that the check finds, and an innocent that looks like one."""


UNKNOWN: dict[str, Case] = {
    "an advisory source of an unknown kind is told": Case(
        setting={"audit": {"source": "pypy"}}, says="app.predeploy.audit.source: pypy"
    ),
    "an advisory source that is away knows nothing": Case(
        setting={"audit": {"source": "http://127.0.0.1:9/v1/query"}}, says="no answer from http://127.0.0.1:9"
    ),
}


def test_it_finds_what_is_planted(checkout, advisories, tmp_path):
    holds(CASES["audit"][0], checked("audit", CASES["audit"][0], checkout, tmp_path, advisories))


def test_it_leaves_alone_what_only_looks_wrong(checkout, advisories, tmp_path):
    holds(CASES["audit"][1], checked("audit", CASES["audit"][1], checkout, tmp_path, advisories))


@pytest.mark.parametrize("title", UNKNOWN)
def test_it_never_passes_where_it_cannot_look(title, checkout, advisories, tmp_path):
    check = checked("audit", UNKNOWN[title], checkout, tmp_path, advisories)
    assert check["outcome"] == "unknown", check["screen"]
    assert UNKNOWN[title].says in seen(check)


def test_an_ignore_that_ended_no_longer_counts_and_is_named(checkout, advisories, tmp_path):
    ignore = {"id": "PYSEC-1", "reason": "not reached", "until": YESTERDAY}
    case = Case(setting={"audit": {"ignore": [ignore]}}, advisories={"iniconfig": [advisory("PYSEC-1")]})
    check = checked("audit", case, checkout, tmp_path, advisories)
    assert check["outcome"] == "fail"
    assert f"it was ignored until {YESTERDAY}" in seen(check)


def test_a_package_that_the_source_does_not_know_is_not_audited(checkout, advisories, tmp_path):
    app = checkout.application(tmp_path, Case())
    advisories.known, advisories.unknown = {}, {"iniconfig"}
    check = checkout.checks(app, "audit", env=advisories.env)["audit"]
    assert check["outcome"] == "unknown"
    assert "not audited: pypi knows nothing of iniconfig" in check["reason"]


def test_a_service_with_the_api_of_osv_can_be_the_source(checkout, advisories, tmp_path):
    source = {"audit": {"source": f"{advisories.address}/v1/query"}}
    case = Case(setting=source, advisories={"iniconfig": [advisory("GHSA-1")]})
    check = checked("audit", case, checkout, tmp_path, advisories)
    assert check["outcome"] == "fail", check["screen"]
    assert "GHSA-1" in seen(check)


def test_an_audit_is_kept_for_a_day_and_no_longer_than_an_ignore(checkout, tmp_path):
    app = checkout.application(tmp_path, Case())
    made = subject_of(checkout, app)
    assert audit.lasts(made) == 86400
    tonight = {"id": "X", "reason": "x", "until": datetime.datetime.now(datetime.timezone.utc).date()}
    made.setting = made.setting.model_validate({"audit": {"ignore": [tonight]}})
    assert 0 < audit.lasts(made) < 86400
