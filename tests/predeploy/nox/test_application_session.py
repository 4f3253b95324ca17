"""A session of the application's own noxfile in place of a check."""

from __future__ import annotations

import pytest

from tests.harness.predeploy_case import SESSIONS, Case, seen


@pytest.mark.parametrize(
    ("name", "outcome", "says"),
    [
        ("good", "pass", "session good of noxfile.py: 1 tests"),
        ("bad", "fail", "a::b failed: no"),
        ("silent", "unknown", "left no JUnit file at $SWITCHYARD_REPORT, so whether it ran any test is not known"),
        ("loud", "fail", "session loud of noxfile.py failed"),
        ("empty", "unknown", "ran no test"),
        ("left_out", "unknown", "did not run: skipped"),
        ("gone", "unknown", "could not run, nox ended with 3"),
    ],
)
def test_a_session_of_the_application_itself_stands_for_a_check(name, outcome, says, checkout, tmp_path):
    app = checkout.application(tmp_path, Case(files={"noxfile.py": SESSIONS}, setting={"sessions": {"unit": name}}))
    check = checkout.checks(app, "unit")["unit"]
    assert check["outcome"] == outcome, check["screen"]
    assert says in seen(check)


@pytest.mark.parametrize("name", ["lint", "deadcode", "types", "audit", "coverage"])
def test_a_session_stands_for_a_check_without_tests_by_its_exit_code_and_its_pass_is_not_kept(name, checkout, tmp_path):
    found = {}
    for session in ("silent", "loud", "gone"):
        case = Case(files={"noxfile.py": SESSIONS}, setting={"sessions": {name: session}})
        app = checkout.application(tmp_path / session, case)
        found[session] = [checkout.checks(app, name)[name] for _ in range(2 if session == "silent" else 1)]
    assert {session: each[0]["outcome"] for session, each in found.items()} == {
        "silent": "pass",
        "loud": "fail",
        "gone": "unknown",
    }
    assert "session silent of noxfile.py: its exit code is 0" in found["silent"][0]["reason"]
    assert found["silent"][1]["cached"] is None


def test_a_session_for_what_is_no_check_of_code_or_tests_is_told_with_its_line(checkout, tmp_path):
    app = checkout.application(tmp_path, Case(setting={"sessions": {"units": "tests"}}))
    done = checkout.run(app, "--only", "unit")
    assert done.returncode == 2 and "app.predeploy.sessions.units: unknown key; did you mean unit?" in done.stderr
