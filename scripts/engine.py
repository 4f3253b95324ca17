#!/usr/bin/env python3
"""Set up Docker Engine, Compose v2, buildx and debootstrap on a Debian machine, and start the engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "docker-compose")
HELPERS = ("curl", "debootstrap", "debian-archive-keyring", "gpgv", "iptables", "openssh-client")
SUITE = "trixie"
SOURCE = Path("/etc/apt/sources.list.d/switchyard-trixie.sources")
PINS = Path("/etc/apt/preferences.d/switchyard-trixie")
LOG = Path("/var/log/switchyard-dockerd.log")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ANSWER_SECONDS = 60.0
"""The time limit in which a started engine must answer."""
ASK_SECONDS = 20.0
"""The time limit of one question."""

Say = Callable[[str], None]


class EngineMissing(Exception):
    """This machine has no engine and cannot get one by itself; the message says what to install."""


def ensure(say: Say = print) -> None:
    """Leave this machine with an engine that answers, Compose v2, buildx and debootstrap."""
    if lacking():
        install(say)
    if not answers():
        start(say)


def lacking() -> list[str]:
    """Return what this machine still needs."""
    parts = {
        "Docker Engine": shutil.which("dockerd", path=_path()) is not None or answers(),
        "Docker Compose v2": succeeds(["docker", "compose", "version"]),
        "docker buildx": succeeds(["docker", "buildx", "version"]),
        "debootstrap": not may_install() or shutil.which("debootstrap", path=_path()) is not None,
    }
    return [name for name, is_here in parts.items() if not is_here]


def may_install() -> bool:
    """Return whether this is Debian and we are root."""
    return os.geteuid() == 0 and os_release().get("ID") == "debian"


def install(say: Say) -> None:
    """Install the four engine packages from trixie, and nothing else from there."""
    missing = lacking()
    if not may_install():
        raise EngineMissing(
            f"missing: {', '.join(missing)}. Switchyard installs them only on Debian as root. "
            "Install Docker Engine 24 or later with the plugins docker-compose-plugin (2.24 or later) and "
            "docker-buildx-plugin (https://docs.docker.com/engine/install/), start the engine, then run this again."
        )
    say(f"installing {', '.join(missing)} from Debian packages (about a minute)")
    if os_release().get("VERSION_CODENAME") == "bookworm":
        write_source()
    apt(["update", "-qq"])
    apt(["install", "-y", "-qq", "--no-install-recommends", *PACKAGES, *HELPERS])
    still = lacking()
    if still:
        raise EngineMissing(
            f"still missing after the installation: {', '.join(still)}. "
            f"If {shutil.which('docker')} is an old client that hides /usr/bin/docker, remove it, then run this again."
        )


def write_source() -> None:
    """Add trixie beside the machine's own Debian source, at the same address; only our packages may come from it."""
    SOURCE.write_text(
        f"Types: deb\nURIs: {debian_uri()}\nSuites: {SUITE}\nComponents: main\nSigned-By: {KEYRING}\n", encoding="utf-8"
    )
    PINS.write_text(
        f"Package: *\nPin: release n={SUITE}\nPin-Priority: 100\n\n"
        f"Package: {' '.join(PACKAGES)}\nPin: release n={SUITE}\nPin-Priority: 990\n",
        encoding="utf-8",
    )


def debian_uri() -> str:
    """Return the address of this machine's own Debian packages."""
    etc = Path("/etc/apt")
    files = [*sorted((etc / "sources.list.d").glob("*.sources")), *sorted((etc / "sources.list.d").glob("*.list"))]
    for path in [etc / "sources.list", *files]:
        if path != SOURCE and path.is_file():
            uri = main_uri(path.read_text(encoding="utf-8"))
            if uri:
                return uri
    raise EngineMissing("no Debian package source in /etc/apt. Add one, or install Docker Engine by hand.")


def main_uri(text: str) -> str:
    """Return the first address in a source list, in either format, that serves Debian itself; empty if none does."""
    for line in text.splitlines():
        words = line.split()
        if not words or words[0] not in ("URIs:", "deb"):
            continue
        uris = [word for word in words[1:] if "://" in word and word.rstrip("/").endswith("/debian")]
        if uris:
            return uris[0]
    return ""


def start(say: Say) -> None:
    """Start the engine, through the service manager if there is one, and wait until it answers."""
    if Path("/run/systemd/system").is_dir():
        say("starting the Docker engine (systemd)")
        subprocess.run(["systemctl", "start", "docker"], check=True)
    elif os.geteuid() != 0:
        raise EngineMissing(
            "the Docker engine does not run, or this user may not use it. Start it, or join the group docker, then run "
            "this again."
        )
    else:
        say(f"starting the Docker engine (log: {LOG})")
        _detach()
    deadline = time.monotonic() + ANSWER_SECONDS
    while not answers():
        if time.monotonic() > deadline:
            raise EngineMissing(f"the Docker engine does not answer after {ANSWER_SECONDS:.0f} s. Read {LOG}.")
        time.sleep(0.2)


def _detach() -> None:
    _remove_stale_pid_file(Path("/var/run/docker.pid"))
    with LOG.open("ab") as log:
        subprocess.Popen(
            [shutil.which("dockerd", path=_path()) or "dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            # Without the mark by which a verb that is killed takes its children along.
            env={**{name: value for name, value in os.environ.items() if name != "SWITCHYARD_RUN"}, "PATH": _path()},
            start_new_session=True,
        )


def _remove_stale_pid_file(path: Path) -> None:
    try:
        # A dead process that nobody has reaped still has a name, but no command line.
        command = Path(f"/proc/{path.read_text(encoding='utf-8').strip()}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        command = b""
    if not command.endswith(b"dockerd"):
        path.unlink(missing_ok=True)


def answers() -> bool:
    """Return whether an engine answers."""
    return succeeds(["docker", "version", "--format", "{{.Server.Version}}"])


def succeeds(argv: list[str]) -> bool:
    """Return whether a command exits with 0 within ``ASK_SECONDS``."""
    try:
        return subprocess.run(argv, capture_output=True, timeout=ASK_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def apt(argv: list[str]) -> None:
    """Run apt-get without questions. Raise ``EngineMissing`` with its output where it fails."""
    done = subprocess.run(
        ["apt-get", *argv],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EngineMissing(f"apt-get {' '.join(argv)} failed with {done.returncode}:\n{done.stdout[-2000:]}")


def os_release() -> dict[str, str]:
    """Return the fields of /etc/os-release."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return {}
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in text.splitlines())}


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin"


def main() -> int:
    try:
        ensure()
    except (EngineMissing, subprocess.CalledProcessError) as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    version = subprocess.run(
        ["docker", "version", "--format", "Docker Engine {{.Server.Version}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    print(f"{version.stdout.strip()} answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
