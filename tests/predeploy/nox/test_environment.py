"""The virtual environment of the application's requirements."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.predeploy.nox import environment
from tests.harness.predeploy_case import Case


def test_requirements_that_cannot_be_installed_are_told_once_and_other_checks_go_on(checkout, tmp_path):
    requirements = checkout.requirements + "no-such-package==1\n"
    app = checkout.application(tmp_path, Case(files={"requirements.txt": requirements}))
    found = checkout.checks(app, "lint", "unit", "smoke")
    assert [found[name]["outcome"] for name in ("lint", "unit", "smoke")] == ["pass", "unknown", "unknown"]
    assert "could not install requirements.txt" in found["unit"]["reason"]
    assert "no-such-package" in found["unit"]["reason"]


def test_without_requirements_there_is_no_environment_for_any_check_of_the_run(subject):
    for _ in range(2):
        with pytest.raises(BadInput, match="app.predeploy.requirements names no file".replace(".", r"\.")):
            environment.python(subject)


def test_a_change_of_an_included_file_needs_another_environment(subject, tmp_path):
    (tmp_path / "all.txt").write_text("-r more.txt\n")
    (tmp_path / "more.txt").write_text("pytest==9\n")
    before = environment._digest(subject, ["all.txt"])
    assert environment._digest(subject, ["all.txt"]) == before
    (tmp_path / "more.txt").write_text("pytest==8\n")
    assert environment._digest(subject, ["all.txt"]) != before
