"""The protocol's code."""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from datetime import datetime, time, timezone
from pathlib import Path
from typing import Any

from switchyard.core.errors import BadInput
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import Finding, Result, judged, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.environment import environment, python
from switchyard.predeploy.nox.own_session import named, or_session
from switchyard.predeploy.nox.session import Ran, at, existing, python_files, session
from switchyard.predeploy.nox.target import AuditOptions, DeadcodeOptions, LintOptions, TypesOptions

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEAD = re.compile(r"(?P<path>.+?):(?P<line>\d+): (?P<what>.+) \(\d+% confidence(?:, \d+ lines?)?\)")

DAY = 86400.0
UNNAMED = "no Python code is named: set app.predeploy.sources to its files and folders"


def lint(subject: Subject) -> Result:
    """The whole folder's rules, and layout where that is configured (ruff, with the application's configuration)."""
    if not subject.setting.sources:
        return skipped(UNNAMED)
    ran = session("lint", subject, LintOptions(format=formats(subject), fix=False))
    ran.code("files", 0)
    looked_at = [line for line in ran.text("files").splitlines() if line.strip()]
    for name in existing(subject, "sources", subject.setting.sources):
        root = (subject.folder / name).resolve()
        if not any(Path(path).resolve() == root or root in Path(path).resolve().parents for path in looked_at):
            return unknown(
                f"ruff looks at no file of {name}: app.predeploy.sources, or an exclude of its configuration"
            )
    findings = _ruff(subject, ran, "check")
    if formats(subject):
        # Without layout, and with 2, where a file cannot be parsed: that file is a finding of the rules already.
        findings += _ruff(subject, ran, "format", 0, 1, 2)
    words = "rules and layout" if formats(subject) else "rules; no layout is configured"
    return _told(findings, f"{len(looked_at)} files: {words}", ran, "ruff")


def _ruff(subject: Subject, ran: Ran, label: str, *known: int) -> list[Finding]:
    ran.code(label, *(known or (0, 1)))
    return [
        at(
            subject,
            each["code"] or each["name"],
            each["message"],
            each["filename"],
            each["location"]["row"],
            do="inv predeploy --fix" if (each.get("fix") or {}).get("applicability") == "safe" else "",
        )
        for each in ran.json(label)
    ]


def fix(subject: Subject) -> str:
    """Corrects what ruff can correct safely, in the work tree. What is left is for ``lint`` to find."""
    if named("lint", subject):
        return "nothing is corrected: lint is a session of the application's own"
    if not subject.setting.sources:
        return UNNAMED
    return session("lint", subject, LintOptions(format=formats(subject), fix=True)).output


def formats(subject: Subject) -> bool:
    """Whether ruff's configuration for this folder has a section on layout."""
    top = subject.top.resolve()
    for folder in (subject.folder.resolve(), *subject.folder.resolve().parents):
        configured = _ruff_configuration(folder)
        if configured is not None or folder == top:
            return "format" in (configured or {})
    return False


def _ruff_configuration(folder: Path) -> dict[str, Any] | None:
    """What ruff reads in this folder; None where it looks further up."""
    for name in (".ruff.toml", "ruff.toml"):
        if (folder / name).exists():
            return _toml(folder / name)
    ruff: dict[str, Any] | None = _toml(folder / "pyproject.toml").get("tool", {}).get("ruff")
    return ruff


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def deadcode(subject: Subject) -> Result:
    """Code that nothing can reach or use (vulture)."""
    if not subject.setting.sources:
        return skipped(UNNAMED)
    sources = existing(subject, "sources", subject.setting.sources)
    files = python_files(subject, sources)
    if not files:
        return unknown(f"no Python file in {', '.join(sources)}; set app.predeploy.sources to where the code is")
    allowed = [subject.setting.allowlist] if subject.setting.allowlist else []
    existing(subject, "allowlist", allowed)
    ran = session("deadcode", subject, DeadcodeOptions((*files, *allowed)))
    ran.code("vulture", 0, 3)
    findings = []
    for line in ran.text("vulture").splitlines():
        match = DEAD.fullmatch(line)
        if match:
            rule = "-".join(re.sub(r"'[^']*'", "", match["what"]).split()[:2])
            findings.append(
                at(
                    subject,
                    rule,
                    match["what"],
                    match["path"],
                    int(match["line"]),
                    do="delete it, or name it in the file that app.predeploy.allowlist names",
                )
            )
    if ran.code("vulture", 0, 3) == 3 and not findings:
        return unknown(f"vulture told of dead code in words that are not understood: {ran.last('vulture')}")
    reason = f"{len(files)} files at a confidence of 80 %" + (f", allowed by {allowed[0]}" if allowed else "")
    own = _toml(subject.folder / "pyproject.toml").get("tool", {}).get("vulture")
    reason += f", without {', '.join(own)} of [tool.vulture] in pyproject.toml" if own else ""
    return _told(findings, reason, ran, "vulture")


def types(subject: Subject) -> Result:
    """The types of the modules that the settings name (mypy, with the application's own configuration)."""
    if not subject.setting.modules:
        return skipped("no modules are named: set app.predeploy.modules to the files and folders to look at")
    modules = existing(subject, "modules", subject.setting.modules)
    interpreter = str(python(subject)) if subject.setting.requirements else None
    ran = session("types", subject, TypesOptions(tuple(modules), cache=str(subject.state / "mypy"), python=interpreter))
    said = [json.loads(line) for line in ran.text("mypy").splitlines() if line.startswith("{")]
    if said and ran.code("mypy", 0, 1, 2) == 2:
        where = f"{said[0]['file']}:{said[0]['line']}"
        return unknown(f"mypy could not check: {where}: {said[0]['message']}", log=str(ran.log))
    ran.code("mypy", 0, 1)
    findings = [
        at(subject, each["code"] or "mypy", each["message"], each["file"], each["line"], do=each["hint"] or "")
        for each in said
        if each["severity"] == "error"
    ]
    return _told(findings, f"{len(python_files(subject, modules))} files of {', '.join(modules)}", ran, "mypy")


def audit(subject: Subject) -> Result:
    """Known vulnerabilities of all that the requirements resolve to (pip-audit)."""
    if not subject.setting.requirements:
        return skipped("no requirements are named: set app.predeploy.requirements to the files with them")
    source = subject.setting.audit.source
    if source not in ("pypi", "osv") and not source.startswith(("http://", "https://")):
        raise BadInput(f"app.predeploy.audit.source: {source} is none of pypi, osv and an address that osv's API is at")
    packages = environment(subject) / "packages.txt"
    ran = session("audit", subject, AuditOptions(source, str(packages)), full_env=True)
    if not ran.text("pip-audit").strip():
        return unknown(f"no answer from {source}: {ran.last('pip-audit')}", output=ran.output, log=str(ran.log))
    ran.code("pip-audit", 0, 1)
    found = ran.json("pip-audit")["dependencies"]
    asked = len(packages.read_text().splitlines())
    left_out = [each["name"] for each in found if "skip_reason" in each]
    if left_out or len(found) != asked:
        why = (
            f"{source} knows nothing of {', '.join(left_out)}"
            if left_out
            else f"{len(found)} of {asked} were looked up"
        )
        return unknown(f"not audited: {why}", log=str(ran.log))
    return _audited(subject, found, ran)


def _audited(subject: Subject, found: list[dict[str, Any]], ran: Ran) -> Result:
    today = datetime.now(timezone.utc).date()
    ignored = {each.id: each for each in subject.setting.audit.ignore}
    findings, told = [], []
    for package in found:
        for each in package["vulns"]:
            names = [each["id"], *each["aliases"]]
            waiver = next((ignored[name] for name in names if name in ignored), None)
            if waiver and waiver.until >= today:
                told.append(f"{waiver.id} until {waiver.until}: {waiver.reason}")
            else:
                findings.append(_vulnerable(package, each, names, waiver))
    reason = f"{len(found)} packages, source {subject.setting.audit.source}"
    return _told(findings, reason + (f", ignored {'; '.join(told)}" if told else ""), ran, "pip-audit")


def _vulnerable(package: dict[str, Any], each: dict[str, Any], names: list[str], ended: Any) -> Finding:
    late = f"; it was ignored until {ended.until}" if ended else ""
    fixed = f"take {' or '.join(each['fix_versions'])}" if each["fix_versions"] else "no version without it is known"
    what = f"{package['name']} {package['version']}: {', '.join(names)}{late}: {each.get('description', '')[:160]}"
    return Finding(each["id"], what, package["name"], do=fixed, text=f"{package['name']} {each['id']}")


def _audit_lasts(subject: Subject) -> float:
    """A day, or until an ignore ends."""
    now = datetime.now(timezone.utc)
    ends = [datetime.combine(each.until, time.max, timezone.utc) for each in subject.setting.audit.ignore]
    return min([DAY, *((end - now).total_seconds() for end in ends if end > now)])


def _told(findings: list[Finding], reason: str, ran: Ran, *tools: str) -> Result:
    """Judged, with the versions and the log."""
    versions = {tool: importlib.metadata.version(tool) for tool in tools}
    with_versions = ", ".join([reason, *(f"{tool} {version}" for tool, version in versions.items())])
    return judged(findings, with_versions, tools=versions, output=ran.output, log=str(ran.log))


HERE = Path(__file__)
OURS = (
    Check("lint", "code", "no rule of the application's ruff configuration is broken", "Python files", lint, HERE),
    Check("deadcode", "code", "vulture finds no unused or unreachable code at 80 %", "Python files", deadcode, HERE),
    Check("types", "code", "the modules that the settings name have no type errors (mypy)", "modules", types, HERE),
    Check(
        "audit",
        "code",
        "no package that the requirements resolve to has a known vulnerability (pip-audit)",
        "requirements, an advisory source",
        audit,
        HERE,
        lasts=_audit_lasts,
        waits=True,
    ),
)
CHECKS: tuple[Check, ...] = tuple(or_session(check) for check in OURS)
