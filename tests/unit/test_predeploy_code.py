"""The checks of code and tests: what each finds, what it leaves alone, and what it could not look at."""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from switchyard.control import commit as source
from switchyard.control.screen import Screen
from switchyard.core.wire.checks import CheckRecord
from switchyard.predeploy.all import CHECKS
from switchyard.predeploy.code import tools as code
from switchyard.predeploy.engine import gate, process, tree, validation
from switchyard.predeploy.engine.options import CheckOptions
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.tests import suites
from switchyard.settings import load as settings
from tests.harness.advisories import Advisories, advisory
from tests.harness.machine_answers import checks_answer, host_machine
from tests.harness.predeploy_case import FILES, ROOT, TEST, Case, Checkout, holds, python, seen

YESTERDAY, TOMORROW = (str(datetime.date.today() + datetime.timedelta(days=days)) for days in (-1, 1))
HALF = python("""
    def one() -> int:
        return 1


    def other() -> int:
        return 2
""")
"""Four statements; a test that calls one function reaches three of them: 75 %."""
HALF_TEST = "from shop.half import one\n\n\ndef test_one():\n    assert one() == 1\n"
FLAKY = python("""
    import pathlib


    def test_now_and_then():
        mark = pathlib.Path(__file__).with_name("mark")
        seen = mark.exists()
        mark.touch()
        assert seen
""")

CASES: dict[str, tuple[Case, Case]] = {
    "lint": (
        Case("fail", {"tests/unit/test_more.py": "import os\n"}, rule="F401", says="`os` imported but unused"),
        Case(
            files={
                "shop/__init__.py": "from shop.price import after\n\n__all__ = ['after']\n",
                "shop/old.py": "import os  # noqa: F401\nx  =  1\n",
            },
            says="rules; no layout is configured",
        ),
    ),
    "deadcode": (
        Case(
            "fail",
            {"shop/price.py": "def f(x: int) -> int:\n    return x\n    print(x)\n"},
            rule="unreachable-code",
            says="unreachable code after 'return'",
        ),
        Case(
            files={
                "shop/price.py": python("""
                    from __future__ import annotations

                    from typing import TYPE_CHECKING

                    if TYPE_CHECKING:
                        from os import PathLike


                    def name_that_nobody_calls(path: PathLike[str], *_: object) -> str:
                        return str(path)
                """),
                "shop/more.py": "import unused\n",
                "allowed.py": "import unused\n\nunused\n",
            },
            setting={"allowlist": "allowed.py"},
            says="allowed by allowed.py",
        ),
    ),
    "types": (
        Case(
            "fail",
            {"shop/price.py": "def after(price: int) -> int:\n    return str(price)\n"},
            rule="return-value",
            says="Incompatible return value type",
        ),
        Case(
            files={
                "shop/price.py": "from shop.wrong import number\n\n\ndef after() -> int:\n    return number\n",
                "shop/wrong.py": "number: int = 1\nwrong: int = 'a module that the settings do not name'\n",
            },
            says="1 files of shop/price.py, mypy",
        ),
    ),
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
    "coverage": (
        Case(
            "fail",
            {"shop/half.py": HALF, "tests/unit/test_half.py": HALF_TEST, "shop/price.py": None}
            | {"tests/unit/test_price.py": None, "tests/smoke/test_smoke.py": "def test_it():\n    pass\n"},
            setting={"coverage": 75.0, "modules": []},
            rule="coverage",
            says="75 % is not more than 75 %; not reached most: shop/half.py (1 lines)",
        ),
        Case(
            files={
                "shop/half.py": HALF,
                "tests/unit/test_half.py": HALF_TEST,
                "tests/smoke/test_other.py": python("""
                    import subprocess
                    import sys


                    def test_in_a_process_of_its_own():
                        code = "from shop.half import other; assert other() == 2"
                        subprocess.run([sys.executable, "-c", code], check=True)
                """),
            },
            setting={"coverage": 99.9},
            says="100 % of 8 statements and 2 branches in 3 of 3 files, by unit, smoke, integration",
        ),
    ),
}
"""Each check with a violation that it finds, and what looks like one and is none."""

UNKNOWN: dict[str, tuple[str, Case]] = {
    "a source without Python is no lint": (
        "lint",
        Case(files={"docs/x.txt": "x"}, setting={"sources": ["shop", "docs"]}, says="ruff looks at no file of docs"),
    ),
    "a source that the configuration excludes is no lint": (
        "lint",
        Case(files={"ruff.toml": 'exclude = ["shop"]\n'}, says="ruff looks at no file of shop"),
    ),
    "a configuration that ruff cannot read is no lint": ("lint", Case(files={"ruff.toml": "line-length = x\n"})),
    "a source without Python is no search for dead code": (
        "deadcode",
        Case(files={"docs/x.txt": "x"}, setting={"sources": ["docs"]}, says="no Python file in docs"),
    ),
    "a missing allowlist is none": (
        "deadcode",
        Case(setting={"allowlist": "gone.py"}, says="app.predeploy.allowlist: gone.py does not exist"),
    ),
    "a file that cannot be parsed has no types": (
        "types",
        Case(files={"shop/price.py": "def f(:\n"}, says="mypy could not check: shop/price.py:1"),
    ),
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
    "coverage of no sources is none": ("coverage", Case(setting={"sources": []}, says="set app.predeploy.sources")),
    "coverage after a failed suite is none": (
        "coverage",
        Case(
            files={"tests/smoke/test_smoke.py": "x = 1\n"},
            says="smoke left no data of all its tests in this tree",
        ),
    ),
    "a variable that is passed on and not set is told": (
        "unit",
        Case(setting={"passed": ["GONE_FOR_GOOD"]}, says="app.predeploy.passed: GONE_FOR_GOOD is not set"),
    ),
    "an advisory source of an unknown kind is told": (
        "audit",
        Case(setting={"audit": {"source": "pypy"}}, says="app.predeploy.audit.source: pypy"),
    ),
    "an advisory source that is away knows nothing": (
        "audit",
        Case(setting={"audit": {"source": "http://127.0.0.1:9/v1/query"}}, says="no answer from http://127.0.0.1:9"),
    ),
}


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def advisories(tmp_path_factory: pytest.TempPathFactory) -> Advisories:
    return Advisories(tmp_path_factory.mktemp("advisories"))


def ran(name: str, case: Case, checkout: Checkout, advisories: Advisories, folder: Path) -> dict:
    """A check's entry; coverage needs the suites."""
    advisories.found, advisories.unknown = dict(case.advisories), set()
    names = [*suites.SUITES, name] if name == "coverage" else [name]
    env = {**(advisories.env if name == "audit" else {}), **case.env}
    return checkout.checks(checkout.application(folder, case), *names, env=env)[name]


@pytest.mark.parametrize("name", CASES)
def test_each_check_finds_what_is_planted(name, checkout, advisories, tmp_path):
    holds(CASES[name][0], ran(name, CASES[name][0], checkout, advisories, tmp_path))


@pytest.mark.parametrize("name", CASES)
def test_each_check_leaves_alone_what_only_looks_wrong(name, checkout, advisories, tmp_path):
    holds(CASES[name][1], ran(name, CASES[name][1], checkout, advisories, tmp_path))


def test_every_check_of_code_and_tests_has_both():
    assert {"lint", "deadcode", "types", "audit", *(check.name for check in suites.CHECKS)} == set(CASES)


@pytest.mark.parametrize("title", UNKNOWN)
def test_what_could_not_be_looked_at_is_never_a_pass(title, checkout, advisories, tmp_path):
    name, case = UNKNOWN[title]
    check = ran(name, case, checkout, advisories, tmp_path)
    assert check["outcome"] == "unknown", check["screen"]
    assert case.says in seen(check)


def test_layout_counts_where_it_is_configured(checkout, tmp_path):
    app = checkout.application(tmp_path, Case(files={"ruff.toml": "[format]\n", "shop/loose.py": "x  =  1\n"}))
    found = checkout.checks(app, "lint")["lint"]
    assert [(each["rule"], each["place"], each["line"]) for each in found["findings"]] == [
        ("unformatted", "shop/loose.py", 1)
    ]


def test_code_that_the_application_tells_vulture_to_leave_out_is_looked_at_and_that_is_told(checkout, tmp_path):
    dead = "def after(price: int) -> int:\n    return price\n    print(price)\n"
    own = FILES["pyproject.toml"] + '\n[tool.vulture]\nexclude = ["shop/"]\nmake_whitelist = true\n'
    app = checkout.application(tmp_path, Case(files={"shop/price.py": dead, "pyproject.toml": own}))
    check = checkout.checks(app, "deadcode")["deadcode"]
    assert [each["rule"] for each in check["findings"]] == ["unreachable-code"], check["screen"]
    assert "2 files at a confidence of 80 %, without exclude, make_whitelist of [tool.vulture]" in check["reason"]


def test_fix_corrects_the_work_tree_before_it_is_looked_at(checkout, tmp_path):
    app = checkout.application(
        tmp_path, Case(files={"ruff.toml": "[format]\n", "shop/loose.py": "import os\nx  =  1\n"})
    )
    assert checkout.checks(app, "lint", words=("--fix",))["lint"]["outcome"] == "pass"
    assert (app / "shop/loose.py").read_text() == "x = 1\n"


def test_an_ignore_that_ended_no_longer_counts_and_is_named(checkout, advisories, tmp_path):
    ignore = {"id": "PYSEC-1", "reason": "not reached", "until": YESTERDAY}
    case = Case(setting={"audit": {"ignore": [ignore]}}, advisories={"iniconfig": [advisory("PYSEC-1")]})
    check = ran("audit", case, checkout, advisories, tmp_path)
    assert check["outcome"] == "fail"
    assert f"it was ignored until {YESTERDAY}" in seen(check)


def test_a_package_that_the_source_does_not_know_is_not_audited(checkout, advisories, tmp_path):
    app = checkout.application(tmp_path, Case())
    advisories.found, advisories.unknown = {}, {"iniconfig"}
    check = checkout.checks(app, "audit", env=advisories.env)["audit"]
    assert check["outcome"] == "unknown"
    assert "not audited: pypi knows nothing of iniconfig" in check["reason"]


def test_a_service_with_the_api_of_osv_can_be_the_source(checkout, advisories, tmp_path):
    source = {"audit": {"source": f"{advisories.address}/v1/query"}}
    case = Case(setting=source, advisories={"iniconfig": [advisory("GHSA-1")]})
    check = ran("audit", case, checkout, advisories, tmp_path)
    assert check["outcome"] == "fail", check["screen"]
    assert "GHSA-1" in seen(check)


def test_an_audit_is_kept_for_a_day_and_no_longer_than_an_ignore(checkout, tmp_path):
    app = checkout.application(tmp_path, Case())
    made = of_work_tree(checkout, app)
    assert code._audit_lasts(made) == 86400
    tonight = {"id": "X", "reason": "x", "until": datetime.datetime.now(datetime.timezone.utc).date()}
    made.setting = made.setting.model_validate({"audit": {"ignore": [tonight]}})
    assert 0 < code._audit_lasts(made) < 86400


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
    made = of_work_tree(checkout, app, {"gates": {"unit": "no-worse-than-live"}})
    result = suites.suite("unit", made)
    assert sorted(result.tests.values()) == ["failed", "failed", "passed", "passed"]
    known = {"findings": [list(each.identity) for each in result.findings], "tests": result.tests, "outcome": "fail"}
    assert gate.no_worse(result, known, first=False).outcome == "pass"
    known["tests"] = {**result.tests, "tests/unit/test_a.py::test_c": "passed"}
    lost = gate.no_worse(result, known, first=False)
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


@pytest.mark.parametrize("ends", [True, False])
def test_nothing_that_a_command_started_outlives_it_or_its_end_before_time(ends, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(HEAD.format(str(tmp_path)) + started() + ("" if ends else "time.sleep(600)\n"))
    cancelled = threading.Event()
    if not ends:
        threading.Thread(target=lambda: (wait_for(tmp_path / "pids"), cancelled.set())).start()
    command, env = [sys.executable, str(script)], dict(os.environ)
    code = process.run(command, folder=tmp_path, env=env, log=tmp_path / "log", limit=60, cancelled=cancelled)
    assert code == (0 if ends else None)
    assert all_gone(tmp_path)


def test_ctrl_c_ends_what_the_tests_started(checkout, tmp_path):
    app = checkout.application(tmp_path, Case(files={"tests/unit/test_hang.py": hanging(tmp_path)}))
    command = [sys.executable, "-m", "invoke", "predeploy", "--app", str(app), "--only", "unit"]
    running = subprocess.Popen(
        command,
        cwd=checkout.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(tmp_path / "pids")
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert b"Traceback" not in said
    assert all_gone(tmp_path)


def test_a_kept_pass_of_unit_keeps_its_data_and_is_run_again_without(checkout, tmp_path):
    app = checkout.application(tmp_path, Case())
    first = checkout.checks(app, "tests")
    assert {check["outcome"] for check in first.values()} == {"pass"}, first["unit"]["screen"]
    again = checkout.checks(app, "tests")
    assert [name for name, check in again.items() if check["cached"]] == ["unit"]
    assert again["coverage"]["outcome"] == "pass"
    for path in (checkout.folder / ".switchyard/checks/shop/coverage/unit").glob("*/*"):
        path.unlink()
    third = checkout.checks(app, "tests")
    assert (third["unit"]["cached"], third["coverage"]["outcome"]) == (None, "pass")


def test_a_pass_is_kept_also_where_the_application_is_the_checkout(checkout, tmp_path):
    app = checkout.application(tmp_path, Case())
    (app / "tasks.py").write_text((checkout.folder / "tasks.py").read_text())
    command = [
        sys.executable,
        "-m",
        "invoke",
        "predeploy",
        "--only",
        "lint",
        "--json",
        str(tmp_path.parent / "kept.json"),
    ]
    for _ in range(2):
        subprocess.run(command, cwd=app, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
    assert json.loads((tmp_path.parent / "kept.json").read_text())["checks"][0]["cached"]


def test_the_limit_itself_is_not_enough_and_a_little_below_it_is(checkout, tmp_path):
    planted, _ = CASES["coverage"]
    case = Case(files=planted.files, setting={**planted.setting, "coverage": 74.99})
    app = checkout.application(tmp_path, case)
    assert checkout.checks(app, "tests")["coverage"]["outcome"] == "pass"


def test_what_nothing_imports_or_the_application_leaves_out_counts_and_is_named(checkout, tmp_path):
    files = {
        "shop/forgotten/part.py": "x = 1\ny = 2\n",
        "shop/hidden.py": "x = 1\n",
        "shop/price.py": FILES["shop/price.py"] + "\n\ndef unused() -> None:  # pragma: no cover\n    print()\n",
        ".coveragerc": "[run]\nomit = shop/hidden.py\n[report]\nexclude_also = print\n",
    }
    app = checkout.application(tmp_path, Case(files=files))
    check = checkout.checks(app, "tests")["coverage"]
    assert check["facts"]["files"] == 4
    assert check["facts"]["statements"] == 9
    assert check["outcome"] == "fail"
    assert "counts all the same: run omit shop/hidden.py; exclude list print; 1 times pragma" in check["reason"]


def test_a_source_that_no_report_has_is_a_finding(checkout, tmp_path):
    app = checkout.application(tmp_path, Case(files={"shop/broken.py": "def f(:\n"}))
    check = checkout.checks(app, "tests")["coverage"]
    assert ("not-measured", "shop/broken.py") in [(each["rule"], each["place"]) for each in check["findings"]]


COUNTED = ("tests", "failures", "errors", "skipped")
OWN = python("""
    import os
    import pathlib

    import nox

    nox.options.default_venv_backend = "none"
    JUNIT = '<testsuites><testsuite><testcase classname="a" name="b">{}</testcase></testsuite></testsuites>'


    @nox.session
    def good(session):
        pathlib.Path(os.environ["SWITCHYARD_REPORT"]).write_text(JUNIT.format(""))


    @nox.session
    def bad(session):
        pathlib.Path(os.environ["SWITCHYARD_REPORT"]).write_text(JUNIT.format('<failure message="no"/>'))
        session.error("no")


    @nox.session
    def silent(session):
        session.run("true", external=True)


    @nox.session
    def loud(session):
        session.run("false", external=True)


    @nox.session
    def empty(session):
        pathlib.Path(os.environ["SWITCHYARD_REPORT"]).write_text("<testsuites/>")


    @nox.session
    def left_out(session):
        session.skip("not today")
""")


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
    app = checkout.application(tmp_path, Case(files={"noxfile.py": OWN}, setting={"sessions": {"unit": name}}))
    check = checkout.checks(app, "unit")["unit"]
    assert check["outcome"] == outcome, check["screen"]
    assert says in seen(check)


@pytest.mark.parametrize("name", ["lint", "deadcode", "types", "audit", "coverage"])
def test_a_session_stands_for_a_check_without_tests_by_its_exit_code_and_its_pass_is_not_kept(name, checkout, tmp_path):
    found = {}
    for session in ("silent", "loud", "gone"):
        case = Case(files={"noxfile.py": OWN}, setting={"sessions": {name: session}})
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


def test_fix_leaves_to_a_session_of_the_application_what_it_stands_for(checkout, tmp_path):
    files = {"noxfile.py": OWN, "shop/loose.py": "import os\n"}
    app = checkout.application(tmp_path, Case(files=files, setting={"sessions": {"lint": "silent"}}))
    assert "nothing is corrected" in checkout.checks(app, "lint", words=("--fix",))["lint"]["screen"]
    assert (app / "shop/loose.py").read_text() == "import os\n"


def test_what_failed_is_told_with_its_last_lines_and_where_all_of_them_are_and_junit_has_it_all(checkout, tmp_path):
    said = "".join(f"    print('line', {number})\n" for number in range(50))
    failing = f"def test_it():\n{said}    print('\\a and the last')\n    assert 90 == 91\n"
    files = {"tests/unit/test_price.py": failing, "tests/smoke/test_smoke.py": "x = 1\n"}
    setting = {"tests": {"unit": "tests/unit", "smoke": "tests/smoke"}}
    app = checkout.application(tmp_path / "app", Case(files=files, setting=setting))
    junit = tmp_path / "told" / "junit.xml"
    unit = checkout.checks(app, "lint", "unit", "smoke", "integration", words=("--junit", str(junit)))["unit"]
    shown, _, rest = unit["screen"].partition("\nunit: fail")[2].partition("  the whole output: ")
    last = [line for line in shown.splitlines() if line.startswith("  | ")]
    assert len(last) == 20 and any("assert 90 == 91" in line for line in last)
    log = Path(rest.splitlines()[0])
    assert "line 0\n" in log.read_text() and "line 0\n" not in unit["screen"]

    whole = {suite.get("name"): suite for suite in ElementTree.parse(junit).getroot()}
    counts = {name: [suite.get(key) for key in COUNTED] for name, suite in whole.items()}
    assert counts == {"code": ["1", "0", "0", "0"], "tests": ["3", "1", "1", "1"]}
    cases = {case.get("name"): [(part.tag, part.get("message"), part.text) for part in case] for case in whole["tests"]}
    ((tag, message, text),) = cases["unit"]
    assert tag == "failure" and message == unit["reason"]
    assert (
        "tests/unit/test_price.py:53: tests/unit/test_price.py::test_it failed: assert 90 == 91 [failed-test]" in text
    )
    assert "\n and the last\n" in text
    assert [each[:2] for each in cases["smoke"]] == [("error", "no test was collected in tests/smoke")]
    assert [tag for tag, *_ in cases["integration"]] == ["skipped"]
    assert [list(case) for case in whole["code"]] == [[]]


@pytest.mark.parametrize("flag", ["--json", "--junit"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "it is a folder"),
        ("/proc/told", ""),
        ("tasks.py/told", "File exists"),
        ("o" * 300, "too long"),
    ],
)
def test_a_file_for_the_results_that_cannot_be_written_is_told_before_anything_is_checked(
    flag, name, words, checkout, tmp_path
):
    done = checkout.run(checkout.application(tmp_path, Case()), "--only", "lint", flag, name)
    assert done.returncode == 2 and done.stdout == "", done.stdout
    assert done.stderr.startswith(f"{flag} {name}: ") and words in done.stderr and "Traceback" not in done.stderr
    assert "name a file that can be written" in done.stderr


def test_a_value_that_is_passed_on_stands_in_no_report_log_or_screen(checkout, tmp_path):
    test = "import os\n\n\ndef test_it():\n    print(os.environ['TOKEN'])\n    assert os.environ['TOKEN'] == 'no'\n"
    case = Case(files={"tests/unit/test_price.py": test}, setting={"passed": ["TOKEN"]})
    check = checkout.checks(checkout.application(tmp_path, case), "unit", env={"TOKEN": "hunter2-hunter2"})["unit"]
    assert check["outcome"] == "fail"
    assert "hunter2" not in json.dumps(check)
    for path in (checkout.folder / ".switchyard").rglob("reports/**/*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()


def test_requirements_that_cannot_be_installed_are_told_once_and_other_checks_go_on(checkout, tmp_path):
    requirements = checkout.requirements + "no-such-package==1\n"
    app = checkout.application(tmp_path, Case(files={"requirements.txt": requirements}))
    found = checkout.checks(app, "lint", "unit", "smoke")
    assert [found[name]["outcome"] for name in ("lint", "unit", "smoke")] == ["pass", "unknown", "unknown"]
    assert "could not install requirements.txt" in found["unit"]["reason"]
    assert "no-such-package" in found["unit"]["reason"]


def test_a_broken_commit_is_not_saved_by_a_good_work_tree(checkout, tmp_path):
    app = checkout.application(tmp_path, CASES["lint"][0])
    (app / "tests/unit/test_more.py").write_text("")
    host = settings.nowhere(checkout.folder, str(app))
    assert code.lint(of_work_tree(checkout, app)).outcome == "pass"
    picked = source.pick(app, None, allow_dirty=True)
    with tree.of_commit(host, picked, {}) as commit:
        assert code.lint(commit).outcome == "fail"


def beside_live(checkout: Checkout, app: Path, name: str, tools: dict[str, str], commit: str = "") -> gate.Verdict:
    """A check of what is live, no worse than a result of other tools that found nothing."""
    made = of_work_tree(checkout, app, {"gates": {name: "no-worse-than-live"}})
    kept = CheckRecord("pass", tools=tools, findings=(), tests={})
    answer = checks_answer(commit or source.pick(app, None, allow_dirty=True).commit, {name: kept})
    made.machines = (host_machine("prod1", answer),)
    options = CheckOptions(only=("tests" if name == "coverage" else name,))
    verdicts = validation.validate(CHECKS, made, options, Screen(as_json=True))
    (found,) = (each for each in verdicts if each.name == name)
    return found


def test_what_only_another_version_of_a_tool_finds_is_looked_for_in_the_live_commit_too(checkout, tmp_path):
    app = checkout.application(tmp_path, CASES["lint"][0])
    same = {"ruff": importlib.metadata.version("ruff")}
    assert beside_live(checkout, app, "lint", {"ruff": "0.0.1"}).result.outcome == "pass"
    assert beside_live(checkout, app, "lint", same).result.outcome == "fail"
    (app / "shop/price.py").write_text("import os\n")
    worse = beside_live(checkout, app, "lint", {"ruff": "0.0.1"}).result
    assert (worse.outcome, [each.place for each in worse.findings]) == ("fail", ["shop/price.py"])
    assert beside_live(checkout, app, "lint", {"ruff": "0.0.1"}, commit="0" * 40).result.outcome == "unknown"


def test_coverage_of_the_live_commit_by_another_version_is_that_of_its_suites_run_again(checkout, tmp_path):
    app = checkout.application(tmp_path, CASES["coverage"][0])
    found = beside_live(checkout, app, "coverage", {"coverage": "0.1"})
    assert (found.result.outcome, found.own_result.outcome) == ("pass", "fail"), found.result.reason
    assert found.result.reason == "0 new beside 1 of the live release"


def of_work_tree(checkout: Checkout, app: Path, setting: dict | None = None) -> Subject:
    made = tree.of_work_tree(settings.nowhere(checkout.folder, str(app)), {})
    made.setting = made.setting.model_validate({**made.setting.model_dump(), **(setting or {})})
    return made


HEAD = "import pathlib\nimport subprocess\nimport sys\nimport time\n\nFOLDER = {!r}\n"


def started() -> str:
    """Starts a process in the group and one outside of it, both deaf to a request to end, and writes down both."""
    return python("""
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        pids = [subprocess.Popen([sys.executable, "-c", deaf], start_new_session=new).pid for new in (False, True)]
        aside = pathlib.Path(FOLDER, "pids.part")
        aside.write_text(" ".join(map(str, pids)))
        aside.rename(aside.with_name("pids"))
    """)


def hanging(folder: Path) -> str:
    body = "".join(f"    {line}\n" for line in started().splitlines())
    return f"{HEAD.format(str(folder))}\n\ndef test_hangs():\n{body}    time.sleep(600)\n"


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)


def all_gone(folder: Path) -> bool:
    """Whether no process that was written down is still there; a zombie has ended."""
    pids = (folder / "pids").read_text().split() if (folder / "pids").exists() else []
    return not [pid for pid in pids if _state(pid) not in ("", "Z")]


def _state(pid: str) -> str:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
