"""Checks, one session each: of this repository, or of the application that ``inv predeploy`` aims them at.

Without an aim every tool comes from this repository's locked requirements. With one, the environment variable
``SWITCHYARD_TARGET`` names a JSON file that says what to look at and where to leave reports; the tools are those
installed beside nox, and each one's output and exit code go to the reports for ``inv predeploy`` to judge.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
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
TARGET = json.loads(Path(os.environ["SWITCHYARD_TARGET"]).read_text()) if "SWITCHYARD_TARGET" in os.environ else {}
"""The application to look at; nothing: this repository."""
if TARGET:
    nox.options.default_venv_backend = "none"
AUDIT_SECONDS = 15
"""How long an advisory source may take to answer one query."""


@nox.session
def lint(session: nox.Session) -> None:
    """Rules and layout of the source (ruff)."""
    install(session)
    if not TARGET:
        session.run("ruff", "check", ".")
        session.run("ruff", "format", "--check", ".")
        return
    if TARGET["fix"]:
        tool("fix", "ruff", "check", "--fix", "--exit-zero", "--no-cache")
        if TARGET["format"]:
            tool("layout", "ruff", "format", "--no-cache")
        return
    tool("files", "ruff", "check", "--show-files")
    tool("check", "ruff", "check", "--no-cache", "--output-format=json")
    if TARGET["format"]:
        tool("format", "ruff", "format", "--check", "--no-cache", "--output-format=json")


@nox.session
def types(session: nox.Session) -> None:
    """Types (mypy): of the library, or of the modules that the application's settings name."""
    install(session)
    if not TARGET:
        session.run("mypy")
        return
    interpreter = [f"--python-executable={TARGET['python']}"] if TARGET["python"] else []
    options = ["--output=json", "--follow-imports=silent", f"--cache-dir={TARGET['cache']}", *interpreter]
    tool("mypy", "mypy", *options, *TARGET["modules"])


@nox.session
def deadcode(session: nox.Session) -> None:
    """Code that nothing uses (vulture)."""
    install(session)
    if TARGET:
        # Without the application's configuration, by which files could be left out and nobody be told.
        tool("vulture", "vulture", f"--config={os.devnull}", "--min-confidence=80", *TARGET["files"])
    else:
        session.run("vulture")


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the locked packages; what no source answers for fails as not checked."""
    install(session)
    if TARGET:
        service = TARGET["source"]
        address = [] if service in ("pypi", "osv") else [f"--osv-url={service}"]
        options = [f"--vulnerability-service={'osv' if address else service}", *address, f"--timeout={AUDIT_SECONDS}"]
        packages = ["--disable-pip", "--no-deps", f"--requirement={TARGET['packages']}"]
        tool("pip-audit", "pip-audit", *packages, *options, "--format=json", "--progress-spinner=off")
        return
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
    """Tests that need no engine; the application's unit tests."""
    install(session)
    if TARGET:
        suite()
    else:
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
        chosen = ("tests/unit/test_machine.py", "-k", "from_every_site_every_goal", "-n", "auto")
        session.run("python", "-m", "pytest", *chosen, env={"SWITCHYARD_SITES": "all"})
        return
    session.run("python", "-m", "bench.deploy", *session.posargs)
    if not session.posargs:
        session.run("python", "-m", "bench.predeploy")
        session.run("python", "-m", "bench.database")
        session.run("python", "-m", "pytest", "-m", "long", "tests/e2e")


if TARGET:

    @nox.session
    def smoke(session: nox.Session) -> None:
        """The application's smoke tests."""
        suite()

    @nox.session
    def integration(session: nox.Session) -> None:
        """The application's integration tests."""
        suite()

    @nox.session
    def coverage(session: nox.Session) -> None:
        """What the application's suites reached, together."""
        settings = written("coverage", TARGET["coverage"])
        tool("report", TARGET["python"], "-c", REPORT, settings, TARGET["reports"], *TARGET["data"])

    @nox.session(venv_backend="uv")
    def environment(session: nox.Session) -> None:
        """The application's requirements, coverage where they lack it, and a line for each test."""
        session.chdir(TARGET["folder"])
        session.install("--compile-bytecode", *(f"--requirement={name}" for name in TARGET["requirements"]))
        folder = Path(session.virtualenv.location)
        session.run("python", "-c", PACKAGES, str(folder / "packages.txt"))
        if not any(line.startswith("coverage==") for line in (folder / "packages.txt").read_text().splitlines()):
            lines = written("coverage.txt", locked("coverage"))
            session.install("--compile-bytecode", "--no-deps", "--require-hashes", "--requirement", lines)
        site = next(folder.glob("lib/python*/site-packages"))
        (site / "switchyard_each_test.py").write_text(Path(TARGET["plugin"]).read_text())
        (site / "switchyard_coverage.pth").write_text(MEASURED)
        Path(TARGET["ready"]).write_text(str(folder))


PACKAGES = """
import importlib.metadata, json, sys
def is_folder(found):
    return "dir_info" in json.loads(found.read_text("direct_url.json") or "{}")
found = [each for each in importlib.metadata.distributions() if not is_folder(each)]
open(sys.argv[1], "w").write("".join(sorted(f"{each.name}=={each.version}\\n" for each in found)))
"""
"""Writes what is installed, but for folders, which no index knows."""

REPORT = """
import coverage, json, sys
settings, reports, *folders = sys.argv[1:]
whole = coverage.Coverage(data_file=f"{reports}/data", config_file=settings)
whole.combine(folders, strict=True, keep=True)
whole.json_report(outfile=f"{reports}/json")
mine, plain = coverage.Coverage().config, coverage.Coverage(config_file=False).config
told = []
for name in ("run_omit", "run_include", "report_omit", "report_include", "exclude_list", "partial_list"):
    more = [each for each in getattr(mine, name) or [] if each not in (getattr(plain, name) or [])]
    if more:
        told.append(f"{name.replace('_', ' ')} {', '.join(more)}")
json.dump(told, open(f"{reports}/exclusions", "w"))
"""
"""What the suites reached, together, and what the application's own configuration of coverage would leave out."""

MEASURED = 'import os; os.getenv("COVERAGE_PROCESS_START") and __import__("coverage").process_startup()\n'
"""Makes every process of the environment measure itself where that is asked for."""


def suite() -> None:
    """Run the application's tests of one kind, and once more those that failed."""
    reports, python = Path(TARGET["reports"]), Path(TARGET["python"])
    env = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(python.parent.parent)}
    if TARGET["coverage"]:
        env["COVERAGE_PROCESS_START"] = written("coverage.ini", TARGET["coverage"])
    has = {path.name for path in python.parent.parent.glob("lib/python*/site-packages/*")}
    common = [str(python), "-m", "pytest", "-p", "switchyard_each_test", "-o", f"cache_dir={reports / 'cache'}"]
    common += ["--no-cov"] if "pytest_cov" in has else []
    once = ["--maxfail=1"] if TARGET["stop"] else []
    once += [f"--numprocesses={TARGET['workers']}"] if "xdist" in has and TARGET["workers"] > 1 else []
    once += [f"--ignore={name}" for name in TARGET["ignore"]]
    os.environ.update(env, SWITCHYARD_TESTS=str(reports / "tests.jsonl"))
    code = tool("pytest", *common, f"--junit-xml={reports / 'junit.xml'}", *once, TARGET["tests"], shown=True)
    failed = failures(reports / "tests.jsonl") if code in (1, 2) else []
    if failed:
        os.environ["SWITCHYARD_TESTS"] = str(reports / "again.jsonl")
        tool("again", *common, *failed, shown=True)


def failures(lines: Path) -> list[str]:
    """The failed tests, each as pytest takes it from any folder."""
    told = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    root = next((line["root"] for line in told if "root" in line), "")
    return list(dict.fromkeys(f"{root}/{line['test']}" for line in told if line.get("outcome") == "failed"))


def written(name: str, text: str) -> str:
    path = Path(TARGET["reports"]) / name
    path.write_text(text)
    return str(path)


def locked(package: str) -> str:
    """The package's lines of the lock file, with its hashes."""
    entries = re.split(r"\n(?=\S)", Path(TARGET["lock"]).read_text())
    return "\n".join(entry for entry in entries if entry.startswith(f"{package}==")) + "\n"


@nox.session
def schemas(session: nox.Session) -> None:
    """The checks of a database on schemas that others wrote (pip, apt-get, npm); ``versions``: on PostgreSQL 14-18."""
    install(session)
    versions = session.posargs[:1] == ["versions"]
    script, words = ("versions", session.posargs[1:]) if versions else ("schemas", session.posargs)
    session.run("python", f"scripts/{script}.py", *words)


def install(session: nox.Session) -> None:
    """The locked requirements; the tools for an application stand beside nox."""
    if not TARGET:
        session.install("--require-hashes", "-r", LOCK)
        # Programs that are started by the hundred are compiled once, whatever this machine usually asks for.
        session.env["PYTHONDONTWRITEBYTECODE"] = ""


def tool(label: str, program: str, *arguments: str, shown: bool = False) -> int:
    """Run a tool in the application's folder; its exit code, whatever it is, and its output go to the reports.

    ``shown``: the output goes to the log with everything else.
    """
    path = program if os.path.isabs(program) else str(Path(sys.prefix) / "bin" / program)
    report = Path(TARGET["reports"]) / label
    with contextlib.ExitStack() as stack:
        output = None if shown else stack.enter_context(open(report, "w"))
        done = subprocess.run([path, *arguments], cwd=TARGET["folder"], stdin=subprocess.DEVNULL, stdout=output)
    report.with_suffix(".code").write_text(str(done.returncode))
    return done.returncode


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
