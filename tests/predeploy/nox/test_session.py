"""A nox session on the application: its environment, its log and its reports."""

from __future__ import annotations

import json

from tests.harness.predeploy_case import Case


def test_a_value_that_is_passed_on_stands_in_no_report_log_or_screen(checkout, tmp_path):
    test = "import os\n\n\ndef test_it():\n    print(os.environ['TOKEN'])\n    assert os.environ['TOKEN'] == 'no'\n"
    case = Case(files={"tests/unit/test_price.py": test}, setting={"passed": ["TOKEN"]})
    check = checkout.checks(checkout.application(tmp_path, case), "unit", env={"TOKEN": "hunter2-hunter2"})["unit"]
    assert check["outcome"] == "fail"
    assert "hunter2" not in json.dumps(check)
    for path in (checkout.folder / ".switchyard").rglob("reports/**/*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()
