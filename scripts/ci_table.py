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


def read(report: Path) -> Suite:
    """Count the cases of a JUnit report. An error in set-up or tear-down is a failure."""
    cases: dict[tuple[str | None, str | None], set[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        outcomes = cases.setdefault((case.get("classname"), case.get("name")), set())
        outcomes.update(child.tag for child in case)
    failed = sum(1 for outcomes in cases.values() if outcomes & {"failure", "error"})
    skipped = sum(1 for outcomes in cases.values() if "skipped" in outcomes and not outcomes & {"failure", "error"})
    return Suite(report.stem, len(cases), failed, skipped)


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
