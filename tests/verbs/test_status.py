"""``inv status``: what a person and a program read."""

from __future__ import annotations

import json

import pytest

from switchyard.control import host_answers
from switchyard.core.app import Route
from switchyard.core.errors import DRIFT, NOT_CHECKED, OK, NotChecked
from switchyard.core.wire.answers import KeptRelease, LeaseStatus, SlotStatus, Status
from switchyard.verbs.status import status
from tests.harness.answering_host import AnsweringChannel, replace_host
from tests.harness.formats import require
from tests.harness.told_channel import NEW

SLOT = SlotStatus("blue", NEW, "c" * 40, "good", 1.0, None)
KEPT = KeptRelease(NEW, 2, "c" * 40, "good", "a subject", ("web",))
LEASE = LeaseStatus("ann@laptop", "deploy", 1.0, "its program is gone")


def answer(*drift: str) -> Status:
    return Status(SLOT, None, (Route("web", 80, 8080),), "blue", "blue", LEASE, (KEPT,), drift, ())


@pytest.mark.parametrize("drift,code", [((), OK), (("blue, which is live, has no container",), DRIFT)])
def test_a_program_reads_one_report_and_drift_is_an_exit_code(monkeypatch, tmp_path, capsys, drift, code):
    replace_host(monkeypatch, host_answers, AnsweringChannel("one", answer(*drift)))
    assert status(tmp_path, "prod", as_json=True) == code
    report = json.loads(capsys.readouterr().out)
    require("status", report)
    assert report["hosts"][0]["url"] == "http://192.0.2.1:8080"


def test_a_person_reads_slots_lease_releases_and_which_machine_did_not_answer(monkeypatch, tmp_path, capsys):
    away = AnsweringChannel("two", NotChecked("two: no SSH connection"))
    replace_host(monkeypatch, host_answers, AnsweringChannel("one", answer("one is missing")), away)
    assert status(tmp_path, "prod", as_json=False) == NOT_CHECKED
    output = capsys.readouterr().out
    for text in (
        f"one: live blue  {NEW} (good, ",
        "health unknown",
        "one: idle nothing",
        "ann@laptop holds the lease: deploy",
        "its program is gone",
        "images gone: web",
        "one: drift: one is missing",
        "two: no SSH connection",
    ):
        assert text in output, output
