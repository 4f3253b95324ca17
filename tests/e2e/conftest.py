"""One sandbox host for all tests of a process, and for each test an application of its own on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from switchyard.control import sandbox
from tests.harness.load import Load
from tests.harness.site import Site, clear, require_formats


@pytest.fixture(scope="session")
def sandbox_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sandbox.SandboxHost, Path]]:
    state = tmp_path_factory.mktemp("sandbox")
    try:
        (host,) = sandbox.up(1, state=state)
        yield host, state
    finally:
        sandbox.down(state=state, images=False)


@pytest.fixture(scope="session")
def second_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sandbox.SandboxHost, Path]]:
    state = tmp_path_factory.mktemp("second")
    try:
        (host,) = sandbox.up(1, state=state)
        yield host, state
    finally:
        sandbox.down(state=state, images=False)


@pytest.fixture
def site(tmp_path: Path, sandbox_host: tuple[sandbox.SandboxHost, Path]) -> Iterator[Site]:
    made = Site(tmp_path, *sandbox_host)
    yield made
    try:
        require_formats(made)
    finally:
        clear(made)


@pytest.fixture
def under_load(site: Site) -> Iterator[Callable[[], Load]]:
    """Begins a load that ends with the test, whatever becomes of it."""
    begun: list[Load] = []

    def begin() -> Load:
        begun.append(site.load())
        begun[-1].start()
        return begun[-1]

    yield begin
    for load in begun:
        load.stop()
