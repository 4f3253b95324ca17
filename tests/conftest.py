"""Keep tests without an engine away from the home folder, SSH settings and other machines."""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from switchyard.control import terminal

Address: TypeAlias = str | bytes | tuple[str | int, ...]
Connect: TypeAlias = Callable[[socket.socket, Address], int | None]
PRINTED = "printed at the end"
E2E = Path(__file__).parent / "e2e"
PRIVATE = ("SSH_AUTH_SOCK", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(E2E):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def print_at_end(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return a function that prints a line at the end of the run; a worker process cannot print it itself."""
    return functools.partial(record_property, PRINTED)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    for name, text in (entry for report in reports for entry in report.user_properties):
        if name == PRINTED:
            terminalreporter.write_line(text)


@pytest.fixture(autouse=True)
def nothing_hidden() -> None:
    """Forget what an earlier test has the terminal hide: a process works for one host."""
    vars(terminal.outside).update(vars(terminal.Outside()))


@pytest.fixture(autouse=True)
def apart(request: pytest.FixtureRequest) -> None:
    """Give every test except the end-to-end ones a home of its own, no agent and no network beyond loopback."""
    if request.node.get_closest_marker("e2e") is None:
        monkeypatch = request.getfixturevalue("monkeypatch")
        forbid_home(monkeypatch, request.getfixturevalue("tmp_path_factory").mktemp("home"))
        forbid_network(monkeypatch)


def forbid_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.invalid")
    for name in PRIVATE:
        monkeypatch.delenv(name, raising=False)


def forbid_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, only_loopback(getattr(socket.socket, name)))


def only_loopback(connect: Connect) -> Connect:
    """Return a ``connect`` that refuses every other machine."""

    def guarded(self: socket.socket, address: Address) -> int | None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(str(address[0])):
            raise PermissionError(f"a test without an engine connects to {address[0]}; mark it e2e")
        return connect(self, address)

    return guarded


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
