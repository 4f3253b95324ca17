"""An SSH connection to one machine, which accepts no host key but a known one."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
from pathlib import Path
from typing import TypedDict

import fabric
import paramiko

from switchyard.control import known_hosts
from switchyard.core.errors import NotChecked
from switchyard.settings.model import Host, Machine

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # its threads print tracebacks otherwise
CONNECT_WITHIN = 8
"""Seconds in which a machine must answer."""
KEEPALIVE_EVERY = 15
"""Seconds of silence after which SSH sends a keepalive, so that no firewall on the way forgets the connection."""


class _ConnectOptions(TypedDict, total=False):
    """Arguments of paramiko's ``SSHClient.connect``."""

    banner_timeout: int
    auth_timeout: int
    key_filename: str
    look_for_keys: bool
    allow_agent: bool


def unconnected(host: Host, machine: Machine) -> fabric.Connection:
    """Build a connection to a machine without opening it."""
    config = fabric.Config(overrides={"load_ssh_configs": False}, lazy=True)
    options: _ConnectOptions = {"banner_timeout": CONNECT_WITHIN, "auth_timeout": CONNECT_WITHIN}
    if machine.key:
        key = Path(os.path.expanduser(machine.key))
        options["key_filename"] = str(key if key.is_absolute() else host.checkout / key)
        options["look_for_keys"] = options["allow_agent"] = False
    connection = fabric.Connection(
        machine.address,
        user=machine.user,
        port=machine.port,
        config=config,
        connect_timeout=CONNECT_WITHIN,
        connect_kwargs=options,
    )
    with contextlib.suppress(OSError), known_hosts.read(own_keys()).file() as path:
        connection.client.load_system_host_keys(path)
    with known_hosts.read(checkout_keys(host)).file() as path:
        connection.client.load_host_keys(path)
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    return connection


def own_keys() -> Path:
    """Return the file with the host keys that the user trusts."""
    return Path(os.path.expanduser("~/.ssh/known_hosts"))


def checkout_keys(host: Host) -> Path:
    """Return the file with the host keys that a checkout trusts, beside the user's own."""
    return host.checkout / ".switchyard" / "known_hosts"


def connect(host: Host, machine: Machine) -> fabric.Connection:
    """Open a connection to a machine. Raise ``NotChecked`` with the cause and what to do about it."""
    connection = unconnected(host, machine)
    where = f"{machine.name} ({machine.address}:{machine.port})"
    refused = f"{where}: refuses the key {machine.key or '(from the agent)'} for user {connection.user}"
    try:
        connection.open()
    except paramiko.BadHostKeyException:
        raise NotChecked(
            f"{where}: its host key changed. If you expected that, remove the old key "
            f"({_forget_command(checkout_keys(host), machine)}) and add the new one"
        ) from None
    except paramiko.AuthenticationException:
        raise NotChecked(refused) from None
    except (TimeoutError, paramiko.SSHException, OSError) as error:
        if str(error).startswith("encountered "):  # paramiko tried the key as every type that it knows
            raise NotChecked(refused) from None
        if "not found in known_hosts" in str(error):
            notes = "".join(f". {note}" for note in _notes(host))
            raise NotChecked(
                f"{where}: its host key is unknown. Verify the key, then add it: ssh-keyscan -p {machine.port} "
                f"{machine.address} >> ~/.ssh/known_hosts{notes}"
            ) from None
        raise NotChecked(f"{where}: no SSH connection within {CONNECT_WITHIN} s: {error}") from None
    assert connection.transport is not None
    connection.transport.set_keepalive(KEEPALIVE_EVERY)
    return connection


def _notes(host: Host) -> list[str]:
    """Return what in the files of host keys may be why a key is unknown."""
    notes: list[str] = []
    for path in (own_keys(), checkout_keys(host)):
        with contextlib.suppress(OSError):
            notes += known_hosts.read(path).notes
    return notes


def _forget_command(known: Path, machine: Machine) -> str:
    """Return the command that removes a machine's key from the file that has it."""
    name = machine.address if machine.port == paramiko.config.SSH_PORT else f"[{machine.address}]:{machine.port}"
    is_ours = known_hosts.read(known).has(name)
    return f"ssh-keygen {f'-f {shlex.quote(str(known))} ' if is_ours else ''}-R {shlex.quote(name)}"
