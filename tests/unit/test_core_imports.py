"""The core stays pure and the host program stays on the standard library: what their sources import and call."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "switchyard"
CORE = sorted((LIBRARY / "core").rglob("*.py"))
HOST = sorted((LIBRARY / "host").rglob("*.py"))
PURE = {"__future__", "abc", "base64", "bisect", "collections", "copy", "dataclasses", "datetime", "difflib", "enum"}
PURE |= {"fnmatch", "functools", "graphlib", "hashlib", "heapq", "ipaddress", "itertools", "json", "math", "operator"}
PURE |= {"posixpath", "re", "shlex", "statistics", "string", "textwrap", "types", "typing"}
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
