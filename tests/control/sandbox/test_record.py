"""A sandbox's record keeps what is set elsewhere, and forgetting it leaves what others wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.control.sandbox import SandboxHost, record
from switchyard.core.errors import BadInput


def test_forgetting_the_sandbox_leaves_what_others_wrote(tmp_path: Path) -> None:
    hosts = [SandboxHost("sandbox1", "c1", "10.231.0.2", 20001, str(tmp_path / "keys" / "sandbox1"))]
    record.trust(tmp_path, 20001, "ssh-ed25519 A root@sandbox1")
    record.trust(tmp_path, 20002, "ssh-ed25519 B root@other")
    record.write_entries(tmp_path, {"other": {"machines": []}})
    record.write(tmp_path, hosts, 8080, {"name": "shop"})
    assert record.listed(tmp_path) == hosts
    record.write(tmp_path, hosts, None, None)
    entry = record.read_entries(tmp_path)["sandbox1"]
    assert entry["url"] == "http://10.231.0.2:8080" and entry["app"] == {"name": "shop"}
    record.forget(tmp_path)
    assert record.read_entries(tmp_path) == {"other": {"machines": []}}
    assert (tmp_path / "known_hosts").read_text() == "[127.0.0.1]:20002 ssh-ed25519 B\n"
    assert record.listed(tmp_path) == []


def test_a_new_host_key_replaces_the_one_of_its_port(tmp_path: Path) -> None:
    for key in ("A", "B"):
        record.trust(tmp_path, 20001, f"ssh-ed25519 {key} root@sandbox1\n")
    assert (tmp_path / "known_hosts").read_text() == "[127.0.0.1]:20001 ssh-ed25519 B\n"


def test_a_hosts_file_of_another_form_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text("hosts: [a]\n")
    with pytest.raises(BadInput, match=r"hosts\.yaml: expected a mapping `hosts`"):
        record.read_entries(tmp_path)
