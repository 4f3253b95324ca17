"""Processes that checks start, and their end."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading

import pytest

from switchyard.predeploy.engine import process
from tests.harness import library
from tests.harness.predeploy_case import Case
from tests.harness.stubborn_processes import HEAD, all_gone, hanging, started, wait_for


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


@pytest.mark.instance
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_the_tests_started(checkout, tmp_path, number):
    app = checkout.application(tmp_path, Case(files={"tests/unit/test_hang.py": hanging(tmp_path)}))
    command = [sys.executable, "-m", "invoke", "predeploy", "--app", str(app), "--only", "unit"]
    running = subprocess.Popen(
        command,
        cwd=checkout.folder,
        env={**os.environ, "PYTHONPATH": library.python_path()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(tmp_path / "pids")
    running.send_signal(number)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert b"Traceback" not in said
    assert all_gone(tmp_path)
