"""The suites: unit, smoke and integration tests."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from switchyard.core.wire.checks import CheckRecord
from switchyard.predeploy.engine import gate
from switchyard.predeploy.tests import suite
from tests.harness.predeploy_case import TEST, Case, checked, holds, python, seen, subject_of
from tests.harness.stubborn_processes import all_gone, hanging

FLAKY = python("""
    import pathlib


    def test_now_and_then():
        mark = pathlib.Path(__file__).with_name("mark")
        seen = mark.exists()
        mark.touch()
        assert seen
""")


CASES: dict[str, tuple[Case, Case]] = {
    "unit": (
        Case(
            "fail",
            {"tests/unit/test_price.py": TEST.replace("== 90", "== 91")},
            rule="failed-test",
            says="test_a_discount_is_taken failed: assert 90 == 91",
        ),
        Case(
            files={
                "tests/unit/test_more.py": python("""
                    import os

                    import pytest


                    @pytest.mark.xfail(strict=True)
                    def test_failed():
                        print("FAILED")
                        assert False


                    @pytest.mark.skip
                    def test_later():
                        assert False


                    def test_it_sees_no_variable_of_the_caller_and_no_home():
                        assert "SWITCHYARD_CASE" not in os.environ
                        assert not os.listdir(os.environ["HOME"])
                """)
            },
            env={"SWITCHYARD_CASE": "1"},
            says="5 tests: 2 skipped, pytest",
        ),
    ),
    "smoke": (
        Case("fail", {"tests/smoke/test_smoke.py": "def test_it():\n    raise OSError('gone')\n"}, says="gone"),
        Case(files={"tests/smoke/helper.py": "raise OSError('no test')\n"}, says="1 tests"),
    ),
    "integration": (
        Case(
            "fail",
            {
                "tests/integration/test_whole.py": python("""
                    import pytest


                    @pytest.fixture
                    def server():
                        yield
                        raise OSError("still there")


                    def test_parts(server):
                        pass
                """)
            },
            rule="failed-test",
            says="test_parts failed in its teardown: OSError: still there",
        ),
        Case(
            files={
                "tests/integration/test_whole.py": "import os\n\n\ndef test_passed_on():\n"
                "    assert os.environ['SWITCHYARD_CASE'] == 'seen'\n"
            },
            setting={"passed": ["SWITCHYARD_CASE"]},
            env={"SWITCHYARD_CASE": "seen"},
        ),
    ),
}
"""A violation that the check finds, and an innocent that looks like one."""


UNKNOWN: dict[str, tuple[str, Case]] = {
    "a missing folder holds no tests": (
        "smoke",
        Case(setting={"tests": {"smoke": "tests/gone"}}, says="app.predeploy.tests.smoke: tests/gone does not exist"),
    ),
    "a folder without a test is no pass": (
        "smoke",
        Case(files={"tests/smoke/test_smoke.py": "x = 1\n"}, says="no test was collected in tests/smoke"),
    ),
    "a file that cannot be imported is no pass": (
        "unit",
        Case(
            files={"tests/unit/test_broken.py": "import gone_for_good\n"},
            says="test_broken.py: E   ModuleNotFoundError: No module named 'gone_for_good'",
        ),
    ),
    "options that pytest does not know are no pass": (
        "unit",
        Case(files={"pytest.ini": "[pytest]\naddopts = --no-such-option\n"}, says="--no-such-option"),
    ),
    "tests that were all skipped are no pass": (
        "smoke",
        Case(
            files={"tests/smoke/test_smoke.py": "import pytest\n\n\ndef test_it():\n    pytest.skip('later')\n"},
            says="all 1 tests in tests/smoke were skipped",
        ),
    ),
    "without requirements nothing is run": ("unit", Case(setting={"requirements": []}, says="requirements names no")),
    "a variable that is passed on and not set is told": (
        "unit",
        Case(setting={"passed": ["GONE_FOR_GOOD"]}, says="app.predeploy.passed: GONE_FOR_GOOD is not set"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_suite_finds_what_is_planted(name, checkout, tmp_path):
    holds(CASES[name][0], checked(name, CASES[name][0], checkout, tmp_path))


@pytest.mark.parametrize("name", CASES)
def test_each_suite_leaves_alone_what_only_looks_wrong(name, checkout, tmp_path):
    holds(CASES[name][1], checked(name, CASES[name][1], checkout, tmp_path))


@pytest.mark.parametrize("title", UNKNOWN)
def test_a_suite_never_passes_where_it_cannot_look(title, checkout, tmp_path):
    name, case = UNKNOWN[title]
    check = checked(name, case, checkout, tmp_path)
    assert check["outcome"] == "unknown", check["screen"]
    assert case.says in seen(check)


def test_a_test_that_passes_the_second_time_is_flaky_and_no_pass(checkout, tmp_path):
    check = checkout.checks(checkout.application(tmp_path, Case(files={"tests/unit/test_flaky.py": FLAKY})), "unit")[
        "unit"
    ]
    assert check["outcome"] == "fail"
    assert [finding["rule"] for finding in check["findings"]] == ["flaky-test"]
    assert "1 flaky" in check["reason"]


def test_a_test_that_the_application_runs_again_until_it_passes_is_flaky_too(checkout, tmp_path):
    conftest = python("""
        import pytest


        class Again:
            def pytest_runtest_logreport(self, report):
                if report.when == "call" and report.outcome == "passed" and report.nodeid not in seen:
                    seen.add(report.nodeid)
                    report.outcome = "rerun"
                    config.hook.pytest_runtest_logreport(report=report)
                    report.outcome = "passed"


        seen = set()


        def pytest_configure(config):
            globals().update(config=config)
            config.pluginmanager.register(Again())
    """)
    app = checkout.application(tmp_path, Case(files={"tests/smoke/conftest.py": conftest}))
    check = checkout.checks(app, "smoke")["smoke"]
    assert (check["outcome"], [each["rule"] for each in check["findings"]]) == ("fail", ["flaky-test"]), check["screen"]


def test_the_first_failure_ends_the_unit_tests_but_not_where_each_is_compared_with_live(checkout, tmp_path):
    case = Case(files={"tests/unit/test_a.py": "def test_a():\n    assert 0\n\n\ndef test_b():\n    assert 0\n"})
    app = checkout.application(tmp_path, case)
    assert "3 not run after the first failure" in checkout.checks(app, "unit")["unit"]["reason"]
    made = subject_of(checkout, app, {"gates": {"unit": "no-worse-than-live"}})
    result = suite.run("unit", made)
    assert sorted(result.tests.values()) == ["failed", "failed", "passed", "passed"]
    live = CheckRecord("fail", {}, tuple(finding.identity for finding in result.findings), result.tests)
    assert gate.no_worse(result, live, first=False).outcome == "pass"
    live = replace(live, tests={**result.tests, "tests/unit/test_a.py::test_c": "passed"})
    lost = gate.no_worse(result, live, first=False)
    assert (lost.outcome, [finding.rule for finding in lost.findings]) == ("fail", ["lost-test"])


def test_unit_tests_run_on_all_cores_where_the_requirements_have_xdist(checkout, tmp_path):
    where = "import os\n\n\ndef test_it_is_in_a_worker():\n    assert os.environ['PYTEST_XDIST_WORKER'] == 'none'\n"
    requirements = checkout.requirements + checkout.pin("pytest-xdist")
    files = {"tests/unit/test_where.py": where, "requirements.txt": requirements}
    app = checkout.application(tmp_path, Case(files=files))
    check = checkout.checks(app, "unit")["unit"]
    several = len(os.sched_getaffinity(0)) > 1
    assert check["outcome"] == "fail", check["screen"]
    assert ("AssertionError: assert 'gw" in seen(check)) == several
    (app / "tests/unit/test_where.py").unlink()
    found = checkout.checks(app, "tests")
    assert [check["outcome"] for check in found.values()] == ["pass"] * 4, found["unit"]["screen"]


def test_suites_within_the_folder_of_another_are_run_once(checkout, tmp_path):
    folders = {"tests": {"unit": "tests", "smoke": "tests/smoke", "integration": "tests/integration"}}
    app = checkout.application(tmp_path, Case(setting=folders))
    found = checkout.checks(app, "unit", "smoke")
    assert [found[name]["reason"].split(",")[0] for name in ("unit", "smoke")] == ["2 tests", "1 tests"]


def test_a_time_limit_ends_a_test_and_what_it_started(checkout, tmp_path):
    case = Case(files={"tests/unit/test_hang.py": hanging(tmp_path)}, setting={"timeout": 6})
    checkout.checks(checkout.application(tmp_path / "without", Case()), "smoke")
    check = checkout.checks(checkout.application(tmp_path / "with", case), "unit")["unit"]
    assert check["outcome"] == "unknown"
    assert "not done within 6 s (app.predeploy.timeout)" in check["reason"]
    assert all_gone(tmp_path)
