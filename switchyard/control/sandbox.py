"""Sandbox hosts: whole machines for trying and testing, each a privileged container with an engine and an sshd."""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from switchyard.core.errors import BadInput, NotChecked, SwitchyardError

LABEL = "switchyard.sandbox"
NAME_LABEL = "switchyard.sandbox.name"
IMAGE = "switchyard/sandbox-host:trixie"
USER = "deploy"
CHECKOUT = Path(__file__).resolve().parents[2]
STATE = CHECKOUT / ".switchyard"
NETWORKS = ipaddress.ip_network("10.231.0.0/16")
NETWORK_BITS = 28
PORTS = range(20000, 30000)
"""Below the ports that outgoing connections take."""

DOCKER_SECONDS = 60.0
READY_SECONDS = 60.0
SETUP_SECONDS = 1800.0
ATTEMPTS = 20

Say = Callable[[str], None]


@dataclass(frozen=True)
class SandboxHost:
    """One sandbox host as its users need it; ``ip`` is the container's own address on this machine."""

    name: str
    container: str
    ip: str
    port: int
    key: str

    def entry(self, route_port: int | None, app: Mapping[str, Any] | None) -> dict[str, Any]:
        """The host's entry for the settings."""
        machine = {"name": self.name, "address": "127.0.0.1", "port": self.port, "user": USER, "key": self.key}
        entry: dict[str, Any] = {"machines": [machine]}
        if app is not None:
            entry["app"] = dict(app)
        if route_port is not None:
            entry["url"] = f"http://{self.ip}:{route_port}"
        return entry


def up(
    count: int = 1,
    names: Iterable[str] | None = None,
    *,
    state: Path = STATE,
    route_port: int | None = None,
    app: Mapping[str, Any] | None = None,
    disk: str | None = None,
    images: Iterable[str] | None = None,
    say: Say = print,
) -> list[SandboxHost]:
    """Have ``count`` sandbox hosts (or those of ``names``) up, known to SSH and written down; running ones are kept.

    ``disk`` is the size of the engine's data root, for instance ``700m``: a disk that fills up, and that loses its
    content when the host stops. ``images`` are the stand-ins to load, all of them if not given.
    """
    wanted = list(names) if names is not None else [f"sandbox{number}" for number in range(1, count + 1)]
    set_up_machine(say)
    hosts = [have(name, state.resolve(), disk, images, say) for name in wanted]
    write_state(state.resolve(), hosts, route_port, app)
    return hosts


def down(*, state: Path = STATE, images: bool = True, say: Say = print) -> None:
    """Leave nothing of this checkout's sandbox: no container, volume, network, key, known host or entry.

    The stand-in images go too if ``images``, unless another checkout's sandbox lives from them.
    """
    state = state.resolve()
    if shutil.which("docker") is None:
        raise NotChecked("docker is not on this machine's PATH, so no sandbox can be looked for")
    mine = f"label={LABEL}={identity(state)}"
    for kind, listing, removal in (
        ("container", ["ps", "--all"], ["rm", "--force", "--volumes"]),
        ("volume", ["volume", "ls"], ["volume", "rm", "--force"]),
        ("network", ["network", "ls"], ["network", "rm"]),
    ):
        found = docker([*listing, "--quiet", "--filter", mine]).split()
        if found:
            say(f"removing {len(found)} {kind}{'s' if len(found) > 1 else ''}")
            docker([*removal, *found])
    forget(state)
    if images and not docker(["ps", "--all", "--quiet", "--filter", f"label={LABEL}"]).split():
        script("images.py", ["remove"], lambda line: say(f"removed {line}"))


def listed(state: Path = STATE) -> list[SandboxHost]:
    """The sandbox hosts that are written down."""
    try:
        return [SandboxHost(**fields) for fields in json.loads((state / "sandbox.json").read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []


def identity(state: Path) -> str:
    """What tells this checkout's sandbox from another's."""
    return hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:8]


def set_up_machine(say: Say) -> None:
    """An engine and the images, on a machine that may have neither."""
    script("engine.py", [], say)
    script("images.py", ["build"], say)


def have(name: str, state: Path, disk: str | None, images: Iterable[str] | None, say: Say) -> SandboxHost:
    """One sandbox host, created if it is not there, started if it is stopped."""
    container = f"switchyard-{identity(state)}-{name}"
    status = try_docker(["inspect", "--type", "container", "--format", "{{.State.Status}}", container])
    if status is None:
        say(f"{name}: creating a sandbox host (usually 10 s)")
        create(name, container, state, disk)
    elif status != "running":
        say(f"{name}: starting the sandbox host again")
        docker(["start", container])
    wait_for_engine(name, container)
    key = have_key(name, container, state)
    if images is None or images:
        say(f"{name}: loading images into its engine")
        script("images.py", ["load", container, *(images or [])], say)
    host = SandboxHost(name, container, *address_of(container), str(key))
    know(state, container, host.port)
    wait_for_ssh(host)
    say(f"{name}: up, SSH on 127.0.0.1:{host.port}, address {host.ip}")
    return host


def create(name: str, container: str, state: Path, disk: str | None) -> None:
    """A network of its own with a fixed address, a data root of its own, a free SSH port: the host's identity."""
    labels = ["--label", f"{LABEL}={identity(state)}", "--label", f"{NAME_LABEL}={name}"]
    tmpfs = ["--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", f"o=size={disk}"] if disk else []
    run(["docker", "volume", "rm", "--force", container])  # of a host that somebody removed by hand
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
    raise SwitchyardError(f"{name}: no free port for SSH between {PORTS.start} and {PORTS.stop}")


def create_network(name: str, labels: list[str]) -> ipaddress.IPv4Network:
    """A bridge network on a piece of address space that neither the engine nor this machine's routes use."""
    run(["docker", "network", "rm", name])
    error = "every piece is taken"
    for subnet in free_networks(seed=name):
        done = run(["docker", "network", "create", *labels, "--subnet", str(subnet), name])
        if done.returncode == 0:
            return subnet
        error = done.stderr.strip()
    raise SwitchyardError(f"no network for a sandbox host in {NETWORKS}: {error}")


def free_networks(seed: str) -> Iterator[ipaddress.IPv4Network]:
    """A few candidates that no route of this machine overlaps, beginning at a place of the caller's own."""
    taken = list(routed_networks(Path("/proc/net/route")))
    pieces = [piece for piece in NETWORKS.subnets(new_prefix=NETWORK_BITS) if isinstance(piece, ipaddress.IPv4Network)]
    free = [piece for piece in rotated(pieces, seed) if not any(piece.overlaps(other) for other in taken)]
    yield from free[:ATTEMPTS]


def routed_networks(table: Path) -> Iterator[ipaddress.IPv4Network]:
    """The networks in this machine's routing table, the default route left out."""
    if not table.is_file():
        return
    for line in table.read_text(encoding="utf-8").splitlines()[1:]:
        fields = line.split()
        target, mask = (int.from_bytes(bytes.fromhex(fields[at]), sys.byteorder) for at in (1, 7))
        if mask:
            yield ipaddress.IPv4Network((target, mask.bit_count()))


def free_ports(seed: str) -> Iterator[int]:
    """A few ports on which nothing listens, beginning at a place of the caller's own."""
    free = (port for port in rotated(list(PORTS), seed) if is_free(port))
    yield from itertools.islice(free, ATTEMPTS)


def rotated(items: list[Any], seed: str) -> Iterator[Any]:
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") % len(items)
    yield from items[start:]
    yield from items[:start]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def name_servers() -> list[str]:
    """This machine's name servers that a container can reach; a loopback one is looked up behind systemd-resolved."""
    for path in (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        if path.is_file():
            lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
            servers = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
            reachable = [server for server in servers if not server.startswith("127.") and server != "::1"]
            if reachable:
                return reachable
    return []


def wait_for_engine(name: str, container: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while try_docker(["exec", container, "docker", "version", "--format", "{{.Server.Version}}"]) is None:
        if time.monotonic() > deadline:
            tail = run(["docker", "exec", container, "tail", "-n", "5", "/var/log/dockerd.log"]).stdout.strip()
            raise SwitchyardError(f"{name}: its engine does not answer after {READY_SECONDS:.0f} s:\n{tail}")
        time.sleep(0.1)


def wait_for_ssh(host: SandboxHost) -> None:
    """Wait for sshd's banner through the published port."""
    deadline = time.monotonic() + READY_SECONDS
    while not speaks_ssh(host.port):
        if time.monotonic() > deadline:
            raise SwitchyardError(f"{host.name}: no SSH on 127.0.0.1:{host.port} after {READY_SECONDS:.0f} s")
        time.sleep(0.1)


def speaks_ssh(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def have_key(name: str, container: str, state: Path) -> Path:
    """The key of this host's ``deploy`` user, on both sides."""
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


def know(state: Path, container: str, port: int) -> None:
    """Replace this port's line in the sandbox's own known_hosts."""
    words = docker(["exec", container, "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]).split()
    place = f"[127.0.0.1]:{port}"
    path = state / "known_hosts"
    lines = [line for line in lines_of(path) if line.split()[0] != place]
    write(path, "".join(f"{line}\n" for line in [*lines, f"{place} {words[0]} {words[1]}"]))


def address_of(container: str) -> tuple[str, int]:
    """The container's own address and its SSH port on this machine."""
    network = json.loads(docker(["inspect", "--type", "container", "--format", "{{json .NetworkSettings}}", container]))
    (attached,) = network["Networks"].values()
    return str(attached["IPAddress"]), int(network["Ports"]["22/tcp"][0]["HostPort"])


def write_state(state: Path, hosts: list[SandboxHost], route_port: int | None, app: Mapping[str, Any] | None) -> None:
    """Write the hosts down; what stood there for them and was not given anew stays."""
    known = {host.name: host for host in listed(state)}
    known.update({host.name: host for host in hosts})
    write(state / "sandbox.json", json.dumps([asdict(host) for host in known.values()], indent=2) + "\n")
    entries = read_entries(state)
    for host in hosts:
        kept = {key: value for key, value in entries.get(host.name, {}).items() if key in ("app", "url", "env", "root")}
        entries[host.name] = {**kept, **host.entry(route_port, app)}
    write_entries(state, entries)


def forget(state: Path) -> None:
    """Remove this sandbox's files and entries, and nothing that others wrote beside them."""
    hosts = listed(state)
    entries = read_entries(state)
    places = {f"[127.0.0.1]:{host.port}" for host in hosts}
    lines = [line for line in lines_of(state / "known_hosts") if line.split()[0] not in places]
    write_entries(state, {name: entry for name, entry in entries.items() if name not in {host.name for host in hosts}})
    write_or_remove(state / "known_hosts", "".join(f"{line}\n" for line in lines))
    for host in hosts:
        for key in (Path(host.key), Path(f"{host.key}.pub")):
            key.unlink(missing_ok=True)
    keys = state / "keys"
    if keys.is_dir() and not any(keys.iterdir()):
        keys.rmdir()
    (state / "sandbox.json").unlink(missing_ok=True)


def read_entries(state: Path) -> dict[str, Any]:
    path = state / "hosts.yaml"
    if not path.is_file():
        return {}
    read = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    entries = read.get("hosts") if isinstance(read, dict) else None
    if not isinstance(entries, dict):
        raise BadInput(f"{path}: expected a mapping `hosts`; remove the file, `inv sandbox.up` writes it again")
    return entries


def write_entries(state: Path, entries: Mapping[str, Any]) -> None:
    text = yaml.safe_dump({"hosts": dict(entries)}, sort_keys=False) if entries else ""
    write_or_remove(state / "hosts.yaml", text)


def write_or_remove(path: Path, text: str) -> None:
    if text:
        write(path, text)
    else:
        path.unlink(missing_ok=True)


def write(path: Path, text: str) -> None:
    """Write a file whole, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(aside, path)


def lines_of(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def script(name: str, arguments: list[str], say: Say) -> None:
    """Run one of the checkout's own programs, its lines as progress."""
    path = CHECKOUT / "scripts" / name
    if not path.is_file():
        raise BadInput(f"{path} is missing: sandbox hosts are made from a checkout of Switchyard, not an installed one")
    with subprocess.Popen(
        [sys.executable, str(path), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    ) as program:
        assert program.stdout is not None
        said = []
        for line in program.stdout:
            said.append(line.rstrip())
            say(line.rstrip())
        code = program.wait(timeout=SETUP_SECONDS)
    if code:
        raise SwitchyardError("\n".join(said[-30:]) or f"{path} ended with {code}")


def docker(argv: list[str], *, text: str | None = None) -> str:
    return checked(["docker", *argv], text=text)


def try_docker(argv: list[str]) -> str | None:
    """What docker says; None if it ends with an error."""
    done = run(["docker", *argv])
    return done.stdout.strip() if done.returncode == 0 else None


def checked(argv: list[str], *, text: str | None = None) -> str:
    done = run(argv, text=text)
    if done.returncode:
        raise SwitchyardError(f"{' '.join(argv[:4])} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def run(argv: list[str], *, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of this machine, with ``text`` or nothing on its standard input."""
    try:
        return subprocess.run(
            argv, input=text or "", capture_output=True, text=True, timeout=DOCKER_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise NotChecked(f"{argv[0]} is not on this machine's PATH") from error
    except subprocess.TimeoutExpired as error:
        raise NotChecked(f"{' '.join(argv[:3])} did not end within {DOCKER_SECONDS:.0f} s") from error
