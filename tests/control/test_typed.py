"""The age of a verb: from the start of its process, else from the moment when it began."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from switchyard.control import typed
from switchyard.control.typed import Clock
from tests.harness.library import TOP


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(typed, "now", lambda: 1000.0)
    monkeypatch.setattr(typed, "process_age", lambda: 75.0)
    return Clock()


def test_the_first_verb_of_a_process_is_as_old_as_the_process_and_the_next_one_is_new(clock, monkeypatch):
    assert clock.ago() == 0.0, "nobody typed a verb"
    clock.begin()
    assert clock.ago() == 75.0
    clock.begin()
    assert clock.ago() == 0.0
    monkeypatch.setattr(typed, "now", lambda: 1041.0)
    assert clock.ago() == 41.0


def test_on_the_next_machine_the_count_begins_anew(clock):
    clock.begin()
    clock.again()
    assert clock.ago() == 0.0


def test_a_process_that_stood_still_is_older():
    code = "import sys; from switchyard.control.typed import process_age; sys.stdin.read(1); print(process_age())"
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TOP) as process:
        began = time.monotonic()
        process.send_signal(19)
        while time.monotonic() < began + 1:
            assert process.poll() is None
        process.send_signal(18)
        output, _ = process.communicate("x", timeout=60)
    assert 1.0 <= float(output) < 60
