"""The structure that ARCHITECTURE.md promises: layers, a pure core, small modules, typed borders, plain words."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
LIBRARY = TOP / "switchyard"
MODULES = sorted(LIBRARY.rglob("*.py"))
PROGRAMS = [TOP / "noxfile.py", *sorted((TOP / "scripts").glob("*.py")), *sorted((TOP / "bench").rglob("*.py"))]
HARNESS = sorted((TOP / "tests" / "harness").rglob("*.py"))
CORE = sorted((LIBRARY / "core").rglob("*.py"))
HOST = sorted((LIBRARY / "host").rglob("*.py"))
BELOW = {
    "core": ("core",),
    "host": ("core", "host"),
    "settings": ("core", "settings"),
    "control": ("core", "settings", "control"),
    "predeploy": ("core", "settings", "control", "predeploy"),
    "verbs": ("core", "settings", "control", "predeploy", "verbs"),
    "tasks": ("core", "settings", "control", "predeploy", "verbs", "tasks"),
}
"""Each layer with the layers that it may import."""
LINES_MOST = 400
FUNCTION_MOST = 40
FLAT: dict[str, str] = {}
"""Functions over 40 lines that are clearer as one flat list, with the reason."""
UNTYPED_MOST = 80
"""Uses of Any, cast, bare object, aliases of Any and type: ignore in the library."""
ADAPTERS: dict[str, str] = {
    "core/wire/message.py": "every message",
    "core/wire/events.py": "the tag of an event",
    "core/journal.py": "the tag of an entry",
    "control/compose_reads.py": "the files that a compose file names as it is written",
    "settings/yaml_file.py": "pydantic's errors",
    "predeploy/nox/junit.py": "attributes of JUnit files",
}
"""Modules that may index foreign JSON by a text, with what they adapt."""
PURE = {"__future__", "abc", "base64", "bisect", "collections", "copy", "dataclasses", "datetime", "difflib", "enum"}
PURE |= {"fnmatch", "functools", "graphlib", "hashlib", "heapq", "ipaddress", "itertools", "json", "math", "operator"}
PURE |= {"posixpath", "re", "shlex", "statistics", "string", "textwrap", "types", "typing"}
PURE |= {"stat", "unicodedata"}
"""Modules without clock, files, network, environment or processes; of datetime, what reads the clock is in IMPURE."""
IMPURE = {"now", "utcnow", "today"}
IMPURE_NAMES = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}


def imports(source: str, package: str) -> Iterator[str]:
    """Every module that the source imports, wherever it stands; relative ones made absolute."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*parents, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}" for alias in node.names) if module == "switchyard" else [module])


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def impure(source: str, package: str = "switchyard.core") -> list[str]:
    """What the source imports or calls that the core must not."""
    foreign = [
        module
        for module in imports(source, package)
        if module.split(".")[0] not in PURE and not is_within(module, "switchyard.core")
    ]
    tree = list(ast.walk(ast.parse(source)))
    names = [node.id for node in tree if isinstance(node, ast.Name) and node.id in IMPURE_NAMES]
    called = [node.func for node in tree if isinstance(node, ast.Call)]
    clocks = [call.attr for call in called if isinstance(call, ast.Attribute) and call.attr in IMPURE]
    return foreign + names + clocks


def beyond_standard_library(source: str, package: str = "switchyard.host") -> list[str]:
    """What the source imports that is neither standard library nor core nor the host program itself."""
    return [
        module
        for module in imports(source, package)
        if module.split(".")[0] not in sys.stdlib_module_names
        and not is_within(module, "switchyard.core")
        and not is_within(module, "switchyard.host")
    ]


def package_of(path: Path) -> str:
    return ".".join(("switchyard", *path.parent.relative_to(LIBRARY).parts))


def name_of(path: Path) -> str:
    return path.relative_to(LIBRARY).as_posix()


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_touches_no_clock_file_network_environment_or_process(path: Path) -> None:
    assert impure(path.read_text(), package_of(path)) == []


@pytest.mark.parametrize("path", HOST, ids=name_of)
def test_the_host_program_needs_only_the_standard_library_and_the_core(path: Path) -> None:
    assert beyond_standard_library(path.read_text(), package_of(path)) == []


def test_importing_the_package_itself_imports_nothing_else() -> None:
    assert list(imports((LIBRARY / "__init__.py").read_text(), "switchyard")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "import os.path",
        "import time as t",
        "from pathlib import Path",
        "def f():\n    import subprocess",
        "import socket, json",
        "from switchyard.host import engine",
        "from switchyard import settings",
        "from .. import settings",
        "from ..host import engine",
        "import pydantic",
        "open('x')",
        "print(1)",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import date\ndate.today()",
        "__import__('os')",
    ],
)
def test_an_impure_core_is_found(source: str) -> None:
    assert impure(source)


@pytest.mark.parametrize(
    "source",
    [
        "import json",
        "site.now - lease.until",
        "from collections.abc import Mapping",
        "from .app import App",
        "from switchyard.core import app",
    ],
)
def test_a_pure_core_passes(source: str) -> None:
    assert impure(source) == []


@pytest.mark.parametrize("source", ["import yaml", "from switchyard.settings import x", "from .. import tasks"])
def test_a_host_program_with_a_dependency_is_found(source: str) -> None:
    assert beyond_standard_library(source)


@pytest.mark.parametrize(
    "source",
    ["import subprocess", "from . import act", "from ..core.site import Site", "from switchyard.host import x"],
)
def test_a_host_program_on_the_standard_library_passes(source: str) -> None:
    assert beyond_standard_library(source) == []


def module_of(path: Path) -> str:
    parts = path.relative_to(TOP).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_of(path) for path in MODULES}


def imported(path: Path) -> set[str]:
    """Return the library's modules that a module imports, wherever the import stands."""
    found: set[str] = set()
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            found |= {f"{module}.{alias.name}" if f"{module}.{alias.name}" in NAMES else module for alias in node.names}
    return {name for name in found if name in NAMES}


def layer_of(module: str) -> str:
    return (module.split(".") + [""])[1]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_imports_a_layer_above_its_own(path: Path) -> None:
    layer = layer_of(module_of(path))
    above = {name for name in imported(path) if layer_of(name) not in (*BELOW.get(layer, ()), "")}
    assert not above


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module_of(path): imported(path) - {module_of(path)} for path in MODULES}
    left = dict(graph)
    while leaves := {name for name, needs in left.items() if not needs & left.keys()}:
        left = {name: needs for name, needs in left.items() if name not in leaves}
    users = {name for name in left if any(name in needs for other, needs in left.items() if other != name)}
    assert not users, f"in or between circles: {sorted(users)}"


@pytest.mark.parametrize("path", [*MODULES, *PROGRAMS, *HARNESS], ids=lambda path: str(path.relative_to(TOP)))
def test_a_module_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES_MOST


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_long_functions_are_flat_lists_with_a_reason() -> None:
    long = {
        f"{path.relative_to(LIBRARY).as_posix()}:{node.name}"
        for path in MODULES
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_MOST
    }
    assert long == FLAT.keys()


def untyped(source: str) -> list[str]:
    """Return each use of a type that mypy does not check."""
    tree = ast.parse(source)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    uses = [f"{node.id}:{node.lineno}" for node in names if node.id in ("Any", "cast")]
    for node in ast.walk(tree):
        annotations: list[ast.expr | None] = []
        if isinstance(node, ast.arg):
            annotations = [node.annotation]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            annotations = [node.returns]
        elif isinstance(node, ast.AnnAssign):
            annotations = [node.annotation]
        for annotation in annotations:
            parts = ast.walk(annotation) if annotation is not None else ()
            uses += [f"object:{part.lineno}" for part in parts if isinstance(part, ast.Name) and part.id == "object"]
    ignored = [f"ignore:{n}" for n, text in enumerate(source.splitlines(), 1) if "# type: ignore" in text]
    return [*uses, *ignored]


def test_hardly_anything_in_the_library_escapes_the_type_checker() -> None:
    uses = {name_of(path): untyped(path.read_text()) for path in MODULES}
    total = sum(map(len, uses.values()))
    assert total < UNTYPED_MOST, {name: where for name, where in uses.items() if where}


def indexed_by_text(source: str) -> list[str]:
    """Return each place where a value is read by a text: ``x["key"]`` and ``x.get("key")``, the environment apart."""
    uses = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key, value = node.slice, node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and node.args
        ):
            key, value = node.args[0], node.func.value
        else:
            continue
        is_text = isinstance(key, ast.Constant) and isinstance(key.value, str)
        if is_text and ast.unparse(value) not in ("os.environ", "Literal"):
            uses.append(f"{node.lineno}: {ast.unparse(node)}")
    return uses


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_foreign_json_is_read_by_its_adapter_alone(path: Path) -> None:
    assert name_of(path) in ADAPTERS or not indexed_by_text(path.read_text())


NO_VERBS = frozenset(
    re.findall(
        r"\w+",
        """A All An And Another Any As At Both By Each Either Every For From Her His How If In It Its Many Most Much No
        None Not Nothing Of On One Only Or Other Our So Some Such Than That The Their There These They This Those Three
        To Two What When Where Whether Which While Who Whoever Whose Why With Without""",
    )
)


def starts_with_a_verb(text: str) -> bool:
    """Return whether a docstring's first word may be an imperative: no article, pronoun or third person."""
    word = text.split()[0].strip("`.,:;")
    third_person = word.endswith("s") and not word.endswith(("ss", "us"))
    return word[:1].isupper() and word not in NO_VERBS and not third_person


def has_decorator(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    return any(name in ast.unparse(decorator) for decorator in node.decorator_list)


@pytest.mark.parametrize("path", [*MODULES, *PROGRAMS, *HARNESS], ids=lambda path: str(path.relative_to(TOP)))
def test_the_docstring_of_a_function_starts_with_a_verb(path: Path) -> None:
    wrong = [
        f"{node.lineno} {node.name}: {text.splitlines()[0]}"
        for node in functions(path)
        if (text := ast.get_docstring(node)) and not has_decorator(node, "property") and not starts_with_a_verb(text)
    ]
    assert not wrong


FORBIDDEN = frozenset(("found", "said", "told", "held", "mine", "wanted", "given", "made", "asked"))


@pytest.mark.parametrize("path", [*MODULES, *PROGRAMS, *HARNESS], ids=lambda path: str(path.relative_to(TOP)))
def test_locals_are_nouns(path: Path) -> None:
    tree = ast.parse(path.read_text())
    fields = {
        id(item.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.AnnAssign)
    }
    stored = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in fields
    ]
    names = {f"{node.id}:{node.lineno}" for node in stored if node.id in FORBIDDEN}
    names |= {
        f"{node.arg}:{node.lineno}" for node in ast.walk(tree) if isinstance(node, ast.arg) and node.arg in FORBIDDEN
    }
    assert not names


def test_every_module_has_a_test_of_its_own_or_one_that_imports_it() -> None:
    tests = [path for path in (TOP / "tests").rglob("*.py") if "e2e" not in path.parts]
    tested = {name for path in tests for name in imported(path)}
    modules = [path for path in MODULES if path.name not in ("__init__.py", "__main__.py")]
    assert not [
        name_of(path)
        for path in modules
        if module_of(path) not in tested
        and not (TOP / "tests" / path.relative_to(LIBRARY).parent / f"test_{path.name}").exists()
    ]
