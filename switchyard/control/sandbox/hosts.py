"""The life of sandbox hosts: up and down."""

from __future__ import annotations

import hashlib
import ipaddress
import shutil
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from switchyard.control.sandbox import record
from switchyard.control.sandbox.addresses import NETWORKS, PORTS, free_networks, free_ports, name_servers
from switchyard.control.sandbox.commands import Say, checked, docker, run, run_script, try_docker
from switchyard.control.sandbox.record import STATE, USER, SandboxHost
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.core.wire.message import Json

LABEL = "switchyard.sandbox"
NAME_LABEL = "switchyard.sandbox.name"
IMAGE = "switchyard/sandbox-host:trixie"
READY_SECONDS = 60.0
"""The time limit in which a host's engine and its sshd must answer."""
POLL_SECONDS = 0.1


def up(
    count: int = 1,
    names: Iterable[str] | None = None,
    *,
    state: Path = STATE,
    route_port: int | None = None,
    app: Mapping[str, Json] | None = None,
    disk: str | None = None,
    images: Iterable[str] | None = None,
    say: Say = print,
) -> list[SandboxHost]:
    """Leave ``count`` sandbox hosts, or those of ``names``, running and recorded. Those that run already stay.

    ``disk`` limits the engine's data root, for example to ``700m``: a disk that fills up and that loses its content
    when the host stops. ``images`` are the stand-ins to load; None loads all.
    """
    names = list(names) if names is not None else [f"sandbox{number}" for number in range(1, count + 1)]
    state = state.resolve()
    run_script("engine.py", [], say)
    run_script("images.py", ["build"], say)
    hosts = [start(name, state, disk, images, say) for name in names]
    record.write(state, hosts, route_port, app)
    return hosts


def down(*, state: Path = STATE, images: bool = True, say: Say = print) -> None:
    """Remove everything of this checkout's sandbox: containers, volumes, networks, keys, known hosts and entries.

    With ``images`` the stand-in images go too, unless another checkout's sandbox uses them.
    """
    state = state.resolve()
    if shutil.which("docker") is None:
        raise NotChecked(
            "docker is not on this machine's PATH, so nobody knows whether sandbox hosts are left. "
            "Install it, then run the command again."
        )
    label = f"label={LABEL}={identity(state)}"
    for kind, listing, removal in (
        ("container", ["ps", "--all"], ["rm", "--force", "--volumes"]),
        ("volume", ["volume", "ls"], ["volume", "rm", "--force"]),
        ("network", ["network", "ls"], ["network", "rm"]),
    ):
        ids = docker([*listing, "--quiet", "--filter", label]).split()
        if ids:
            say(f"removing {len(ids)} {kind}{'s' if len(ids) > 1 else ''}")
            docker([*removal, *ids])
    record.forget(state)
    if images and not docker(["ps", "--all", "--quiet", "--filter", f"label={LABEL}"]).split():
        run_script("images.py", ["remove"], lambda name: say(f"removed {name}"))


def identity(state: Path) -> str:
    """Return what tells this checkout's sandbox from another's."""
    return hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:8]


def start(name: str, state: Path, disk: str | None, images: Iterable[str] | None, say: Say) -> SandboxHost:
    """Create or start a sandbox host, and return it once it answers."""
    container = f"switchyard-{identity(state)}-{name}"
    status = try_docker(["inspect", "--type", "container", "--format", "{{.State.Status}}", container])
    if status is None:
        say(f"{name}: creating a sandbox host (usually 10 s)")
        create(name, container, state, disk)
    elif status != "running":
        say(f"{name}: starting the sandbox host again")
        docker(["start", container])
    wait_for_engine(name, container)
    key = authorize_key(name, container, state)
    if images is None or images:
        say(f"{name}: loading images into its engine")
        run_script("images.py", ["load", container, *(images or [])], say)
    host = SandboxHost(name, container, *address_of(container), str(key))
    record.trust(state, host.port, docker(["exec", container, "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]))
    wait_for_ssh(host)
    say(f"{name}: up, SSH on 127.0.0.1:{host.port}, address {host.ip}")
    return host


def create(name: str, container: str, state: Path, disk: str | None) -> None:
    """Create a host with a fixed address on a network of its own, a data root of its own, and a free SSH port."""
    labels = ["--label", f"{LABEL}={identity(state)}", "--label", f"{NAME_LABEL}={name}"]
    tmpfs = ["--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", f"o=size={disk}"] if disk else []
    run(["docker", "volume", "rm", "--force", container])  # of a host whose container somebody removed by hand
    docker(["volume", "create", *labels, *tmpfs, container])
    subnet = create_network(container, labels)
    argv = ["--detach", "--name", container, "--hostname", name, *labels]
    argv += ["--privileged", "--cgroupns=private", "--init", "--stop-timeout", "30"]
    argv += ["--network", container, "--ip", str(subnet[2])]
    argv += ["--volume", f"{container}:/var/lib/docker", "--env", f"SWITCHYARD_DNS={' '.join(name_servers())}"]
    for port in free_ports(seed=container):
        done = run(["docker", "run", *argv, "--publish", f"127.0.0.1:{port}:22", IMAGE])
        if done.returncode == 0:
            return
        run(["docker", "rm", "--force", container])
        if "port is already allocated" not in done.stderr and "address already in use" not in done.stderr:
            raise SwitchyardError(f"{name}: the sandbox host does not start: {done.stderr.strip()}")
    raise SwitchyardError(f"{name}: no port between {PORTS.start} and {PORTS.stop} is free for SSH")


def create_network(name: str, labels: list[str]) -> ipaddress.IPv4Network:
    """Create a bridge network on addresses that neither the engine nor this machine's routes use, and return it."""
    run(["docker", "network", "rm", name])
    reason = "every network is taken"
    for subnet in free_networks(seed=name):
        done = run(["docker", "network", "create", *labels, "--subnet", str(subnet), name])
        if done.returncode == 0:
            return subnet
        reason = done.stderr.strip()
    raise SwitchyardError(f"no network in {NETWORKS} is free for a sandbox host: {reason}")


def wait_for_engine(name: str, container: str) -> None:
    """Wait until the host's engine answers. Raise ``SwitchyardError`` after ``READY_SECONDS``."""
    deadline = time.monotonic() + READY_SECONDS
    while try_docker(["exec", container, "docker", "version", "--format", "{{.Server.Version}}"]) is None:
        if time.monotonic() > deadline:
            tail = run(["docker", "exec", container, "tail", "-n", "5", "/var/log/dockerd.log"]).stdout.strip()
            raise SwitchyardError(f"{name}: its engine does not answer after {READY_SECONDS:.0f} s:\n{tail}")
        time.sleep(POLL_SECONDS)


def wait_for_ssh(host: SandboxHost) -> None:
    """Wait until the host's sshd answers through the published port. Raise ``SwitchyardError`` after the time limit."""
    deadline = time.monotonic() + READY_SECONDS
    while not speaks_ssh(host.port):
        if time.monotonic() > deadline:
            raise SwitchyardError(f"{host.name}: no SSH on 127.0.0.1:{host.port} after {READY_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def speaks_ssh(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def authorize_key(name: str, container: str, state: Path) -> Path:
    """Let the host's user log in with a key of this checkout, and return the key's path."""
    folder = state / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = folder / name
    if not key.is_file():
        checked(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"switchyard {name}", "-f", str(key)])
    key.chmod(0o600)
    target = f"/home/{USER}/.ssh/authorized_keys"
    argv = ["exec", "--interactive", container, "install", "-m", "600", "-o", USER, "-g", USER, "/dev/stdin", target]
    docker(argv, text=key.with_suffix(".pub").read_text(encoding="utf-8"))
    return key


def address_of(container: str) -> tuple[str, int]:
    """Return a container's own address and its SSH port on this machine."""
    address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    port = '{{(index (index .NetworkSettings.Ports "22/tcp") 0).HostPort}}'
    words = docker(["inspect", "--type", "container", "--format", f"{address} {port}", container]).split()
    return words[0], int(words[1])
