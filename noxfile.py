"""The checks of this repository, one session each; every tool comes from the locked requirements."""

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
"""How long an advisory source may take to answer one query."""


@nox.session
def lint(session: nox.Session) -> None:
    """Rules and layout of the source (ruff)."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types of the library (mypy, strict)."""
    install(session)
    session.run("mypy")


@nox.session
def deadcode(session: nox.Session) -> None:
    """Code that nothing uses (vulture)."""
    install(session)
    session.run("vulture")


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the locked packages; what no source answers for fails as not checked."""
    install(session)
    reasons = []
    for source in ("pypi", "osv"):
        found, said = audited(session, source)
        reason = why_unknown(found, said)
        if reason is None:
            vulnerable = [package["name"] for package in found["dependencies"] if package["vulns"]]
            if vulnerable:
                session.error(f"vulnerable, according to {source}: {', '.join(vulnerable)}")
            session.log(f"{len(found['dependencies'])} packages checked against {source}, none vulnerable")
            return
        reasons.append(f"{source}: {reason}")
    session.error(f"could not check: {'; '.join(reasons)}")


@nox.session
def unit(session: nox.Session) -> None:
    """Tests that need no engine."""
    install(session)
    pytest(session, "-m", "not e2e", "-n", "auto")


@nox.session
def e2e(session: nox.Session) -> None:
    """Tests against real engines and hosts."""
    install(session)
    pytest(session, "-m", "e2e and not long", "--durations=10")


@nox.session
def faults(session: nox.Session) -> None:
    """A deploy struck at every step of its plan, under load, on a real host: each step once, or ``-- --rounds N``."""
    install(session)
    session.run("python", "scripts/faults.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and executions against their limits, then what takes ten minutes.

    ``-- sites`` takes every site of the state machine instead, which takes hours.
    """
    install(session)
    if session.posargs == ["sites"]:
        session.run("python", "-m", "pytest", "tests/unit/test_machine.py", env={"SWITCHYARD_SITES": "all"})
        return
    session.run("python", "scripts/bench.py", *session.posargs)
    if not session.posargs:
        session.run("python", "-m", "pytest", "-m", "long", "tests/e2e")


def install(session: nox.Session) -> None:
    session.install("--require-hashes", "-r", LOCK)


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
