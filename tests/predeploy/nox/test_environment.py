"""The virtual environment of the application's requirements."""

from __future__ import annotations

from tests.harness.predeploy_case import Case


def test_requirements_that_cannot_be_installed_are_told_once_and_other_checks_go_on(checkout, tmp_path):
    requirements = checkout.requirements + "no-such-package==1\n"
    app = checkout.application(tmp_path, Case(files={"requirements.txt": requirements}))
    found = checkout.checks(app, "lint", "unit", "smoke")
    assert [found[name]["outcome"] for name in ("lint", "unit", "smoke")] == ["pass", "unknown", "unknown"]
    assert "could not install requirements.txt" in found["unit"]["reason"]
    assert "no-such-package" in found["unit"]["reason"]
