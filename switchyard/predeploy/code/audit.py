"""Known vulnerabilities of everything that the requirements resolve to (pip-audit)."""

from __future__ import annotations

from datetime import datetime, time, timezone
from pathlib import Path

from switchyard.control.allowances import Need
from switchyard.core.errors import BadInput
from switchyard.core.wire.allowance import Allowance, origin
from switchyard.core.wire.message import Foreign, message
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import Finding, Result, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.application_session import or_session
from switchyard.predeploy.nox.environment import packages_file
from switchyard.predeploy.nox.session import SessionRun, session
from switchyard.predeploy.nox.target import AuditOptions
from switchyard.predeploy.nox.tool_result import tool_result
from switchyard.predeploy.nox.variables import of_installing
from switchyard.settings.predeploy import IgnoreSetting

DAY = 86400.0
DESCRIPTION = 160
"""Characters of a vulnerability's description that a finding shows."""


@message(frozen=True)
class Vulnerability(Foreign):
    id: str
    aliases: tuple[str, ...]
    fix_versions: tuple[str, ...]
    description: str = ""


@message(frozen=True)
class AuditedPackage(Foreign):
    """A package in pip-audit's report."""

    name: str
    version: str = ""
    skip_reason: str | None = None
    """Why the source could not answer for it."""
    vulns: tuple[Vulnerability, ...] = ()


@message(frozen=True)
class AuditReport(Foreign):
    """What ``pip-audit --format=json`` prints."""

    dependencies: tuple[AuditedPackage, ...]


def run(subject: Subject) -> Result:
    """Look up every installed package."""
    if not subject.setting.requirements:
        return skipped("no requirements are named: set app.predeploy.requirements to the files with them")
    source = subject.setting.audit.source
    if source not in ("pypi", "osv") and not source.startswith(("http://", "https://")):
        raise BadInput(f"app.predeploy.audit.source: {source} is none of pypi, osv and an address of osv's API")
    if source not in ("pypi", "osv"):
        send: dict[str, tuple[str, ...]] = {origin(source) or source: ()}
        subject.allowances.require([Need(("audit", "source"), Allowance(send=send))])
    packages = packages_file(subject)
    audit = session("audit", subject, AuditOptions(source, str(packages)), variables=of_installing)
    if not audit.text("pip-audit").strip():
        why = f"no answer from {source}: {audit.last_line('pip-audit')}"
        return unknown(why, output=audit.output, log=str(audit.log))
    audit.code("pip-audit", 0, 1)
    audited = AuditReport.decode(audit.json("pip-audit"), "pip-audit").dependencies
    installed = len(packages.read_text().splitlines())
    not_known = [package.name for package in audited if package.skip_reason is not None]
    if not_known:
        return unknown(f"not audited: {source} knows nothing of {', '.join(not_known)}", log=str(audit.log))
    if len(audited) != installed:
        return unknown(f"not audited: {len(audited)} of {installed} were looked up", log=str(audit.log))
    return _judged(subject, audited, audit)


def _judged(subject: Subject, audited: tuple[AuditedPackage, ...], audit: SessionRun) -> Result:
    today = datetime.now(timezone.utc).date()
    ignores = {ignore.id: ignore for ignore in subject.setting.audit.ignore}
    findings, ignored = [], []
    for package in audited:
        for vulnerability in package.vulns:
            names = [vulnerability.id, *vulnerability.aliases]
            ignore = next((ignores[name] for name in names if name in ignores), None)
            if ignore and ignore.until >= today:
                ignored.append(f"{ignore.id} until {ignore.until}: {ignore.reason}")
            else:
                findings.append(_finding(package, vulnerability, names, ignore))
    reason = f"{len(audited)} packages, source {subject.setting.audit.source}"
    reason += f", ignored {'; '.join(ignored)}" if ignored else ""
    return tool_result("pip-audit", findings, reason, audit)


def _finding(
    package: AuditedPackage, vulnerability: Vulnerability, names: list[str], ended: IgnoreSetting | None
) -> Finding:
    late = f"; it was ignored until {ended.until}" if ended else ""
    versions = " or ".join(vulnerability.fix_versions)
    do = f"take {versions}" if versions else "no version without it is known"
    description = vulnerability.description[:DESCRIPTION]
    what = f"{package.name} {package.version}: {', '.join(names)}{late}: {description}"
    return Finding(vulnerability.id, what, package.name, do=do, text=f"{package.name} {vulnerability.id}")


def lasts(subject: Subject) -> float:
    """Return the seconds of a day, or those until an ignore ends."""
    now = datetime.now(timezone.utc)
    ends = [datetime.combine(ignore.until, time.max, timezone.utc) for ignore in subject.setting.audit.ignore]
    return min([DAY, *((end - now).total_seconds() for end in ends if end > now)])


CHECK = or_session(
    Check(
        "audit",
        "code",
        "no package that the requirements resolve to has a known vulnerability (pip-audit)",
        "requirements, an advisory source",
        run,
        Path(__file__),
        lasts=lasts,
        waits=True,
    )
)
