"""``inv deploy``: which checks it runs, and what it says where they stop it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from switchyard.control.deploy_options import DeployOptions
from switchyard.control.deployment import CommitChecks
from switchyard.control.screen import Screen
from switchyard.core.wire.checks import ChecksSummary
from switchyard.verbs.deploy import check_commit, check_options, stop_before_sending
from tests.harness.formats import require


def test_the_way_back_to_an_older_commit_runs_no_check():
    nothing: Any = SimpleNamespace()
    assert check_commit(nothing, [], nothing, DeployOptions(back=True)) == CommitChecks()


def test_the_checks_have_the_flags_that_concern_them():
    options = check_options(DeployOptions(skip=("audit",), allow_unknown=("rows",), reason="no network"))
    assert (options.skip, options.allow_unknown, options.reason) == (("audit",), ("rows",), "no network")


def test_a_commit_that_the_checks_stop_has_a_receipt_of_no_machine(capsys):
    summary = ChecksSummary("fail", "a" * 40, 1.5, {"lint": "fail"})
    assert stop_before_sending(CommitChecks(1, "NOT fit to deploy", None, summary), Screen(as_json=True)) == 1
    receipt = json.loads(capsys.readouterr().out)
    require("receipt", receipt)
    assert (receipt["outcome"], receipt["reason"], receipt["hosts"]) == ("refused", "NOT fit to deploy", [])
    assert receipt["predeploy"]["checks"] == {"lint": "fail"}
