"""A nox session on the application: its environment, its log and its reports."""

from __future__ import annotations

import json

import pytest

from switchyard.core.errors import NotChecked
from switchyard.predeploy.nox.session import SessionRun
from tests.harness.predeploy_case import Case


def test_a_value_that_is_passed_on_stands_in_no_report_log_or_screen(checkout, tmp_path):
    test = "import os\n\n\ndef test_it():\n    print(os.environ['TOKEN'])\n    assert os.environ['TOKEN'] == 'no'\n"
    case = Case(files={"tests/unit/test_price.py": test}, setting={"passed": ["TOKEN"]})
    check = checkout.checks(checkout.application(tmp_path, case), "unit", env={"TOKEN": "hunter2-hunter2"})["unit"]
    assert check["outcome"] == "fail"
    assert "hunter2" not in json.dumps(check)
    for path in (checkout.folder / ".switchyard").rglob("reports/**/*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()


def test_a_tool_that_did_not_run_or_that_failed_itself_is_not_checked(tmp_path):
    (tmp_path / "log").write_text("nox > Running session\nno such program\n")
    run = SessionRun(tmp_path, ended=True)
    with pytest.raises(NotChecked, match="ruff did not run: no such program"):
        run.code("ruff", 0)
    (tmp_path / "ruff.code").write_text("2")
    with pytest.raises(NotChecked, match="ruff could not check, it ended with 2"):
        run.code("ruff", 0, 1)
    assert run.code("ruff", 2) == 2


def test_a_report_that_is_no_json_is_not_checked(tmp_path):
    (tmp_path / "log").write_text("")
    (tmp_path / "ruff").write_text("{")
    with pytest.raises(NotChecked, match="ruff left no readable report"):
        SessionRun(tmp_path, ended=True).json("ruff")


def test_a_session_without_an_end_has_reached_its_limit(tmp_path):
    (tmp_path / "log").write_text("")
    with pytest.raises(NotChecked, match=r"ruff was not done within the limit \(app.predeploy.timeout\)"):
        SessionRun(tmp_path, ended=False).code("ruff", 0)
