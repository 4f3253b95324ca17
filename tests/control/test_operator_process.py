"""The operator's process: only whoever can see it may say that it is gone."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from switchyard.control import operator_process
from switchyard.control.operator_process import UNKNOWN, is_orphan, machine_id, this_process
from switchyard.core.wire.request import Holder, Operator


def test_a_living_operator_is_none_and_a_dead_one_is_an_orphan_at_once():
    with subprocess.Popen(["sleep", "60"]) as process:
        operator = Operator(machine_id(), process.pid, operator_process._start_time(process.pid))
        assert not is_orphan(Holder("one", operator)) and not is_orphan(None)
        process.kill()
        process.wait()
        assert is_orphan(Holder("one", operator))


def test_an_operator_of_another_pid_namespace_cannot_be_judged():
    assert os.readlink("/proc/self/ns/pid") in machine_id()
    elsewhere = replace(this_process(), machine=machine_id().replace("pid:[", "pid:[9"), started="1")
    assert not is_orphan(Holder("one", elsewhere))


def test_an_operator_whose_start_is_hidden_lives(monkeypatch):
    operator = replace(this_process(), started="1")
    assert is_orphan(Holder("one", operator))
    monkeypatch.setattr(operator_process, "machine_id", lambda: operator.machine)
    monkeypatch.setattr(operator_process, "Path", lambda path: Path("/nowhere"))
    assert this_process().started == UNKNOWN and not is_orphan(Holder("one", operator))


def test_a_machine_that_does_not_tell_its_boot_is_known_by_its_name(monkeypatch):
    monkeypatch.setattr(operator_process, "Path", lambda path: Path("/nowhere"))
    assert "/" not in machine_id()
