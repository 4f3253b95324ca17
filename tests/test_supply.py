"""What the repository installs: pinned by hash or digest, or from a distribution that signs it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from scripts.recipes import RECIPES
from tests.harness.library import TOP

WALKED = ("*.md", ".ci/*", "*.py", "scripts/**/*", "bench/**/*", "examples/**/*", "switchyard/**/*.py")
LOCKS = sorted([*TOP.glob("requirements/**/*.txt"), *TOP.glob("examples/**/requirements*.txt")])
PACKAGES = sorted(TOP.glob("requirements/*/package.json"))
GAP = r"[\"',\s*]{1,6}"
"""Between two words of a command: a blank in a shell, quotes in a list."""
FORBIDDEN = {
    "npm takes what is newest": rf"\bnpm{GAP}(?:install|i|add|update)\b(?!.*--package-lock-only)|\b(?:npx|pnpm|yarn)\b",
    "it runs or keeps a download that nothing verifies": rf"\b(?:curl|wget){GAP}(?:-|https?:)|urlretrieve",
    "it installs without a lock file": rf"\b(?:gem|cargo|go){GAP}install\b|\b(?:pipx|uvx)\b|\buv{GAP}tool\b",
    "apt-get takes what nobody signed": r"allow-unauthenticated|force-yes|trusted=yes|Allow-?Insecure|no-check-gpg",
    "others can guess the name of a temporary file": r"\bgettempdir\b|\btempfile\.mktemp\b|/tmp/[\w.$-]",
    "an action moves with its tag": r"uses:\s*\S+@(?![0-9a-f]{40}\b)",
}
NEEDS = {
    "pip takes what no hash pins": (
        rf"\bpip3?{GAP}install\b|session\.install\(",
        r"--require-hashes|--no-deps --no-build-isolation",
    ),
    "debootstrap does not insist on a signature": (r"--variant=", r"--force-check-gpg"),
    "a source of packages names no key": (r"Types: deb\b", r"Signed-By:"),
}
"""A text that installs, and what must stand beside it as often."""
IN_FILE = re.compile(r"^\s*FROM +(?:--\S+ +)*([\w./:@-]+)|^\s*image: +([\w./:@-]+)")
IN_PROGRAM = re.compile(r"\bFROM ([a-z][\w./-]*:[\w.-]+)")
PULL = re.compile(rf"\bdocker{GAP}pull\b|[\[(]\"pull\"")
OWN = {
    ("switchyard/predeploy/nox/application_noxfile.py", "environment"): "the application's own requirements",
    ("switchyard/core/commands.py", "pull"): "a deploy pins what it pulled by its digest",
    ("scripts/images.py", "pull"): "it prints the digest, and later runs keep that image",
    ("scripts/images.py", "ensure_base"): "the official Debian image; no digest is known where no registry answers",
}
"""Functions that install what Switchyard does not choose, or pins afterwards."""


def walked() -> Iterator[Path]:
    """Yield each file that may install something, or tell a person to."""
    paths = {path for pattern in WALKED for path in TOP.glob(pattern) if path.is_file()}
    paths -= {path for path in paths if "__pycache__" in path.parts or path.suffix == ".sql"}
    yield from sorted(paths - {*LOCKS})


def parts(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield each function of a program by its name, or each line of another file."""
    if not name.endswith(".py"):
        yield from ((f"line {at}", line) for at, line in enumerate(text.replace("\\\n", " ").split("\n"), 1))
        return
    lines = text.split("\n")
    for node in ast.parse(text).body:
        for each in node.body if isinstance(node, ast.ClassDef) else [node]:
            yield getattr(each, "name", "module"), "\n".join(lines[each.lineno - 1 : each.end_lineno])


def problems(name: str, text: str, own: Collection[tuple[str, str]] = ()) -> list[str]:
    """Return what a file installs without a pin, except in the functions of ``own``."""
    found = []
    for part, source in parts(name, text):
        if (name, part) in own:
            continue
        found += [f"{part}: {what}" for what, pattern in FORBIDDEN.items() if re.search(pattern, source)]
        found += [
            f"{part}: {what}"
            for what, (installs, pin) in NEEDS.items()
            if len(re.findall(installs, source)) > len(re.findall(pin, source))
        ]
        found += [f"{part}: the image {image} may move" for image in images(name, source) if not is_pinned(image)]
        found += [f"{part}: it pulls an image by its tag"] if PULL.search(source) else []
    return found


def images(name: str, source: str) -> list[str]:
    """Return the images that a part names."""
    if name.endswith(".py"):
        return IN_PROGRAM.findall(source)
    return ["".join(found) for found in IN_FILE.findall(source)]


def is_pinned(image: str) -> bool:
    """Return whether an image is named by digest, or is one whose stand-in comes from Debian, with its signatures."""
    return "@sha256:" in image or image in RECIPES


def test_nothing_is_installed_without_a_pin() -> None:
    files = {str(path.relative_to(TOP)): path.read_text(errors="replace") for path in walked()}
    assert {"README.md", ".ci/run", "noxfile.py", "scripts/schemas.py", "examples/betting/Dockerfile"} <= files.keys()
    found = {name: problems(name, text, OWN) for name, text in files.items()}
    assert {name: each for name, each in found.items() if each} == {}


def test_each_exception_is_one() -> None:
    for name, function in OWN:
        assert any(each.startswith(f"{function}: ") for each in problems(name, (TOP / name).read_text())), name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "    pip install ."),
        ("README.md", "      - run: pip install ../switchyard && inv predeploy"),
        ("README.md", "      - uses: actions/checkout@v4"),
        ("x/Dockerfile", "RUN pip install --no-cache-dir -r requirements.txt"),
        ("x/Dockerfile", "FROM python:latest"),
        ("x/Dockerfile", "FROM --platform=linux/amd64 node:22 AS build"),
        ("x/Dockerfile", "RUN curl -fsSL https://example.com/install.sh | sh"),
        ("x/compose.yaml", "    image: grafana/grafana"),
        (".ci/run", "apt-get install -y --allow-unauthenticated git"),
        (".ci/run", "docker pull debian:trixie-slim"),
        ("a.py", 'def f():\n    run(*uv, "pip", "install", "--quiet", *packages)'),
        ("a.py", 'def f():\n    run("npm", "install", "--silent", "pg-boss")'),
        ("a.py", 'def f():\n    run("wget", "-q", url)'),
        ("a.py", 'DOCKERFILE = """\nFROM debian:sid\n"""'),
        ("a.py", 'def f():\n    argv = ["debootstrap", "--variant=minbase", SUITE]'),
        ("a.py", 'SOURCE = "Types: deb\\nURIs: http://example.com/debian\\n"'),
        ("a.py", 'class A:\n    def f(self):\n        docker(["pull", "--quiet", name])'),
        ("a.py", 'LOCK = Path(tempfile.gettempdir()) / "our.lock"'),
        ("x/run.sh", "python3 build.py > /tmp/build.log"),
        ("a.py", "def f():\n    session.install('--require-hashes', LOCK)\n    session.install('pytest')"),
    ],
)
def test_a_planted_install_without_a_pin_is_found(name: str, text: str) -> None:
    assert len(problems(name, text)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "    pip install --only-binary :all: --require-hashes -r requirements/runtime.txt"),
        ("README.md", "Each package that pip installs has a hash."),
        ("x/Dockerfile", f"FROM python@sha256:{'0' * 64}\nRUN apt-get install -y git"),
        ("a.py", 'QUERY = "SELECT a FROM teams"\ndef f():\n    return "FROM"'),
        ("a.py", 'def f():\n    run("npm", "ci", "--silent")'),
    ],
)
def test_what_is_pinned_or_only_looks_like_an_install_is_let_through(name: str, text: str) -> None:
    assert problems(name, text) == []


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_package_of_a_lock_has_its_version_and_a_hash(path: Path) -> None:
    lines = path.read_text().replace("\\\n", " ").split("\n")
    entries = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    pinned = re.compile(r"[\w.\[\]-]+==\S+( ; .*?)? +--hash=sha256:[0-9a-f]{64}.*")
    assert entries and [entry for entry in entries if not pinned.fullmatch(entry)] == []
    wanted = [line for line in path.with_suffix(".in").read_text().split("\n") if re.match(r"\w", line)]
    names = {re.split(r"[=\[<>; ]", entry)[0] for entry in entries}
    assert {re.split(r"[=\[<>; ]", line)[0].lower() for line in wanted} - {"tomli"} <= names


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.parent.name)
def test_every_npm_package_has_an_exact_version_and_a_hash(path: Path) -> None:
    wanted = json.loads(path.read_text())["dependencies"]
    locked = json.loads(path.with_name("package-lock.json").read_text())["packages"]
    assert locked[""]["dependencies"] == wanted and all(re.search(r"(^|@)\d[\w.-]*$", each) for each in wanted.values())
    assert [name for name, package in locked.items() if name and "integrity" not in package] == []
    assert not [package for package in locked.values() if "resolved" in package], "a lock names no registry"
