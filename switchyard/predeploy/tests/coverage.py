"""What the suites together reach of the sources, in lines and branches."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from switchyard.core.wire.message import Foreign, message
from switchyard.predeploy.engine.application_files import existing, python_files
from switchyard.predeploy.engine.check import FOREVER, Check
from switchyard.predeploy.engine.result import Finding, Result, judged, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.application_session import SUITES, named, or_session
from switchyard.predeploy.nox.environment import python
from switchyard.predeploy.nox.session import SessionRun, session
from switchyard.predeploy.nox.target import CoverageOptions
from switchyard.predeploy.tests import coverage_data
from switchyard.predeploy.tests.suite import BY_NAME

PRAGMA = re.compile(r"#\s*pragma[:\s]?\s*no\s*(?:cover|branch)", re.IGNORECASE)
MOST = 5
"""How many of the files that miss most a finding names."""


@message(frozen=True)
class FileSummary(Foreign):
    """The counts of one file."""

    num_statements: int
    covered_lines: int
    missing_lines: int
    num_branches: int
    covered_branches: int


@message(frozen=True)
class FileCoverage(Foreign):
    summary: FileSummary


@message(frozen=True)
class ReportMeta(Foreign):
    version: str


@message(frozen=True)
class CoverageReport(Foreign):
    """Coverage's JSON report."""

    meta: ReportMeta
    files: Mapping[str, FileCoverage]


@dataclass(frozen=True)
class Total:
    """The counts of all sources together."""

    statements: int
    lines: int
    branches: int
    taken: int

    @classmethod
    def of(cls, files: Sequence[FileSummary]) -> Total:
        return cls(
            sum(file.num_statements for file in files),
            sum(file.covered_lines for file in files),
            sum(file.num_branches for file in files),
            sum(file.covered_branches for file in files),
        )

    @property
    def percent(self) -> Fraction:
        """Exact: the limit itself is not more than the limit."""
        return Fraction(100 * (self.lines + self.taken), self.statements + self.branches)


def run(subject: Subject) -> Result:
    """Combine what the suites of this run left, and compare it with the limit."""
    suites = [name for name in SUITES if subject.setting.tests.of(name) or named(name, subject)]
    if not suites:
        return skipped("no tests are named: set app.predeploy.tests")
    if not subject.setting.sources:
        return unknown("coverage of what is not known: set app.predeploy.sources to the files and folders to measure")
    sources = python_files(subject, existing(subject, "sources", subject.setting.sources))
    folders = {name: coverage_data.data_folder(BY_NAME[name], subject) for name in suites}
    problem = next(filter(None, (_problem(subject, name, folder) for name, folder in folders.items())), None)
    if problem:
        return unknown(problem)
    measured = {(folder / coverage_data.COMPLETE).read_text() for folder in folders.values()}
    options = CoverageOptions(
        python=str(python(subject)),
        data=tuple(str(folder) for folder in folders.values()),
        coverage=coverage_data.reporting(subject, measured),
    )
    nox = session("coverage", subject, options)
    nox.code("report", 0)
    return _judged(subject, nox, sources, suites)


def _problem(subject: Subject, suite: str, folder: Path) -> str:
    """Return why a suite left no data; empty if it did."""
    if named(suite, subject):
        return f"{suite} is a session of the application's own; name one for coverage too: sessions.coverage"
    if not (folder / coverage_data.COMPLETE).exists():
        return f"{suite} left no data of all its tests in this tree: see its result, or run with --fresh"
    return ""


def _judged(subject: Subject, nox: SessionRun, sources: list[str], suites: list[str]) -> Result:
    report = CoverageReport.decode(nox.json("json"), "coverage")
    here = subject.folder.resolve()
    every_file = {str((here / name).resolve().relative_to(here)): file.summary for name, file in report.files.items()}
    files = {name: file for name, file in every_file.items() if name in sources}
    total = Total.of(list(files.values()))
    if not sources or not total.statements:
        names = ", ".join(subject.setting.sources)
        return unknown(f"nothing to measure in {names}: {len(sources)} files, no statement")
    percent, limit = total.percent, Fraction(str(subject.setting.coverage))
    findings = [
        Finding("not-measured", f"{name} is in the sources and in no report", name, do="see the log of coverage")
        for name in sources
        if name not in files
    ]
    if percent <= limit:
        findings.append(_too_little(files, percent, limit))
    reason = (
        f"{float(percent):.4g} % of {total.statements} statements and {total.branches} branches in {len(files)} of "
        f"{len(sources)} files, by {', '.join(suites)}"
    )
    exclusions = [*map(str, nox.json_list("exclusions")), *_pragmas(subject, sources)]
    if exclusions:
        reason += f"; what the application excludes counts all the same: {'; '.join(exclusions)}"
    return judged(
        findings,
        reason,
        facts={
            "percent": float(percent),
            "statements": total.statements,
            "branches": total.branches,
            "files": len(files),
        },
        log=str(nox.log),
        tools={"coverage": report.meta.version},
    )


def _pragmas(subject: Subject, files: list[str]) -> list[str]:
    """Return how often comments of the sources exclude lines."""
    count = sum(len(PRAGMA.findall((subject.folder / name).read_text(errors="replace"))) for name in files)
    return [f"{count} times pragma: no cover"] if count else []


def _too_little(files: Mapping[str, FileSummary], percent: Fraction, limit: Fraction) -> Finding:
    """Return one finding for the total, with the files that miss most."""
    most = sorted(files, key=lambda name: -files[name].missing_lines)[:MOST]
    missing = ", ".join(f"{name} ({files[name].missing_lines} lines)" for name in most)
    what = f"{float(percent):.6g} % is not more than {float(limit):g} %; not reached most: {missing}"
    return Finding("coverage", what, do="test what is not reached", text="total")


def _lasts(subject: Subject) -> float:
    """Keep a pass as long as those of the suites: smoke and integration run each time."""
    tests, sessions = subject.setting.tests, [named(name, subject) for name in SUITES]
    is_fresh = tests.smoke or tests.integration or any(sessions)
    return 0.0 if is_fresh else FOREVER


CHECK = or_session(
    Check(
        "coverage",
        "tests",
        "the suites together reach more of the sources than the limit, lines and branches",
        "sources, tests",
        run,
        Path(__file__),
        lasts=_lasts,
        after=SUITES,
    )
)
