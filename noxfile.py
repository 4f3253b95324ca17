"""The repository's own sessions, each with the locked requirements.

``inv predeploy`` runs the sessions of ``switchyard/predeploy/nox/application_noxfile.py`` on an application.
"""

from __future__ import annotations

import json
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "types", "deadcode", "unit"]

ROOT = Path(__file__).parent
REPORTS = ROOT / ".nox" / "reports"
LOCK = "requirements/dev.txt"
AUDIT_SECONDS = 15
"""The time limit of one query to an advisory source."""


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
    """Look up known vulnerabilities of the locked packages; fail where no source answers."""
    install(session)
    reasons = []
    for source in ("pypi", "osv"):
        report, output = audited(session, source)
        reason = why_unknown(report, output)
        if reason is None:
            vulnerable = [package["name"] for package in report["dependencies"] if package["vulns"]]
            if vulnerable:
                session.error(f"vulnerable, according to {source}: {', '.join(vulnerable)}")
            session.log(f"{len(report['dependencies'])} packages checked against {source}, none vulnerable")
            return
        reasons.append(f"{source}: {reason}")
    session.error(f"could not check: {'; '.join(reasons)}")


@nox.session
def unit(session: nox.Session) -> None:
    """Run the tests that need no engine."""
    install(session)
    pytest(session, "-m", "not e2e", "-n", "auto")


@nox.session
def e2e(session: nox.Session) -> None:
    """Tests against real engines and hosts, on two sandbox hosts at once."""
    install(session)
    pytest(session, "-m", "e2e and not long", "-n", "2", "--dist", "worksteal", "--durations=10")


@nox.session
def faults(session: nox.Session) -> None:
    """A deploy struck at every step of its plan, under load, on a real host: each step once, or ``-- --rounds N``."""
    install(session)
    session.run("python", "-m", "bench.faults", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and executions against their limits, then what takes ten minutes.

    ``-- sites`` takes every site of the state machine instead, in a few minutes; ``-- peers`` kills deploys midway,
    ours beside the naive way; ``-- predeploy`` runs the checks of the example beside the same tools in a row;
    ``-- database`` reads millions of rows beside queries written by hand.
    """
    install(session)
    if session.posargs[:1] == ["peers"]:
        session.run("python", "-m", "bench.peers")
        return
    if session.posargs[:1] == ["predeploy"]:
        session.run("python", "-m", "bench.predeploy", *session.posargs)
        return
    if session.posargs[:1] == ["database"]:
        session.run("python", "-m", "bench.database", *session.posargs[1:])
        return
    if session.posargs == ["sites"]:
        chosen = ("tests/core/test_next_step.py", "-k", "from_every_site_every_goal", "-n", "auto")
        session.run("python", "-m", "pytest", *chosen, env={"SWITCHYARD_SITES": "all"})
        return
    session.run("python", "-m", "bench.deploy", *session.posargs)
    if not session.posargs:
        session.run("python", "-m", "bench.predeploy")
        session.run("python", "-m", "bench.database")
        session.run("python", "-m", "pytest", "-m", "long", "tests/e2e")


@nox.session
def schemas(session: nox.Session) -> None:
    """The checks of a database on schemas that others wrote (pip, apt-get, npm); ``versions``: on PostgreSQL 14-18."""
    install(session)
    versions = session.posargs[:1] == ["versions"]
    script, words = ("versions", session.posargs[1:]) if versions else ("schemas", session.posargs)
    session.run("python", f"scripts/{script}.py", *words)


def install(session: nox.Session) -> None:
    """Install the locked requirements."""
    session.install("--require-hashes", "-r", LOCK)
    # The sessions start these programs by the hundred: compile once, whatever this machine's environment says.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest and leave its JUnit report, of this run alone, under the reports."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{session.name}.xml"
    report.unlink(missing_ok=True)
    session.run("python", "-m", "pytest", f"--junit-xml={report}", *arguments, *session.posargs)


def audited(session: nox.Session, source: str) -> tuple[dict, str]:
    """What pip-audit reports about the lock file, an empty mapping where it could not, and what it printed."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"audit-{source}.json"
    report.unlink(missing_ok=True)
    said = session.run(
        *("pip-audit", "--strict", "--require-hashes", "--disable-pip", "--requirement", LOCK),
        *("--vulnerability-service", source, "--timeout", str(AUDIT_SECONDS)),
        *("--format", "json", "--output", str(report), "--progress-spinner", "off"),
        success_codes=range(256),
        silent=True,
    )
    return (json.loads(report.read_text()) if report.exists() else {}), str(said)


def why_unknown(found: dict, said: str) -> str | None:
    """Why the answer is none, or nothing where every package was looked up."""
    if not found.get("dependencies"):
        return ["no answer", *said.strip().splitlines()][-1]
    skipped = [package["name"] for package in found["dependencies"] if "skip_reason" in package]
    return f"nothing known of {', '.join(skipped)}" if skipped else None
