"""The host program, installed and started by a real shell on this machine."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.control import channel as module
from switchyard.control.channel import Channel
from switchyard.control.host_program import packed
from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.answers import History


class Session:
    """A session of paramiko, whose command runs in a shell here."""

    def exec_command(self, command: str) -> None:
        pipe = subprocess.PIPE
        self.shell = subprocess.Popen(["sh", "-c", command], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)

    def makefile(self, mode: str) -> Any:
        return self.shell.stdout

    def sendall(self, data: bytes) -> None:
        assert self.shell.stdin is not None
        self.shell.stdin.write(data)
        self.shell.stdin.flush()

    def close(self) -> None:
        for stream in (self.shell.stdin, self.shell.stdout):
            assert stream is not None
            stream.close()
        self.shell.wait()


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sessions that channels have opened on this machine."""
    sessions: list[Session] = []

    def open_session(timeout: float) -> Session:
        sessions.append(Session())
        return sessions[-1]

    connection = SimpleNamespace(transport=SimpleNamespace(open_session=open_session), is_connected=True)
    connection.close = lambda: None
    monkeypatch.setattr(module, "unconnected", lambda *_: connection)
    yield sessions
    for session in sessions:
        session.close()


def channel(root: Path) -> Channel:
    host: Any = SimpleNamespace(name="prod", setting=SimpleNamespace(root=str(root)), checkout=root.parent)
    machine: Any = SimpleNamespace(name="prod1")
    return Channel(host, machine, "shop")


def test_the_program_is_installed_once_and_answers_with_a_typed_value(tmp_path, sessions):
    root = tmp_path / "it's a root"
    for _ in range(2):
        here = channel(root)
        assert here.ask(replace(here.request("history"), count=3), History) == History((), ())
        here.close()
    assert [path.name for path in (root / "bin").iterdir()] == [packed()[0]]
    assert len(sessions) == 2, "one remote execution for each question"


def test_an_error_of_the_host_program_names_the_machine_and_keeps_its_exit_code(tmp_path, sessions):
    (tmp_path / "layout").write_text("2\n")
    here = channel(tmp_path)
    with pytest.raises(SwitchyardError, match=r"prod1: .* newer") as caught:
        here.ask(here.request("history"), History)
    assert caught.value.exit == 4
    here.close()


def test_a_root_that_cannot_be_written_is_an_error_that_names_the_setting(tmp_path, sessions):
    (tmp_path / "file").write_text("")
    here = channel(tmp_path / "file")
    with pytest.raises(SwitchyardError, match=r"prod1: the SSH user cannot write to .*`root`"):
        here.ask(here.request("history"), History)


@pytest.mark.parametrize("open_to_all", [".", "apps", "apps/shop", "apps/shop/bin"])
def test_nothing_runs_where_somebody_else_may_write(open_to_all, tmp_path, sessions):
    (tmp_path / "apps/shop/bin").mkdir(parents=True)
    (tmp_path / open_to_all).chmod(0o757)
    here = channel(tmp_path / "apps" / "shop")
    with pytest.raises(
        SwitchyardError, match=r"prod1: nothing runs in .*everybody may write to .*\(chmod o-w "
    ) as caught:
        here.ask(here.request("history"), History)
    assert caught.value.exit == 4 and list((tmp_path / "apps/shop/bin").iterdir()) == []


def test_every_module_of_the_packed_program_loads_without_tls(tmp_path: Path) -> None:
    """A module that does not load kills the program of every attempt before it can say so."""
    zipfile.ZipFile(io.BytesIO(packed()[1])).extractall(tmp_path)
    start, _, _ = (tmp_path / "__main__.py").read_text().partition("from switchyard.host.__main__")
    paths = (path.relative_to(tmp_path).with_suffix("") for path in (tmp_path / "switchyard").rglob("*.py"))
    modules = sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)
    loads = [f"import {name}" for name in modules if not name.endswith("__main__")]
    code = "\n".join([start, f"sys.path.insert(0, {str(tmp_path)!r})", *loads, "assert 'ssl' not in sys.modules"])
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
