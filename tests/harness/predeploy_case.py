"""A small application that the real command line checks, with the real tools and no network."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from switchyard.predeploy.engine import tree
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.application_session import SUITES
from switchyard.settings import load as settings
from tests.harness import library
from tests.harness.advisories import Advisories

SETTING = {
    "sources": ["shop"],
    "modules": ["shop/price.py"],
    "requirements": ["requirements.txt"],
    "tests": {"unit": "tests/unit", "smoke": "tests/smoke", "integration": "tests/integration"},
}
TEST = """\
from shop import price


def test_a_discount_is_taken():
    assert price.after(100, 10) == 90


def test_there_is_a_price_without_one():
    assert price.after(100, 0) == 100
"""
FILES = {
    "shop/__init__.py": "",
    "shop/price.py": """\
def after(price: int, discount: int) -> int:
    if discount:
        return price - discount
    return price
""",
    "tests/unit/test_price.py": TEST,
    "tests/smoke/test_smoke.py": "def test_it_can_be_imported():\n    import shop.price\n\n    assert shop.price\n",
    "tests/integration/test_whole.py": "def test_parts_fit():\n    assert True\n",
    "pyproject.toml": '[tool.ruff.lint]\nselect = ["F"]\n\n[tool.pytest.ini_options]\npythonpath = ["."]\n',
}
"""An application that passes."""

HALF_TEST = "from shop.half import one\n\n\ndef test_one():\n    assert one() == 1\n"


@dataclass(frozen=True)
class Case:
    """A change of the application that passes, and what its check must then report."""

    outcome: str = "pass"
    files: Mapping[str, str | None] = field(default_factory=dict)
    setting: Mapping[str, Any] = field(default_factory=dict)
    rule: str = ""
    """The rule of a finding."""
    says: str = ""
    """A text of the reason or of a finding."""
    env: Mapping[str, str] = field(default_factory=dict)
    advisories: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What the advisory source answers for each package."""


class Checkout:
    """A checkout of Switchyard's settings whose environments all cases share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tasks.py").write_text("from switchyard.tasks import here\n\nns = here(__file__)\n")
        (folder / "wheels").mkdir()
        self.versions = pack(["pytest", "coverage", "pytest-xdist"], folder / "wheels")
        self.requirements = f"--no-index\n--find-links {folder / 'wheels'}\n{self.pin('pytest')}{self.pin('coverage')}"

    def pin(self, name: str) -> str:
        """Return a line of requirements with the version that is installed here."""
        return f"{name}=={self.versions[name]}\n"

    def application(self, folder: Path, case: Case) -> Path:
        """Write and commit the application, and return its folder."""
        files = {**FILES, "requirements.txt": self.requirements, **case.files}
        setting = {**SETTING, **case.setting}
        source = setting.get("audit", {}).get("source", "")
        send: dict[str, list[str]] = {source: []} if "://" in source else {}
        allowed = {"app": {"allow": {"env": [*setting.get("passed", [])], "send": send}}}
        (self.folder / "invoke.yaml").write_text(json.dumps(allowed))
        files["invoke.yaml"] = json.dumps({"app": {"name": "shop", "predeploy": setting}})
        for name, text in files.items():
            if text is not None:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
            subprocess.run(["git", "-C", str(folder), *words], check=True)
        return folder

    def run(self, app: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``inv predeploy``."""
        command = [sys.executable, "-m", "invoke", "predeploy", "--app", str(app), *words]
        environment = {**os.environ, "PYTHONPATH": library.python_path(), **(env or {})}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)

    def checks(self, app: Path, *names: str, words: tuple[str, ...] = (), env: Mapping[str, str] | None = None) -> Any:
        """Run checks, and return each one's entry of the JSON by name. The exit code must be that of the outcome."""
        report = self.folder / "result.json"
        report.unlink(missing_ok=True)
        done = self.run(app, "--only", ",".join(names), "--json", str(report), *words, env=env)
        assert report.exists(), done.stdout + done.stderr
        assert not re.search(r"(?m)^Traceback", done.stdout + done.stderr)
        result = json.loads(report.read_text())
        expected = {"pass": 0, "fail": 1, "unknown": 3}[result["outcome"]]
        assert done.returncode == expected, done.stdout + done.stderr
        return {check["name"]: {**check, "screen": done.stdout} for check in result["checks"]}


def checked(
    name: str, case: Case, checkout: Checkout, folder: Path, advisories: Advisories | None = None
) -> dict[str, Any]:
    """Return a check's entry of the JSON. Coverage needs the suites."""
    env = dict(case.env)
    if advisories is not None:
        advisories.known, advisories.unknown = dict(case.advisories), set()
        env = {**advisories.env, **env}
    names = [*SUITES, name] if name == "coverage" else [name]
    entry: dict[str, Any] = checkout.checks(checkout.application(folder, case), *names, env=env)[name]
    return entry


def subject_of(checkout: Checkout, app: Path, setting: dict[str, Any] | None = None) -> Subject:
    """Return the application's work tree as the checks see it, with settings on top of its own."""
    subject = tree.of_work_tree(settings.nowhere(checkout.folder, str(app)), {})
    subject.setting = subject.setting.model_validate({**subject.setting.model_dump(), **(setting or {})})
    return subject


def python(text: str) -> str:
    """Return source without its indentation."""
    return textwrap.dedent(text).lstrip("\n")


HALF = python("""
    def one() -> int:
        return 1


    def other() -> int:
        return 2
""")
"""Four statements; a test that calls one function reaches three of them: 75 %."""


SESSIONS = python("""
    import os
    import pathlib

    import nox

    nox.options.default_venv_backend = "none"
    JUNIT = '<testsuites><testsuite><testcase classname="a" name="b">{}</testcase></testsuite></testsuites>'


    @nox.session
    def good(session):
        pathlib.Path(os.environ["SWITCHYARD_REPORT"]).write_text(JUNIT.format(""))


    @nox.session
    def bad(session):
        pathlib.Path(os.environ["SWITCHYARD_REPORT"]).write_text(JUNIT.format('<failure message="no"/>'))
        session.error("no")


    @nox.session
    def silent(session):
        session.run("true", external=True)


    @nox.session
    def loud(session):
        session.run("false", external=True)


    @nox.session
    def empty(session):
        pathlib.Path(os.environ["SWITCHYARD_REPORT"]).write_text("<testsuites/>")


    @nox.session
    def left_out(session):
        session.skip("not today")
""")
"""A noxfile of the application's own."""
HALF_COVERED = Case(
    "fail",
    {"shop/half.py": HALF, "tests/unit/test_half.py": HALF_TEST, "shop/price.py": None}
    | {"tests/unit/test_price.py": None, "tests/smoke/test_smoke.py": "def test_it():\n    pass\n"},
    setting={"coverage": 75.0, "modules": []},
    rule="coverage",
    says="75 % is not more than 75 %; not reached most: shop/half.py (1 lines)",
)
"""The suites reach 75 % of it."""


def seen(check: Mapping[str, Any]) -> str:
    """Return all words of a check."""
    return "\n".join([check["reason"], *(finding["what"] for finding in check["findings"])])


def holds(case: Case, check: Mapping[str, Any]) -> None:
    """Require that the check ends as the case says."""
    assert check["outcome"] == case.outcome, check["screen"]
    assert not case.rule or case.rule in [finding["rule"] for finding in check["findings"]], check["findings"]
    assert case.says in seen(check)


def pack(names: list[str], into: Path) -> dict[str, str]:
    """Pack installed packages and what they need as wheels, for use without a network. Return their versions."""
    versions: dict[str, str] = {}
    while names:
        distribution = importlib.metadata.distribution(names.pop())
        if distribution.name not in versions:
            versions[distribution.name] = distribution.version
            _pack(distribution, into)
            names += [need.name for need in _needs(distribution)]
    return versions


def _needs(distribution: importlib.metadata.Distribution) -> Iterator[Requirement]:
    for text in distribution.requires or []:
        need = Requirement(text)
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            yield need


def _pack(distribution: importlib.metadata.Distribution, into: Path) -> None:
    tag = re.findall(r"(?m)^Tag: (.+)$", distribution.read_text("WHEEL") or "")[0]
    name = re.sub(r"[-_.]+", "_", distribution.name)
    with zipfile.ZipFile(into / f"{name}-{distribution.version}-{tag}.whl", "w") as wheel:
        for file in distribution.files or []:
            if not str(file).startswith("..") and file.suffix != ".pyc":
                wheel.write(str(file.locate()), str(file))
