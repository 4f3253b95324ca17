"""The repository's own sessions, each with the locked requirements.

``inv predeploy`` runs the sessions of ``switchyard/predeploy/nox/application_noxfile.py`` on an application.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "types", "deadcode", "unit", "attacks"]

ROOT = Path(__file__).parent
REPORTS = ROOT / ".nox" / "reports"
LOCK = "requirements/dev.txt"
FUZZ_SECONDS = 600
"""How long ``bench`` feeds the parsers."""
AUDIT_SECONDS = 15
"""The time limit of one query to an advisory source."""


class Package(TypedDict, total=False):
    """A package in pip-audit's report."""

    name: str
    vulns: list[dict[str, str]]
    skip_reason: str
    """Why the source did not look the package up."""


class AuditReport(TypedDict):
    """What pip-audit reports."""

    dependencies: list[Package]


@nox.session
def lint(session: nox.Session) -> None:
    """Check rules and layout of the source (ruff)."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types (mypy)."""
    install(session)
    session.run("mypy")


@nox.session
def deadcode(session: nox.Session) -> None:
    """Look for code that nothing uses (vulture)."""
    install(session)
    session.run("vulture")


@nox.session
def audit(session: nox.Session) -> None:
    """Look up known vulnerabilities of the locked packages; fail where no source answers, unless ``-- answered``."""
    install(session)
    reasons = []
    unknown = REPORTS / "audit-unknown.txt"
    unknown.unlink(missing_ok=True)
    for source in ("pypi", "osv"):
        report, output = run_audit(session, source)
        reason = why_unknown(report, output)
        if reason is None:
            vulnerable = [package["name"] for package in report["dependencies"] if package["vulns"]]
            if vulnerable:
                session.error(f"{source} knows vulnerabilities of {', '.join(vulnerable)}")
            session.log(f"{len(report['dependencies'])} packages checked against {source}, none is vulnerable")
            return
        reasons.append(f"{source}: {reason}")
    problem = f"no source answers for all packages: {'; '.join(reasons)}"
    if "answered" not in session.posargs:
        session.error(problem)
    unknown.write_text(problem)
    session.warn(f"unknown, and no pass: {problem}")


@nox.session
def unit(session: nox.Session) -> None:
    """Run the tests that need no engine, those of ``attacks`` apart."""
    install(session)
    pytest(session, "-m", "not e2e", "-n", "auto", "--ignore=tests/attacks")


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the tests that need real engines and hosts, on two sandbox hosts at once."""
    install(session)
    pytest(session, "-m", "e2e and not long", "-n", "2", "--dist", "worksteal", "--durations=10")


@nox.session
def faults(session: nox.Session) -> None:
    """Strike a deploy at every step, under load, on a real host: each step once, or ``-- --rounds N``."""
    install(session)
    session.run("python", "-m", "bench.faults", *session.posargs)


@nox.session
def red(session: nox.Session) -> None:
    """Run the instances of reported faults with the verbs before their mend, where each is red, and with these."""
    install(session)
    session.run("python", "scripts/red.py", *session.posargs)


@nox.session
def attacks(session: nox.Session) -> None:
    """Try every attack that SECURITY.md tells of, and print a table of what got through."""
    install(session)
    session.run("python", "scripts/attacks.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Feed every parser of outside text for 60 seconds, or ``-- SECONDS [SEED]``, and keep what gets past one."""
    install(session)
    session.run("python", "scripts/fuzz.py", *session.posargs)


@nox.session
def long(session: nox.Session) -> None:
    """Run the long tests and fault rounds, and print what ran with the commit; with words for pytest, tests only."""
    install(session)
    session.run("python", "scripts/long_runs.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed and executions against their limits.

    Instead, ``-- sites`` takes every site of the state machine, in a few minutes; ``-- peers`` kills deploys midway,
    ours beside the naive way; ``-- predeploy`` runs the example's checks beside the same tools in a row;
    ``-- edge`` measures an idle edge; ``-- database`` reads millions of rows beside queries written by hand; and
    ``-- looks`` times the verbs that only look, on a host with twelve services.
    """
    install(session)
    match session.posargs:
        case ["peers", *_]:
            session.run("python", "-m", "bench.peers")
        case ["predeploy", *_]:
            session.run("python", "-m", "bench.predeploy", *session.posargs)
        case ["database", *words]:
            session.run("python", "-m", "bench.database", *words)
        case ["edge", *words]:
            session.run("python", "-m", "bench.edge", *words)
        case ["looks", *words]:
            session.run("python", "-m", "bench.looks", *words)
        case ["sites"]:
            selection = ("tests/core/test_next_step.py", "-k", "from_every_site_every_goal", "-n", "auto")
            session.run("python", "-m", "pytest", *selection, env={"SWITCHYARD_SITES": "all"})
        case []:
            for module in ("bench.deploy", "bench.edge", "bench.looks", "bench.predeploy", "bench.database"):
                session.run("python", "-m", module)
            session.run("python", "scripts/fuzz.py", str(FUZZ_SECONDS))
        case words:
            session.run("python", "-m", "bench.deploy", *words)


@nox.session
def schemas(session: nox.Session) -> None:
    """Run the database checks on other people's schemas (pip, apt-get, npm), or ``-- versions`` of PostgreSQL."""
    install(session)
    match session.posargs:
        case ["versions", *words]:
            session.run("python", "scripts/versions.py", *words)
        case words:
            session.run("python", "scripts/schemas.py", *words)


def install(session: nox.Session) -> None:
    """Install the locked requirements, without a build back end, which no lock covers."""
    session.install("--only-binary=:all:", "--require-hashes", "-r", LOCK)
    # The sessions start these programs by the hundred: compile once, whatever this machine's environment says.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest and write its JUnit report, of this run alone, to ``REPORTS``."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{session.name}.xml"
    report.unlink(missing_ok=True)
    session.run("python", "-m", "pytest", f"--junit-xml={report}", *arguments, *session.posargs)


def run_audit(session: nox.Session, source: str) -> tuple[AuditReport, str]:
    """Return pip-audit's report about the lock file, without a package where it has no report, and what it printed."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    path = REPORTS / f"audit-{source}.json"
    path.unlink(missing_ok=True)
    output = session.run(
        *("pip-audit", "--strict", "--require-hashes", "--disable-pip", "--requirement", LOCK),
        *("--vulnerability-service", source, "--timeout", str(AUDIT_SECONDS)),
        *("--format", "json", "--output", str(path), "--progress-spinner", "off"),
        success_codes=range(256),
        silent=True,
    )
    report: AuditReport = json.loads(path.read_text()) if path.exists() else {"dependencies": []}
    return report, str(output)


def why_unknown(report: AuditReport, output: str) -> str | None:
    """Return why a report is no answer; None where the source knows every package."""
    if not report["dependencies"]:
        return ["no answer", *output.strip().splitlines()][-1]
    skipped = [package["name"] for package in report["dependencies"] if "skip_reason" in package]
    return f"the source does not know {', '.join(skipped)}" if skipped else None
