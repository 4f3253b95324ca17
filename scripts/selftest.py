#!/usr/bin/env python3
"""All checks of this repository, one after the other, with a table at the end; standard library only.

Exit 0 only if everything passed, nothing was skipped, no suite shrank below its floor and an engine answered.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from ci_table import Suite, faults, read, table

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".switchyard" / "venv"
LOCK = ROOT / "requirements" / "dev.txt"
REPORTS = ROOT / ".nox" / "reports"
FLOORS = ROOT / "scripts" / "floors.json"

SECONDS = {"lint": 90, "types": 120, "deadcode": 90, "unit": 600, "e2e": 2400, "faults": 900}
"""The sessions in their order, and how long each may take."""
TESTS = ("unit", "e2e")
"""The sessions that leave a JUnit report; each of the others counts as one test."""
ENGINE_SECONDS = 20


def main() -> int:
    began = time.monotonic()
    engine = prepare() and has_engine()
    suites = [run(session, limit) for session, limit in SECONDS.items()]
    problems = faults(suites, json.loads(FLOORS.read_text()))
    if not engine:
        problems.append("no Docker engine with Compose answered; `python3 scripts/engine.py` installs one on Debian")
    print(f"\n{table(suites)}\n")
    for problem in problems:
        print(f"not a pass: {problem}")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")
    print(f"{sum(suite.passed for suite in suites)} passed, {sum(suite.failed for suite in suites)} failed", flush=True)
    return 1 if problems else 0


def prepare() -> bool:
    """Engine, images and the virtual environment, each kept where it is there already; whether there is an engine."""
    make_environment()
    return all(script(*words) for words in (["engine.py"], ["images.py", "build"]))


def script(*words: str) -> bool:
    print(f"scripts/{' '.join(words)} ...", flush=True)
    command = [sys.executable, str(ROOT / "scripts" / words[0]), *words[1:]]
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


def make_environment() -> None:
    """The virtual environment from the lock file; one that was made from this very file is kept."""
    mark, digest = VENV / "locked", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return
    print(f"setting up {VENV.relative_to(ROOT)} ...", flush=True)
    mark.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True, stdin=subprocess.DEVNULL)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True, stdin=subprocess.DEVNULL)
    mark.write_text(digest)


def has_engine() -> bool:
    return all(answers(["docker", *words]) for words in (["info"], ["compose", "version"]))


def answers(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ENGINE_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def run(session: str, limit: int) -> Suite:
    """Run one Nox session for at most ``limit`` seconds; a session that fails without a failed test counts as one."""
    report = REPORTS / f"{session}.xml"
    report.unlink(missing_ok=True)
    passed = nox(session, limit)
    if session not in TESTS:
        return Suite(session, collected=1, failed=0 if passed else 1, skipped=0)
    suite = read(report) if report.exists() else Suite(session, 0, 0, 0)
    return suite if passed else broken(suite)


def broken(suite: Suite) -> Suite:
    """A session that failed has at least one failure: one of its tests, or its own end."""
    return suite if suite.failed else Suite(suite.name, suite.collected, 1, suite.skipped)


def nox(session: str, limit: int) -> bool:
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [str(VENV / "bin" / "python"), "-m", "nox", "--session", session]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, env={**os.environ, "PATH": path}, start_new_session=True
    )
    try:
        return process.wait(limit) == 0
    except subprocess.TimeoutExpired:
        print(f"{session}: not done after {limit} seconds", flush=True)
        return False
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a session: ten seconds to clean up, then at once."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
