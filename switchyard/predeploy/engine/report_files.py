"""The results of the checks as files for programs: JSON and JUnit."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from switchyard.control.whole_file import SHARED, write_beside, write_whole
from switchyard.core.errors import BadInput
from switchyard.core.wire.predeploy import CheckReport, FindingReport, PredeployReport
from switchyard.predeploy.engine.gate import Verdict, outcome
from switchyard.predeploy.engine.options import CheckOptions
from switchyard.predeploy.engine.result import FAIL, SKIPPED, UNKNOWN, Finding


def require_writable(options: CheckOptions) -> None:
    """Raise ``BadInput`` for a file that cannot be written, before the checks run."""
    for flag, name in (("--json", options.json), ("--junit", options.junit)):
        if name:
            _require_writable(flag, Path(name))


def _require_writable(flag: str, path: Path) -> None:
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        write_beside(path, "", mode=SHARED).unlink()
    except OSError as error:
        raise BadInput(f"{flag} {path}: {error.strerror}; name a file that can be written") from None


def write(options: CheckOptions, verdicts: Sequence[Verdict], tree: str) -> None:
    """Write the files that the command line names, each whole or not at all. ``tree``: what the checks looked at."""
    if options.json:
        write_whole(Path(options.json), json.dumps(as_message(verdicts, tree).encode(), indent=1) + "\n", mode=SHARED)
    if options.junit:
        write_whole(Path(options.junit), as_junit(verdicts), mode=SHARED)


def as_message(verdicts: Sequence[Verdict], tree: str) -> PredeployReport:
    checks = tuple(
        CheckReport(
            name=verdict.name,
            group=verdict.group,
            gate=verdict.gate,
            outcome=verdict.result.outcome,
            seconds=verdict.result.seconds,
            cached=verdict.result.cached,
            findings=tuple(_finding(finding) for finding in verdict.result.findings),
            reason=verdict.result.reason,
            allowed=verdict.allowed or None,
            facts=verdict.result.facts,
        )
        for verdict in verdicts
    )
    return PredeployReport(tree=tree, outcome=outcome(verdicts), checks=checks)


def _finding(finding: Finding) -> FindingReport:
    return FindingReport(
        rule=finding.rule,
        severity=finding.severity,
        place=finding.place,
        line=finding.line,
        what=finding.what,
        do=finding.do,
    )


def as_junit(verdicts: Sequence[Verdict]) -> str:
    """Return JUnit XML: a suite for each group, a case for each check. An unknown is an error."""
    root = ElementTree.Element("testsuites")
    for group in dict.fromkeys(verdict.group for verdict in verdicts):
        members = [verdict for verdict in verdicts if verdict.group == group]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=group,
            tests=str(len(members)),
            failures=str(sum(verdict.result.outcome == FAIL for verdict in members)),
            errors=str(sum(verdict.result.outcome == UNKNOWN for verdict in members)),
            skipped=str(sum(verdict.result.outcome == SKIPPED for verdict in members)),
            timestamp=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
        )
        for verdict in members:
            _add_case(suite, verdict)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _add_case(suite: ElementTree.Element, verdict: Verdict) -> None:
    result = verdict.result
    seconds = f"{result.seconds:.3f}"
    case = ElementTree.SubElement(suite, "testcase", classname=verdict.group, name=verdict.name, time=seconds)
    kind = {FAIL: "failure", UNKNOWN: "error", SKIPPED: "skipped"}.get(result.outcome)
    if kind:
        lines = [f"{finding.where}: {finding.what} [{finding.rule}]" for finding in result.findings]
        problem = ElementTree.SubElement(case, kind, message=_xml(result.reason))
        problem.text = _xml("\n".join([*lines, result.output]))


def _xml(text: str) -> str:
    """Return the text without the characters that XML cannot hold."""
    return "".join(char for char in text if char in "\t\n\r" or " " <= char < "\ufffe")
