"""JUnit files that other tools write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree


@dataclass(frozen=True)
class JUnitTests:
    """The tests in a JUnit file."""

    outcomes: Mapping[str, str]
    """Test to passed, failed or skipped."""
    failures: Mapping[str, str]
    """Failed test to the reason."""


def read_junit(path: Path) -> JUnitTests | None:
    """Return the tests of a JUnit file; None if there is no such file."""
    try:
        cases = ElementTree.parse(path).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        return None
    outcomes, failures = {}, {}
    for case in cases:
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        failure = next((part for part in case if part.tag in ("failure", "error")), None)
        is_skipped = case.find("skipped") is not None
        outcomes[name] = "failed" if failure is not None else "skipped" if is_skipped else "passed"
        if failure is not None:
            failures[name] = (failure.get("message") or "").split("\n")[0]
    return JUnitTests(outcomes, failures)
