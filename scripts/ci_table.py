#!/usr/bin/env python3
"""The table of the test suites, from their JUnit reports."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("collected", "passed", "failed", "skipped")


@dataclass(frozen=True)
class Suite:
    """How the tests of one suite ended."""

    name: str
    collected: int
    failed: int
    skipped: int

    @property
    def passed(self) -> int:
        return max(0, self.collected - self.failed - self.skipped)


@dataclass(frozen=True)
class Case:
    """How one test ended, with its set-up and tear-down."""

    outcomes: tuple[tuple[str, str], ...]
    """Tag and message of what the report says beside *passed*."""
    seconds: float

    @property
    def failed(self) -> bool:
        """Return whether it is no pass. An error in set-up or tear-down is a failure."""
        return any(tag in ("failure", "error") for tag, _ in self.outcomes)

    @property
    def skipped(self) -> bool:
        return not self.failed and any(tag == "skipped" for tag, _ in self.outcomes)


def cases(report: Path) -> dict[str, Case]:
    """Return each test of a JUnit report by its name. A test may have several entries there."""
    read: dict[str, Case] = {}
    for entry in ElementTree.parse(report).iter("testcase"):
        name = f"{entry.get('classname')}::{entry.get('name')}"
        before = read.get(name, Case((), 0.0))
        outcomes = tuple((child.tag, child.get("message") or child.text or "") for child in entry)
        read[name] = Case(before.outcomes + outcomes, before.seconds + float(entry.get("time") or 0))
    return read


def read(report: Path) -> Suite:
    """Count the tests of a JUnit report."""
    tests = cases(report).values()
    return Suite(report.stem, len(tests), sum(test.failed for test in tests), sum(test.skipped for test in tests))


def table(suites: Sequence[Suite]) -> str:
    """Return a row for each suite."""
    width = max([len("suite"), *(len(suite.name) for suite in suites)])
    rows = [f"{'suite':<{width}}" + "".join(f"{column:>11}" for column in COLUMNS)]
    for suite in suites:
        rows.append(f"{suite.name:<{width}}" + "".join(f"{getattr(suite, column):>11}" for column in COLUMNS))
    return "\n".join(rows)


def problems(suites: Sequence[Suite], floors: Mapping[str, int]) -> list[str]:
    """Return why these suites are not a pass, one line each; empty if they are. A floor is the least count of tests."""
    lines = []
    counts = {suite.name: suite.collected for suite in suites}
    for name, floor in floors.items():
        if counts.get(name, 0) < floor:
            lines.append(f"{name}: {counts.get(name, 0)} tests collected, at least {floor} expected")
    for suite in suites:
        if suite.failed:
            lines.append(f"{suite.name}: {suite.failed} failed")
        if suite.skipped:
            lines.append(f"{suite.name}: {suite.skipped} skipped")
    return lines


if __name__ == "__main__":
    print(table([read(Path(name)) for name in sys.argv[1:]]))
