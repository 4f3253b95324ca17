"""An SSH connection that a machine or its host key refuses."""

from __future__ import annotations

import shlex
import subprocess
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from switchyard.control import connection
from switchyard.core.errors import NotChecked
from switchyard.settings.model import Machine


@pytest.mark.parametrize("port,name", [(22, "10.0.0.9"), (2222, "[10.0.0.9]:2222")])
@pytest.mark.parametrize("is_ours", [False, True])
def test_a_changed_host_key_is_told_with_the_command_that_removes_the_old_one(
    tmp_path, monkeypatch, port, name, is_ours
):
    def changed(*_: Any) -> None:
        keys = [paramiko.ECDSAKey.generate() for _ in range(2)]
        raise paramiko.BadHostKeyException(name, *keys)

    monkeypatch.setattr(connection.fabric.Connection, "open", changed)
    (tmp_path / ".switchyard").mkdir()
    known = tmp_path / ".switchyard" / "known_hosts"
    key = paramiko.ECDSAKey.generate()
    known.write_text(f"{name if is_ours else 'elsewhere'} {key.get_name()} {key.get_base64()}\n")
    machine = Machine(name="prod1", address="10.0.0.9", port=port, user="deploy")
    with pytest.raises(NotChecked, match="host key changed") as caught:
        connection.connect(SimpleNamespace(checkout=tmp_path), machine)
    command = str(caught.value).split("(", 2)[2].split(")")[0]
    assert shlex.split(command) == ["ssh-keygen", *(["-f", str(known)] if is_ours else []), "-R", name]
    if is_ours:
        subprocess.run(shlex.split(command), check=True, capture_output=True)
        assert known.read_text() == ""
