"""What ``inv predeploy`` takes on the example, by turns with a plain script that runs the same tools in a row.

Prints every raw value. Exit 1 where a limit does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from bench.measured import Report
from switchyard.core.wire.message import Foreign, message
from tests.harness.library import TOP

Command: TypeAlias = list[str | Path]
APP = TOP / "examples" / "betting"
BIN = Path(sys.executable).parent
CHECKS = ("lint", "deadcode", "types", "audit", "unit", "smoke", "integration", "coverage")
OUTSIDE = ("audit", "smoke", "integration", "coverage")
"""The checks that the cache never answers; it keeps no advisories where no source answers."""
WALL_MOST, AGAIN_MOST, SHARE_MOST = 1.2, 2.0, 0.5
"""Times the slowest check or the CPU's share; seconds of a run in which nothing changed; one check of all in a row."""

REAPER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
first = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
code = 0
while True:
    try:
        ended, status = os.wait()
    except ChildProcessError:
        sys.exit(code)
    if ended == first:
        code = os.waitstatus_to_exitcode(status)
"""
"""Runs a command and adopts all that leaves its parents (PR_SET_CHILD_SUBREAPER), so that servers' CPU counts too."""


@message(frozen=True)
class Check(Foreign):
    """One check of predeploy's result."""

    name: str
    outcome: str


@message(frozen=True)
class Result(Foreign):
    """What ``inv predeploy --json`` writes."""

    checks: tuple[Check, ...]


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["predeploy"])
    parser.add_argument("--rounds", type=int, default=5, help="how often to measure (5)")
    rounds = parser.parse_args().rounds
    cores = len(os.sched_getaffinity(0))
    walls: list[float] = []
    sums: list[float] = []
    ratios: list[float] = []
    shares: list[float] = []
    again: list[float] = []
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as name:
        checkout = Path(name)
        (checkout / "tasks.py").write_text("from switchyard.tasks import here\n\nns = here(__file__)\n")
        predeploy(checkout, *CHECKS)
        for _ in range(rounds):
            wall, cpu = predeploy(checkout, *CHECKS, fresh=True)
            before = children_seconds()
            tools = in_a_row(checkout)
            print("  " + ", ".join(f"{check} {seconds:.2f}" for check, seconds in tools.items()))
            print(f"  CPU seconds: {cpu:.2f}; the same tools in a row {children_seconds() - before:.2f}", flush=True)
            walls.append(wall)
            sums.append(sum(tools.values()))
            ratios.append(wall / max(*tools.values(), cpu / cores))
            shares.append(max(tools.values()) / sum(tools.values()))
            again.append(predeploy(checkout, *(check for check in CHECKS if check not in OUTSIDE))[0])
    print(f"inv predeploy on {APP.name}, {cores} cores", flush=True)
    report = Report()
    report.show("all checks anew", walls)
    report.show("the same tools one after the other", sums)
    report.show("wall over max(slowest check, CPU seconds / cores)", ratios, "")
    report.limit("the median of that", statistics.median(ratios), WALL_MOST)
    report.show("again with no change, without the checks that look outside", again)
    report.limit("the median of that", statistics.median(again), AGAIN_MOST)
    report.show("the slowest check's share of all in a row", shares, "")
    report.limit("the median of that", statistics.median(shares), SHARE_MOST)
    return 1 if report.broken else 0


def predeploy(checkout: Path, *checks: str, fresh: bool = False) -> tuple[float, float]:
    """Return wall and CPU seconds of a run. Exit unless every check passes; only ``audit`` may be unknown."""
    file = checkout / "result.json"
    command: Command = [
        BIN / "python",
        "-m",
        "invoke",
        "predeploy",
        "--app",
        APP,
        "--only",
        ",".join(checks),
        "--json",
        file,
    ]
    before, began = children_seconds(), time.monotonic()
    env = {**os.environ, "PYTHONPATH": str(TOP)}
    done = run_counted([*command, *(["--fresh"] if fresh else [])], checkout, env)
    wall, cpu = time.monotonic() - began, children_seconds() - before
    result = Result.decode(json.loads(file.read_text()))
    if {check.name for check in result.checks if check.outcome != "pass"} - {"audit"}:
        sys.exit(done.stdout.decode() + done.stderr.decode())
    return wall, cpu


def in_a_row(checkout: Path) -> dict[str, float]:
    """Return the seconds of each tool, run as by hand, in the environment that predeploy made."""
    python = next(checkout.glob(".switchyard/checks/betting/nox/*/*/bin/python"))
    packages = python.parent.parent / "packages.txt"
    settings, data, cache = checkout / "coverage.ini", checkout / "data", checkout / "mypy"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    settings.write_text(
        f"[run]\nbranch = true\nparallel = true\ndata_file = {data}/data\nsource =\n    {APP / 'betting'}\n"
    )
    modules = [f"betting/{name}.py" for name in ("elo", "kalshi", "pipeline")]
    tests: Command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-cov"]
    coverage: Command = [python, "-m", "coverage"]
    types: Command = [BIN / "mypy", "--follow-imports=silent", f"--python-executable={python}", f"--cache-dir={cache}"]
    tools: dict[str, list[Command]] = {
        "lint": [[BIN / "ruff", "check", "--no-cache", "."]],
        "deadcode": [[BIN / "vulture", "--min-confidence=80", "betting"]],
        "types": [[*types, *modules]],
        "audit": [[BIN / "pip-audit", "--disable-pip", "--no-deps", "-r", packages, "--progress-spinner=off"]],
        "unit": [[*tests, "tests/unit"]],
        "smoke": [[*tests, "tests/smoke"]],
        "integration": [[*tests, "tests/integration"]],
        "coverage": [[*coverage, verb, f"--rcfile={settings}"] for verb in ("combine", "report")],
    }
    env = {**os.environ, "COVERAGE_PROCESS_START": str(settings)}
    return {name: time_commands(commands, env) for name, commands in tools.items()}


def time_commands(commands: Sequence[Command], env: Mapping[str, str]) -> float:
    """Run commands in the application's folder and return their seconds together."""
    began = time.monotonic()
    for command in commands:
        run_counted(command, APP, env)
    return time.monotonic() - began


def run_counted(command: Command, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a command so that ``children_seconds`` counts all that it starts, also in the background."""
    words = [sys.executable, "-I", "-c", REAPER, *command]
    return subprocess.run(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True)


def children_seconds() -> float:
    """Return the CPU seconds of all children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
