"""What ``inv predeploy`` takes on the example, in turns with a plain script of the same tools one after the other.

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
from pathlib import Path

from bench.measured import Report

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "examples" / "betting"
BIN = Path(sys.executable).parent
CHECKS = ("lint", "deadcode", "types", "audit", "unit", "smoke", "integration", "coverage")
OUTSIDE = ("audit", "smoke", "integration", "coverage")
"""What is not taken from the cache; of advisories, where no source answers, nothing is kept."""
WALL_MOST, AGAIN_MOST, SHARE_MOST = 1.2, 2.0, 0.5
"""Of the slowest check or the CPU's share; seconds of a run in which nothing changed; one check of all in a row."""

ADOPTING = """
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
"""Runs a command as the reaper of all that leaves its parents (PR_SET_CHILD_SUBREAPER): servers' CPU counts as well."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["predeploy"])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    cores = len(os.sched_getaffinity(0))
    report = Report()
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as name:
        checkout = Path(name)
        (checkout / "tasks.py").write_text("from switchyard.tasks import here\n\nns = here(__file__)\n")
        predeploy(checkout, *CHECKS)
        walls, shares, ratios, sums, kept = [], [], [], [], []
        for _ in range(rounds):
            wall, cpu = predeploy(checkout, *CHECKS, fresh=True)
            before = children()
            plain = in_a_row(checkout)
            print("  " + ", ".join(f"{check} {seconds:.2f}" for check, seconds in plain.items()))
            print(f"  CPU seconds: {cpu:.2f}, of the same tools in a row {children() - before:.2f}", flush=True)
            walls.append(wall)
            sums.append(sum(plain.values()))
            ratios.append(wall / max(*plain.values(), cpu / cores))
            shares.append(max(plain.values()) / sum(plain.values()))
            kept.append(predeploy(checkout, *(check for check in CHECKS if check not in OUTSIDE))[0])
    print(f"inv predeploy on {APP.name}, {cores} cores", flush=True)
    report.show("all checks anew", walls)
    report.show("the same tools one after the other", sums)
    report.show("wall over max(slowest check, CPU seconds / cores)", ratios, "")
    report.limit("the median of that", statistics.median(ratios), WALL_MOST)
    report.show("again, nothing changed, but for what looks outside", kept)
    report.limit("the median of that", statistics.median(kept), AGAIN_MOST)
    report.show("the slowest check's share of all in a row", shares, "")
    report.limit("the median of that", statistics.median(shares), SHARE_MOST)
    return 1 if report.broken else 0


def predeploy(checkout: Path, *checks: str, fresh: bool = False) -> tuple[float, float]:
    """Wall and CPU seconds of a run in which everything passed; only advisories may be out of reach."""
    file = checkout / "result.json"
    command = [BIN / "python", "-m", "invoke", "predeploy", "--app", APP, "--only", ",".join(checks), "--json", file]
    before, began = children(), time.monotonic()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = counted([*command, *(["--fresh"] if fresh else [])], checkout, env)
    wall, cpu = time.monotonic() - began, children() - before
    bad = [each["name"] for each in json.loads(file.read_text())["checks"] if each["outcome"] != "pass"]
    if set(bad) - {"audit"}:
        sys.exit(said.stdout.decode() + said.stderr.decode())
    return wall, cpu


def counted(command: list[str | Path], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """A command after which ``children`` counts all that it started, also what went into the background."""
    words = [sys.executable, "-I", "-c", ADOPTING, *command]
    return subprocess.run(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True)


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def in_a_row(checkout: Path) -> dict[str, float]:
    """Seconds of each tool, run as one would by hand, in the environment that predeploy made."""
    python = next(checkout.glob(".switchyard/checks/betting/nox/*/*/bin/python"))
    packages = python.parent.parent / "packages.txt"
    setting = {name: checkout / name for name in ("coverage.ini", "data", "mypy")}
    shutil.rmtree(setting["data"], ignore_errors=True)
    setting["data"].mkdir()
    setting["coverage.ini"].write_text(
        f"[run]\nbranch = true\nparallel = true\ndata_file = {setting['data']}/data\nsource =\n    {APP / 'betting'}\n"
    )
    modules = [f"betting/{name}.py" for name in ("elo", "kalshi", "pipeline")]
    measured = {"COVERAGE_PROCESS_START": str(setting["coverage.ini"])}
    tests = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-cov"]
    report = [python, "-m", "coverage", "report", f"--rcfile={setting['coverage.ini']}"]
    combine = [python, "-m", "coverage", "combine", f"--rcfile={setting['coverage.ini']}"]
    audit = [BIN / "pip-audit", "--disable-pip", "--no-deps", "-r", packages, "--progress-spinner=off"]
    types = [BIN / "mypy", "--follow-imports=silent", f"--python-executable={python}"]
    steps = {
        "lint": [[BIN / "ruff", "check", "--no-cache", "."]],
        "deadcode": [[BIN / "vulture", "--min-confidence=80", "betting"]],
        "types": [[*types, f"--cache-dir={setting['mypy']}", *modules]],
        "audit": [audit],
        **{suite: [[*tests, f"tests/{suite}"]] for suite in ("unit", "smoke", "integration")},
        "coverage": [combine, report],
    }
    return {name: timed(commands, {**os.environ, **measured}) for name, commands in steps.items()}


def timed(commands: list[list[str | Path]], env: dict[str, str]) -> float:
    began = time.monotonic()
    for command in commands:
        counted(command, APP, env)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
