"""The nox sessions that ``inv predeploy`` runs on an application.

The environment variable ``SWITCHYARD_TARGET`` names a JSON file with the application's folder, the reports folder and
the session's options. The tools are those installed beside nox. Each tool's output and exit code go to the reports
folder; ``inv predeploy`` judges them.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import nox

# In a checkout Switchyard is not installed, and the application's folder, first on the path, may hold a package of
# the same name.
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from switchyard.predeploy.nox import target
from switchyard.predeploy.tests.pytest_run import PytestRun

sys.path.pop(0)

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "none"
nox.options.error_on_missing_interpreters = True

AUDIT_SECONDS = 15
"""The time limit of one query to an advisory source."""

PACKAGES = """
import importlib.metadata, json, sys
def is_folder(distribution):
    return "dir_info" in json.loads(distribution.read_text("direct_url.json") or "{}")
packages = [each for each in importlib.metadata.distributions() if not is_folder(each)]
open(sys.argv[1], "w").write("".join(sorted(f"{each.name}=={each.version}\\n" for each in packages)))
"""
"""Writes the installed packages, without folders, which no index knows."""

REPORT = """
import coverage, json, sys
settings, reports, *folders = sys.argv[1:]
whole = coverage.Coverage(data_file=f"{reports}/data", config_file=settings)
whole.combine(folders, strict=True, keep=True)
whole.json_report(outfile=f"{reports}/json")
application, default = coverage.Coverage().config, coverage.Coverage(config_file=False).config
exclusions = []
for name in ("run_omit", "run_include", "report_omit", "report_include", "exclude_list", "partial_list"):
    more = [each for each in getattr(application, name) or [] if each not in (getattr(default, name) or [])]
    if more:
        exclusions.append(f"{name.replace('_', ' ')} {', '.join(more)}")
json.dump(exclusions, open(f"{reports}/exclusions", "w"))
"""
"""Writes the coverage of all suites together, and what the application's own coverage configuration excludes."""

MEASURED = 'import os; os.getenv("COVERAGE_PROCESS_START") and __import__("coverage").process_startup()\n'
"""Starts coverage in every process of the environment whose environment variables ask for it."""


@nox.session
def lint(_: nox.Session) -> None:
    """Check rules and layout of the source, or correct them (ruff)."""
    aim, options = read(target.LintOptions)
    if options.fix:
        tool(aim, "fix", "ruff", "check", "--fix", "--exit-zero", "--no-cache")
        if options.format:
            tool(aim, "layout", "ruff", "format", "--no-cache")
        return
    tool(aim, "files", "ruff", "check", "--show-files")
    tool(aim, "check", "ruff", "check", "--no-cache", "--output-format=json")
    if options.format:
        tool(aim, "format", "ruff", "format", "--check", "--no-cache", "--output-format=json")


@nox.session
def types(_: nox.Session) -> None:
    """Check the types of the modules that the settings name (mypy)."""
    aim, options = read(target.TypesOptions)
    interpreter = [f"--python-executable={options.python}"] if options.python else []
    flags = ["--output=json", "--follow-imports=silent", f"--cache-dir={options.cache}", *interpreter]
    tool(aim, "mypy", "mypy", *flags, *options.modules)


@nox.session
def deadcode(_: nox.Session) -> None:
    """Look for code that nothing uses (vulture)."""
    aim, options = read(target.DeadcodeOptions)
    # Without the application's vulture configuration: it could exclude files silently.
    tool(aim, "vulture", "vulture", f"--config={os.devnull}", "--min-confidence=80", *options.files)


@nox.session
def audit(_: nox.Session) -> None:
    """Look up known vulnerabilities of the installed packages (pip-audit)."""
    aim, options = read(target.AuditOptions)
    service = options.source
    address = [] if service in ("pypi", "osv") else [f"--osv-url={service}"]
    flags = [f"--vulnerability-service={'osv' if address else service}", *address, f"--timeout={AUDIT_SECONDS}"]
    packages = ["--disable-pip", "--no-deps", f"--requirement={options.packages}"]
    tool(aim, "pip-audit", "pip-audit", *packages, *flags, "--format=json", "--progress-spinner=off")


@nox.session
def unit(_: nox.Session) -> None:
    """Run the application's unit tests."""
    suite()


@nox.session
def smoke(_: nox.Session) -> None:
    """Run the application's smoke tests."""
    suite()


@nox.session
def integration(_: nox.Session) -> None:
    """Run the application's integration tests."""
    suite()


@nox.session
def coverage(_: nox.Session) -> None:
    """Report what the application's suites reach together."""
    aim, options = read(target.CoverageOptions)
    settings = report(aim, "coverage", options.coverage)
    tool(aim, "report", options.python, "-c", REPORT, settings, aim.reports, *options.data)


@nox.session(venv_backend="uv")
def environment(session: nox.Session) -> None:
    """Install the application's requirements, coverage where they lack it, and the plugin that reports each test."""
    aim, options = read(target.EnvironmentOptions)
    session.chdir(aim.folder)
    session.install("--compile-bytecode", *(f"--requirement={name}" for name in options.requirements))
    folder = Path(session.virtualenv.location)
    packages = folder / "packages.txt"
    session.run("python", "-c", PACKAGES, str(packages))
    if not any(line.startswith("coverage==") for line in packages.read_text().splitlines()):
        lines = report(aim, "coverage.txt", locked("coverage", Path(options.lock)))
        locked_alone = ("--no-deps", "--only-binary=:all:", "--require-hashes")
        session.install("--compile-bytecode", *locked_alone, "--requirement", lines)
    site_packages = next(folder.glob("lib/python*/site-packages"))
    (site_packages / "switchyard_each_test.py").write_text(Path(options.plugin).read_text())
    (site_packages / "switchyard_coverage.pth").write_text(MEASURED)
    Path(options.ready).write_text(str(folder))


def read(kind: type[target.OptionsOfSession]) -> tuple[target.Target, target.OptionsOfSession]:
    return target.read(Path(os.environ[target.VARIABLE]), kind)


def suite() -> None:
    """Run the application's tests of one kind, then run the failed ones again."""
    aim, options = read(target.SuiteOptions)
    python, reports = Path(options.python), Path(aim.reports)
    env = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(python.parent.parent)}
    if options.coverage:
        env["COVERAGE_PROCESS_START"] = report(aim, "coverage.ini", options.coverage)
    packages = {path.name for path in python.parent.parent.glob("lib/python*/site-packages/*")}
    command = [
        str(python),
        "-m",
        "pytest",
        "-p",
        "switchyard_each_test",
        "-o",
        f"cache_dir={reports / 'cache'}",
    ]
    command += ["--no-cov"] if "pytest_cov" in packages else []
    first = ["--maxfail=1"] if options.stop else []
    first += [f"--numprocesses={options.workers}"] if "xdist" in packages and options.workers > 1 else []
    first += [f"--ignore={name}" for name in options.ignore]
    os.environ.update(env, SWITCHYARD_TESTS=str(reports / "tests.jsonl"))
    junit = f"--junit-xml={reports / 'junit.xml'}"
    code = tool(aim, "pytest", *command, junit, *first, options.tests, shown=True)
    failed = failures(reports / "tests.jsonl") if code in (1, 2) else []
    if failed:
        os.environ["SWITCHYARD_TESTS"] = str(reports / "again.jsonl")
        tool(aim, "again", *command, *failed, shown=True)


def failures(lines: Path) -> list[str]:
    """Return the failed tests, each with an absolute path, as pytest takes it from any folder."""
    run = PytestRun.read(lines.read_text() if lines.exists() else "")
    return [f"{run.root}/{test}" for test, outcome in run.outcome.items() if outcome == "failed"]


def report(aim: target.Target, name: str, text: str) -> str:
    """Write a file beside the reports and return its path."""
    path = Path(aim.reports) / name
    path.write_text(text)
    return str(path)


def locked(package: str, lock: Path) -> str:
    """Return the package's lines of the lock file, with its hashes."""
    entries = re.split(r"\n(?=\S)", lock.read_text())
    return "\n".join(entry for entry in entries if entry.startswith(f"{package}==")) + "\n"


def tool(aim: target.Target, label: str, program: str, *arguments: str, shown: bool = False) -> int:
    """Run a tool in the application's folder; write its output and its exit code to the reports; return the code.

    ``shown``: the output goes to nox's log instead.
    """
    path = program if os.path.isabs(program) else str(Path(sys.prefix) / "bin" / program)
    file = Path(aim.reports) / label
    with contextlib.ExitStack() as stack:
        output = None if shown else stack.enter_context(open(file, "w"))
        done = subprocess.run([path, *arguments], cwd=aim.folder, stdin=subprocess.DEVNULL, stdout=output)
    file.with_suffix(".code").write_text(str(done.returncode))
    return done.returncode
