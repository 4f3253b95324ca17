#!/usr/bin/env python3
"""Run every attack of ``tests/attacks``, and print how many of each group were tried and got through."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "tests/attacks"


def main(words: list[str]) -> int:
    """Exit 0 only if no attack gets through, every twin works, and every attack gets through without its defence."""
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "attacks.xml"
        command = [sys.executable, "-m", "pytest", "-q", FOLDER, f"--junit-xml={report}", *words]
        code = subprocess.run(command, cwd=ROOT).returncode
        print(table(report) if report.exists() else "no report")
    return code


def table(report: Path) -> str:
    """Return a line for each group: attacks tried, through; twins that fail; attacks that prove nothing."""
    tried: dict[str, Counter[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        group = case.get("classname", "").rpartition(".")[2].removeprefix("test_")
        kind = case.get("name", "").partition("[")[0].removeprefix("test_")
        has_failed = case.find("failure") is not None or case.find("error") is not None
        tried.setdefault(group, Counter()).update([kind, *([f"{kind} failed"] if has_failed else [])])
    rows: list[tuple[str, ...]] = [("group", "tried", "through", "twins fail", "prove nothing")]
    keys = ("refused", "refused failed", "twin failed", "defence failed")
    rows += [(group, *(str(counts[key]) for key in keys)) for group, counts in sorted(tried.items())]
    rows += [("all", *(str(sum(counts[key] for counts in tried.values())) for key in keys))]
    return "\n".join(f"{row[0]:24}" + "".join(f"{cell:>15}" for cell in row[1:]) for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
