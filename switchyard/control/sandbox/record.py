"""The record of a checkout's sandbox hosts: ``sandbox.json``, ``hosts.yaml`` for the settings, and ``known_hosts``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import yaml

from switchyard.control.whole_file import write_whole
from switchyard.core.errors import BadInput
from switchyard.core.wire import json_text
from switchyard.core.wire.json_text import NotJson
from switchyard.core.wire.message import Foreign, Json, Message, WireError, message
from switchyard.settings import bounded_yaml
from switchyard.settings.yaml_file import read_text

USER = "deploy"
STATE = Path(__file__).resolve().parents[3] / ".switchyard"
"""The folder of the records."""
KEPT_KEYS = ("app", "url", "env", "root")
"""Keys of an entry that a later ``up`` keeps where it does not set them."""

Entries: TypeAlias = dict[str, Mapping[str, Json]]
"""Host name to its entry of the settings."""


@message(frozen=True)
class SandboxHost(Message):
    """One sandbox host."""

    name: str
    container: str
    ip: str
    """The container's own address on this machine."""
    port: int
    """The SSH port on 127.0.0.1."""
    key: str
    """The path of the SSH key."""

    def entry(self, route_port: int | None, app: Mapping[str, Json] | None) -> dict[str, Json]:
        """Return the host's entry of the settings."""
        machine: dict[str, Json] = {
            "name": self.name,
            "address": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "key": self.key,
        }
        entry: dict[str, Json] = {"machines": [machine]}
        if app is not None:
            entry["app"] = dict(app)
        if route_port is not None:
            entry["url"] = f"http://{self.ip}:{route_port}"
        return entry


@message(frozen=True)
class HostsFile(Foreign):
    """``hosts.yaml``."""

    hosts: Mapping[str, Mapping[str, Json]]


def listed(state: Path = STATE) -> list[SandboxHost]:
    """Return the sandbox hosts on record. Raise ``BadInput`` where the record is damaged."""
    path = state / "sandbox.json"
    try:
        return [SandboxHost.decode(host) for host in json_text.parse_list(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (NotJson, WireError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is damaged: {error}. Run inv sandbox.down, remove the file, and start again") from None


def write(state: Path, hosts: list[SandboxHost], route_port: int | None, app: Mapping[str, Json] | None) -> None:
    """Record hosts. What is on record for them and not set now stays."""
    records = {host.name: host for host in (*listed(state), *hosts)}
    write_whole(state / "sandbox.json", json.dumps([host.encode() for host in records.values()], indent=2) + "\n")
    entries = read_entries(state)
    for host in hosts:
        kept = {key: value for key, value in entries.get(host.name, {}).items() if key in KEPT_KEYS}
        entries[host.name] = {**kept, **host.entry(route_port, app)}
    write_entries(state, entries)


def forget(state: Path) -> None:
    """Remove the records of all hosts, and leave what others wrote beside them."""
    hosts = listed(state)
    names = {host.name for host in hosts}
    write_entries(state, {name: entry for name, entry in read_entries(state).items() if name not in names})
    known_hosts = state / "known_hosts"
    places = {f"[127.0.0.1]:{host.port}" for host in hosts}
    lines = [line for line in lines_of(known_hosts) if line.split()[0] not in places]
    write_or_remove(known_hosts, "".join(f"{line}\n" for line in lines))
    for host in hosts:
        for key in (Path(host.key), Path(f"{host.key}.pub")):
            key.unlink(missing_ok=True)
    keys = state / "keys"
    if keys.is_dir() and not any(keys.iterdir()):
        keys.rmdir()
    (state / "sandbox.json").unlink(missing_ok=True)


def trust(state: Path, port: int, host_key: str) -> None:
    """Replace the line of a port in the sandbox's own ``known_hosts``."""
    place = f"[127.0.0.1]:{port}"
    path = state / "known_hosts"
    lines = [line for line in lines_of(path) if line.split()[0] != place]
    kind, key, *_ = host_key.split()
    write_whole(path, "".join(f"{line}\n" for line in [*lines, f"{place} {kind} {key}"]))


def read_entries(state: Path) -> Entries:
    """Return the hosts' entries of the settings. Raise ``BadInput`` where the file has another form."""
    path = state / "hosts.yaml"
    if not path.is_file():
        return {}
    try:
        return dict(HostsFile.decode(bounded_yaml.load(read_text(path), str(path))).hosts)
    except WireError as error:
        raise BadInput(
            f"{path}: expected a mapping `hosts` ({error}). Remove the file, and `inv sandbox.up` writes it again."
        ) from None


def write_entries(state: Path, entries: Entries) -> None:
    text = yaml.safe_dump({"hosts": dict(entries)}, sort_keys=False) if entries else ""
    write_or_remove(state / "hosts.yaml", text)


def write_or_remove(path: Path, text: str) -> None:
    """Write a file, or remove it where there is nothing to write."""
    if text:
        write_whole(path, text)
    else:
        path.unlink(missing_ok=True)


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file that are not empty; none where there is no file."""
    if not path.is_file():
        return []
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
