"""The protocol's suites."""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import shutil
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from switchyard.predeploy.engine import cache
from switchyard.predeploy.engine.check import FOREVER, Check, never
from switchyard.predeploy.engine.result import Finding, Result, judged, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.environment import python
from switchyard.predeploy.nox.own_session import SUITES, named, or_session
from switchyard.predeploy.nox.session import Ran, existing, python_files, session
from switchyard.predeploy.nox.target import CoverageOptions, SuiteOptions

PRAGMA = re.compile(r"#\s*pragma[:\s]?\s*no\s*(?:cover|branch)", re.IGNORECASE)
SLOWEST = 5
"""Tests that are named for the time that they take."""


@dataclass
class Tests:
    """What a run of pytest says of its tests, read from the lines that the plugin wrote."""

    root: str = ""
    version: str = ""
    collected: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    """Files that could not be collected, with the reason."""
    begun: list[str] = field(default_factory=list)
    outcome: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What failed, also where a plugin of the application's ran it again until it passed."""
    finished: bool = False

    @classmethod
    def read(cls, text: str) -> Tests:
        """Every whole line counts."""
        tests = cls()
        for line in text.splitlines():
            try:
                tests._add(json.loads(line))
            except ValueError:
                break
        return tests

    def _add(self, line: dict[str, Any]) -> None:
        if "root" in line:
            self.root, self.version = line["root"], line["pytest"]
        elif "collected" in line:
            self.collected = self.collected or line["collected"]
        elif "broken" in line:
            self.broken[line["broken"]] = line["why"]
        elif "begun" in line:
            self.begun.append(line["begun"])
        elif "finished" in line:
            self.finished = True
        elif "test" in line:
            self._ended(line["test"], line)

    def _ended(self, name: str, phase: dict[str, Any]) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + phase["seconds"]
        if phase["outcome"] == "rerun":
            self.failures.setdefault(name, phase)
        elif phase["outcome"] == "failed":
            self.outcome[name] = "failed"
            self.failures.setdefault(name, phase)
        elif self.outcome.get(name) != "failed" and (phase["outcome"] == "skipped" or phase["when"] == "call"):
            self.outcome[name] = phase["outcome"]

    @property
    def running(self) -> list[str]:
        """Tests that began and did not end."""
        return [name for name in self.begun if name not in self.outcome]

    @property
    def slowest(self) -> dict[str, float]:
        """Seconds of the tests that took longest, setup and teardown with them."""
        longest = sorted(self.seconds.items(), key=lambda item: -item[1])[:SLOWEST]
        return {name: round(seconds, 3) for name, seconds in longest}


def suite(name: Literal["unit", "smoke", "integration"], subject: Subject) -> Result:
    """The tests of one folder, in the environment of the application's requirements."""
    path = getattr(subject.setting.tests, name)
    if path is None:
        return skipped(f"no tests are named: set app.predeploy.tests.{name} to their folder")
    existing(subject, f"tests.{name}", [path])
    others = [other for kind in SUITES if kind != name and (other := getattr(subject.setting.tests, kind))]
    stop = name == "unit" and subject.setting.gates.get(name, "required") == "required"
    data = _fresh_data(subject, name)
    options = SuiteOptions(
        python=str(python(subject)),
        tests=path,
        ignore=tuple(other for other in others if _holds(path, other)),
        stop=stop,
        workers=_cores() if name == "unit" else 1,
        coverage=_coverage_settings(subject, data) if data else None,
    )
    ran = session(name, subject, options, passed=subject.setting.passed)
    first, again = Tests.read(ran.text("tests.jsonl")), Tests.read(ran.text("again.jsonl"))
    result = _judged(subject, path, ran, first, again)
    if data and first.finished and len(first.outcome) == len(first.collected) > 0 and not first.broken:
        (data / "complete").write_text(str(subject.folder))
    return result


def _holds(folder: str, other: str) -> bool:
    return Path(folder) in Path(other).parents


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _judged(subject: Subject, path: str, ran: Ran, first: Tests, again: Tests) -> Result:
    """What pytest's exit code and its tests together mean."""
    more: dict[str, Any] = {"output": ran.output, "log": str(ran.log), "facts": {"slowest": first.slowest}}
    if not ran.ended:
        where = f"; running: {', '.join(first.running)}" if first.running else ""
        ended = f"{len(first.outcome)} of {len(first.collected)} tests ended"
        return unknown(f"not done within {subject.setting.timeout} s (app.predeploy.timeout): {ended}{where}", **more)
    if first.broken:
        name, why = next(iter(first.broken.items()))
        return unknown(f"{len(first.broken)} of the files in {path} cannot be collected, such as {name}: {why}", **more)
    if not first.version:
        said = [line.strip() for line in ran.output.splitlines() if line.strip()][-4:]
        return unknown(f"pytest did not begin: {' '.join(said)}", **more)
    # In several processes pytest ends with 2 where it stops at a failure.
    stopped = (2,) if first.failures and first.finished else ()
    code = ran.code("pytest", 0, 1, 5, *stopped)
    if code == 5 or not first.collected:
        return unknown(f"no test was collected in {path}", **more)
    if not first.finished or (code != 0 and not first.failures):
        return unknown(f"pytest ended with {code} and without a failed test", **more)
    passed = [name for name in first.failures if "passed" in (first.outcome.get(name), again.outcome.get(name))]
    outcomes = {**first.outcome, **dict.fromkeys(passed, "flaky")}
    if not {"passed", "failed", "flaky"} & set(outcomes.values()):
        return unknown(f"all {len(outcomes)} tests in {path} were skipped", **more)
    findings = [_failure(subject, first, name, outcomes[name]) for name in first.failures]
    versions = {"pytest": first.version, "python": platform.python_version()}
    return judged(findings, _said(first, outcomes), tests=outcomes, tools=versions, **more)


def _failure(subject: Subject, tests: Tests, name: str, outcome: str) -> Finding:
    failure = tests.failures[name]
    inside = Path(failure["file"] or "-").is_relative_to(subject.folder)
    place = str(Path(failure["file"]).relative_to(subject.folder)) if inside else name.split("::")[0]
    line = failure["line"] if inside else None
    if outcome == "flaky":
        what = f"{name} failed and passed when it was run again: {failure['why']}"
        return Finding("flaky-test", what, place, line, "find what it depends on; a second run is no pass", text=name)
    when = "" if failure["when"] == "call" else f" in its {failure['when']}"
    return Finding("failed-test", f"{name} failed{when}: {failure['why']}", place, line, text=name)


def _said(tests: Tests, outcomes: dict[str, str]) -> str:
    counts = {kind: sum(found == kind for found in outcomes.values()) for kind in ("failed", "flaky", "skipped")}
    told = [f"{count} {kind}" for kind, count in counts.items() if count]
    left = len(tests.collected) - len(outcomes)
    if left:
        told.append(f"{left} not run after the first failure")
    slowest = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in tests.slowest.items())
    ran = f"{len(tests.collected)} tests" + (f": {', '.join(told)}" if told else "")
    return f"{ran}, pytest {tests.version}, python {platform.python_version()}\nthe slowest: {slowest}"


def _data(subject: Subject, name: str) -> Path:
    """Where a suite's run leaves which lines it reached. A kept pass finds what its own run left."""
    check = next(each for each in CHECKS if each.name == name)
    return subject.state / "coverage" / name / cache.key(check, subject)[:32]


def _fresh_data(subject: Subject, name: str) -> Path | None:
    """An empty folder for it; what older trees left is gone. None where no sources are measured."""
    data = _data(subject, name)
    shutil.rmtree(data, ignore_errors=True)
    if not subject.setting.sources:
        return None
    data.mkdir(parents=True)
    for old in sorted(data.parent.iterdir(), key=lambda left: -left.stat().st_mtime)[cache.KEPT :]:
        shutil.rmtree(old, ignore_errors=True)
    return data


def _coverage_settings(subject: Subject, data: Path) -> str:
    """Of every suite the same, whatever the application's own configuration leaves out."""
    sources = existing(subject, "sources", subject.setting.sources)
    return (
        "[run]\nbranch = true\nparallel = true\nsigterm = true\nconcurrency = thread,multiprocessing\n"
        f"data_file = {data / 'data'}\nsource =\n"
        + "".join(f"    {(subject.folder / name).resolve()}\n" for name in sources)
        + "[report]\ninclude_namespace_packages = true\n"
    )


def coverage(subject: Subject) -> Result:
    """What the suites together reach of the sources, in lines and branches."""
    configured = [name for name in SUITES if getattr(subject.setting.tests, name) or named(name, subject)]
    if not configured:
        return skipped("no tests are named: set app.predeploy.tests")
    if not subject.setting.sources:
        return unknown("coverage of what is not known: set app.predeploy.sources to the files and folders to measure")
    wanted = python_files(subject, existing(subject, "sources", subject.setting.sources))
    folders = {name: _data(subject, name) for name in configured}
    for name, folder in folders.items():
        if named(name, subject):
            return unknown(
                f"{name} is a session of the application's own; name one for coverage too: sessions.coverage"
            )
        if not (folder / "complete").exists():
            return unknown(f"{name} left no data of all its tests in this tree: see its result, or run with --fresh")
    was = {name: (folder / "complete").read_text() for name, folder in folders.items()}
    options = CoverageOptions(
        python=str(python(subject)),
        data=tuple(str(folder) for folder in folders.values()),
        coverage=_report_settings(subject, set(was.values())),
    )
    ran = session("coverage", subject, options)
    ran.code("report", 0)
    return _measured(subject, ran, wanted, configured)


def _report_settings(subject: Subject, folders: set[str]) -> str:
    """Every line that can run counts: no ``omit``, no ``pragma``. What was measured in an export is of here."""
    here = subject.folder.resolve()
    sources = "".join(f"    {here / name}\n" for name in subject.setting.sources)
    aliases = "".join(f"    {folder}\n" for folder in sorted(folders))
    return (
        f"[run]\nbranch = true\nsource =\n{sources}"
        f"[paths]\nhere =\n    {here}\n{aliases}"
        "[report]\ninclude_namespace_packages = true\nignore_errors = true\n"
        "exclude_lines =\n    ^\\s*(((async )?def .*?)?[\\])]+(\\s*->.*?)?:\\s*)?\\.\\.\\.\\s*(#|$)\n"
        "    ^\\s*if (typing\\.)?TYPE_CHECKING:\npartial_branches =\n    (?!)\n"
    )


def _measured(subject: Subject, ran: Ran, wanted: list[str], suites: list[str]) -> Result:
    """Exact: the limit itself is not more than the limit."""
    report = ran.json("json")
    here = subject.folder.resolve()
    files = {str((here / name).resolve().relative_to(here)): found for name, found in report["files"].items()}
    totals = [found["summary"] for name, found in files.items() if name in wanted]
    statements, lines = (sum(total[key] for total in totals) for key in ("num_statements", "covered_lines"))
    branches, taken = (sum(total[key] for total in totals) for key in ("num_branches", "covered_branches"))
    if not wanted or not statements:
        return unknown(f"nothing to measure in {', '.join(subject.setting.sources)}: {len(wanted)} files, no statement")
    percent = Fraction(100 * (lines + taken), statements + branches)
    findings = [
        Finding("not-measured", f"{name} is in the sources and in no report", name, do="see the log of coverage")
        for name in wanted
        if name not in files
    ]
    limit = Fraction(str(subject.setting.coverage))
    if percent <= limit:
        findings.append(_too_little(files, wanted, percent, limit))
    reason = (
        f"{float(percent):.4g} % of {statements} statements and {branches} branches in {len(totals)} of {len(wanted)}"
        f" files, by {', '.join(suites)}"
    )
    ignored = [*ran.json("exclusions"), *_pragmas(subject, wanted)]
    if ignored:
        reason += f"; what the application excludes counts all the same: {'; '.join(ignored)}"
    facts = {"percent": float(percent), "statements": statements, "branches": branches, "files": len(totals)}
    return judged(findings, reason, facts=facts, log=str(ran.log), tools={"coverage": report["meta"]["version"]})


def _pragmas(subject: Subject, files: list[str]) -> list[str]:
    """How often comments of the sources ask coverage to look away."""
    found = sum(len(PRAGMA.findall((subject.folder / name).read_text(errors="replace"))) for name in files)
    return [f"{found} times pragma: no cover"] if found else []


def _too_little(files: dict[str, Any], wanted: list[str], percent: Fraction, limit: Fraction) -> Finding:
    """One finding for the total, with the files that miss most."""
    missing = {name: found["summary"]["missing_lines"] for name, found in files.items() if name in wanted}
    most = [f"{name} ({missing[name]} lines)" for name in sorted(missing, key=lambda name: -missing[name])[:SLOWEST]]
    what = f"{float(percent):.6g} % is not more than {float(limit):g} %; not reached most: {', '.join(most)}"
    return Finding("coverage", what, do="test what is not reached", text="total")


def _unit_lasts(subject: Subject) -> float:
    """While the data that ``coverage`` reads is there."""
    return FOREVER if not subject.setting.sources or (_data(subject, "unit") / "complete").exists() else 0.0


def _coverage_lasts(subject: Subject) -> float:
    """As long as the suites: smoke and integration are run each time."""
    tests, sessions = subject.setting.tests, [named(name, subject) for name in SUITES]
    outside = tests.smoke or tests.integration or any(sessions)
    return 0.0 if outside else FOREVER


HERE = Path(__file__)
OURS = (
    Check(
        "unit",
        "tests",
        "every unit test passes, at the first attempt",
        "tests.unit, requirements",
        functools.partial(suite, "unit"),
        HERE,
        lasts=_unit_lasts,
    ),
    Check(
        "smoke",
        "tests",
        "every smoke test passes, at the first attempt",
        "tests.smoke, requirements",
        functools.partial(suite, "smoke"),
        HERE,
        lasts=never,
    ),
    Check(
        "integration",
        "tests",
        "every integration test passes, at the first attempt",
        "tests.integration, requirements",
        functools.partial(suite, "integration"),
        HERE,
        lasts=never,
    ),
    Check(
        "coverage",
        "tests",
        "the suites together reach more of the sources than the limit, lines and branches",
        "sources, tests",
        coverage,
        HERE,
        lasts=_coverage_lasts,
        after=SUITES,
    ),
)
CHECKS: tuple[Check, ...] = tuple(or_session(check) for check in OURS)
