"""Ctrl-C, SIGTERM and SIGHUP end every verb with what it started, children of children included."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard import tasks
from switchyard.control import interruption
from switchyard.core.errors import INTERRUPTED
from tests.harness import command_line, library
from tests.harness.certificates import authority
from tests.harness.stubborn_processes import HEAD, all_gone, started, wait_for

COMMANDS = ("git", "docker", "python3")
"""What verbs start on the control node: here each of them hangs, with children of its own."""
LOCAL = (
    "deploy",
    "plan",
    "predeploy",
    "services",
    "doctor",
    "shared.apply",
    "edge.apply",
    "sandbox.up",
    "sandbox.down",
)
"""Verbs that start a command before they ask the host."""
WORDS = {
    "unlock": ["--reason", "why"],
    "scale": ["--service", "web", "--count", "2"],
    "exec": ["--service", "web", "--command", "true"],
    "sandbox.up": [],
    "sandbox.down": [],
}
WITHIN = 2 * interruption.GRACE + 4


@pytest.fixture
def silent_host() -> Iterator[int]:
    """The port of a host that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def checkout(folder: Path, port: int, *, deaf: bool = False) -> Path:
    """Write a checkout whose commands hang. ``deaf``: what they start ignores SIGTERM."""
    machine = f"{{name: a, address: 127.0.0.1, port: {port}}}"
    files = authority().lay(folder, "shop.example")
    entry = f"    machines: [{machine}]\n    certificates: {json.dumps({'shop.example': files})}\n"
    top = command_line.checkout(folder, f"app: {{name: shop, path: .}}\nhosts:\n  prod:\n{entry}")
    (folder / "bin").mkdir()
    script = folder / "bin" / "hang.py"
    script.write_text(HEAD.format(str(folder)) + started(deaf=deaf) + "time.sleep(600)\n")
    for name in COMMANDS:
        stub = folder / "bin" / name
        stub.write_text(f"#!/bin/sh\nexec {sys.executable} {script}\n")
        stub.chmod(0o755)
    return top


def begin(folder: Path, *words: str, ignored: bool = False) -> subprocess.Popen[str]:
    def prepare() -> None:
        for number in interruption.SIGNALS:
            signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)

    path = os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))
    return subprocess.Popen(
        [sys.executable, "-m", "invoke", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": library.python_path(*sys.path), "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=prepare,
    )


def await_start(folder: Path, process: subprocess.Popen[str], server_port: int, verb: str) -> None:
    if verb in LOCAL:
        wait_for(folder / "pids")
        return
    established = f":{server_port:04X} "
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        lines = Path("/proc/net/tcp").read_text().splitlines()
        if any(established in line.split()[2] + " " and line.split()[3] == "01" for line in lines[1:]):
            return
        time.sleep(0.02)


@pytest.mark.parametrize("verb", sorted(tasks.collection(Path()).task_names))
def test_sigterm_ends_every_verb_as_control_c_does_with_all_that_it_started(tmp_path, silent_host, verb):
    folder = checkout(tmp_path, silent_host)
    words = WORDS.get(verb, []) if verb.startswith("sandbox") else ["--host", "prod", *WORDS.get(verb, [])]
    process = begin(folder, verb, *words)
    await_start(folder, process, silent_host, verb)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=WITHIN)
    assert process.returncode == INTERRUPTED and "Traceback" not in output, output
    assert verb not in LOCAL or (folder / "pids").exists()
    assert all_gone(folder)


@pytest.mark.parametrize("number", interruption.SIGNALS)
def test_each_of_the_signals_ends_a_verb_and_one_that_was_ignored_from_the_start_ends_none(
    tmp_path, silent_host, number
):
    folder = checkout(tmp_path, silent_host, deaf=True)
    process = begin(folder, "plan", "--host", "prod")
    wait_for(folder / "pids")
    process.send_signal(number)
    output, _ = process.communicate(timeout=WITHIN)
    assert process.returncode == INTERRUPTED and "interrupted" in output, output
    assert all_gone(folder)
    (folder / "pids").unlink()
    deaf = begin(folder, "plan", "--host", "prod", ignored=True)
    wait_for(folder / "pids")
    deaf.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        deaf.wait(1)
    assert not all_gone(folder)
    deaf.kill()
    for pid in (folder / "pids").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    deaf.communicate()


def test_a_terminal_that_is_closed_takes_no_error_along(tmp_path):
    """What is written after the hang-up goes nowhere: the verb still cancels what it began."""
    told = tmp_path / "told"
    code = (
        "import sys, time\nfrom switchyard.control import interruption\ninterruption.listen()\n"
        "try:\n    print('here', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('cancelling', flush=True)\n"
        f"    open({str(told)!r}, 'w').write('cancelled')\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.chdir(library.tree())
        os.execv(sys.executable, [sys.executable, "-c", code])
    assert b"here" in os.read(terminal, 100)
    os.close(terminal)
    os.waitpid(pid, 0)
    assert told.read_text() == "cancelled"


def test_a_process_that_ends_by_itself_is_spared_with_its_children(tmp_path):
    keeper = subprocess.Popen(["sh", "-c", "sleep 60 & cat"], stdin=subprocess.PIPE)
    deadline = time.monotonic() + 10
    while len(interruption.children()) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    everyone = interruption.children()
    interruption.spare(keeper.pid)
    assert keeper.pid in everyone and keeper.pid not in interruption.children()
    assert len(everyone) - len(interruption.children()) >= 3
    for pid in everyone - interruption.children():
        os.kill(pid, signal.SIGKILL)
    keeper.communicate()
