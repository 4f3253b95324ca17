#!/usr/bin/env python3
"""Run what takes too long for every change, and print what ran, with the commit: long tests, then long fault rounds."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.ci_table import Case, cases

REPORT = ROOT / ".nox" / "reports" / "long.xml"
ROUNDS = (("--rounds", "1"), ("--example", "betting"), ("--next", "rollback"))
"""The words of each run of ``bench.faults``: the whole matrix, the whole example, and the way back after a strike."""


@dataclass(frozen=True)
class Run:
    """A test or a program that ran."""

    name: str
    outcome: str
    seconds: float


def of_tests(tests: Mapping[str, Case]) -> list[Run]:
    """Return the tests of a report as rows."""
    outcomes = {
        name: "failed" if test.failed else "skipped" if test.skipped else "passed" for name, test in tests.items()
    }
    return [Run(name, outcomes[name], test.seconds) for name, test in tests.items()]


def table(commit: str, runs: Sequence[Run]) -> str:
    """Return a row for each run, below the commit."""
    width = max([len("what ran"), *(len(run.name) for run in runs)])
    rows = [f"commit {commit}", f"{'what ran':<{width}}  outcome  seconds"]
    return "\n".join(rows + [f"{run.name:<{width}}  {run.outcome:<7}  {run.seconds:>7.0f}" for run in runs])


def code(runs: Sequence[Run]) -> int:
    """Return the exit code: 0 only if something ran and everything passed."""
    return 0 if runs and all(run.outcome == "passed" for run in runs) else 1


def commit() -> str:
    """Return the commit of this tree, and say whether files differ from it."""
    head, changes = (
        subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
        for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain"])
    )
    return f"{head}, with changes that are not committed" if changes else head


def run(name: str, *words: str) -> Run:
    """Run a module and return how it ended."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, stdin=subprocess.DEVNULL)
    return Run(name, "failed" if done.returncode else "passed", time.monotonic() - began)


def main(words: Sequence[str]) -> int:
    began_at = commit()
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.unlink(missing_ok=True)
    suite = run("pytest -m long", "pytest", "-m", "long", f"--junit-xml={REPORT}", *words)
    runs = of_tests(cases(REPORT)) if REPORT.exists() else []
    if suite.outcome == "failed" and code(runs) == 0:
        runs.append(suite)
    # With words for pytest, somebody asks for some tests only.
    for rounds in () if words else ROUNDS:
        runs.append(run(f"bench.faults {' '.join(rounds)}", "bench.faults", *rounds))
    print(f"\n{table(began_at, runs)}")
    return code(runs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
