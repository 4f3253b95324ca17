#!/usr/bin/env python3
"""Run all checks of this repository, one after the other, and print a table. Standard library only.

Exit 0 only if everything passes, nothing is skipped, no suite shrinks below its floor and an engine answers.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.ci_table import Suite, problems, read, table

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".switchyard" / "venv"
LOCK = ROOT / "requirements" / "dev.txt"
REPORTS = ROOT / ".nox" / "reports"
FLOORS = ROOT / "scripts" / "floors.json"

SECONDS = {"lint": 90, "types": 240, "deadcode": 90, "audit": 120, "attacks": 360, "fuzz": 300}
SECONDS |= {"unit": 1200, "e2e": 2900, "faults": 900}
"""The sessions in their order, each with its time limit."""
WORDS = {"audit": ["answered"]}
"""The words of a session that has some."""
TESTS = ("unit", "e2e")
"""The sessions that write a JUnit report. Each of the others counts as one test, or none where it ends unknown."""
ENGINE_SECONDS = 20


def main() -> int:
    began = time.monotonic()
    engine = prepare() and has_engine()
    suites = [run(session, limit) for session, limit in SECONDS.items()]
    reasons = problems(suites, json.loads(FLOORS.read_text()))
    if not engine:
        reasons.append("no Docker engine with Compose answers. On Debian, run: python3 scripts/engine.py")
    print(f"\n{table(suites)}\n")
    for reason in reasons:
        print(f"not a pass: {reason}")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")
    print(f"{sum(suite.passed for suite in suites)} passed, {sum(suite.failed for suite in suites)} failed", flush=True)
    return 1 if reasons else 0


def prepare() -> bool:
    """Set up engine, images and virtual environment where they are missing, and return whether all are here."""
    make_environment()
    return all(run_script(*words) for words in (["engine.py"], ["images.py", "build"]))


def run_script(*words: str) -> bool:
    """Run a script and return whether it exits with 0."""
    print(f"running scripts/{' '.join(words)}", flush=True)
    command = [sys.executable, str(ROOT / "scripts" / words[0]), *words[1:]]
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


def make_environment() -> None:
    """Make the virtual environment from the lock file, unless it was made from this very file."""
    mark, digest = VENV / "locked", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return
    print(f"setting up {VENV.relative_to(ROOT)}", flush=True)
    mark.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True, stdin=subprocess.DEVNULL)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--only-binary", ":all:", "--require-hashes", "-r", str(LOCK)], check=True, stdin=subprocess.DEVNULL
    )
    mark.write_text(digest)


def has_engine() -> bool:
    """Return whether an engine and Compose answer."""
    return all(answers(["docker", *words]) for words in (["info"], ["compose", "version"]))


def answers(command: list[str]) -> bool:
    """Return whether a command exits with 0 within ``ENGINE_SECONDS``."""
    if shutil.which(command[0]) is None:
        return False
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ENGINE_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def run(session: str, limit: int) -> Suite:
    """Run a Nox session for at most ``limit`` seconds. A session that fails without a failed test counts as one."""
    report, unknown = REPORTS / f"{session}.xml", REPORTS / f"{session}-unknown.txt"
    for path in (report, unknown):
        path.unlink(missing_ok=True)
    passed = nox(session, limit)
    if session not in TESTS:
        return Suite(session, collected=0 if passed and unknown.exists() else 1, failed=0 if passed else 1, skipped=0)
    suite = read(report) if report.exists() else Suite(session, 0, 0, 0)
    return suite if passed else with_failure(suite)


def with_failure(suite: Suite) -> Suite:
    """Return the suite with at least one failure: one of its tests, or its session's own end."""
    return suite if suite.failed else Suite(suite.name, suite.collected, 1, suite.skipped)


def nox(session: str, limit: int) -> bool:
    """Run a Nox session for at most ``limit`` seconds, and return whether it passes."""
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [str(VENV / "bin" / "python"), "-m", "nox", "--session", session]
    command += ["--", *WORDS[session]] if session in WORDS else []
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, env={**os.environ, "PATH": path}, start_new_session=True
    )
    try:
        return process.wait(limit) == 0
    except subprocess.TimeoutExpired:
        print(f"{session}: still running after {limit} s, stopped", flush=True)
        return False
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a session that still runs: it has ten seconds to clean up."""
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
