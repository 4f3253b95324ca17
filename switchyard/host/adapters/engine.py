"""Docker's engine through its socket: reading is 0.3 ms here, and 15 ms by a command."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any
from urllib.parse import quote, urlencode

from switchyard.core.errors import NotChecked, SwitchyardError

SOCKET = "/var/run/docker.sock"
ASK_WITHIN = 30.0
"""Seconds for one request to the engine."""
RUN_WITHIN = 1800.0
"""Seconds for one command."""
NO_COMPOSE = ("is not a docker command", "unknown docker command", "unknown shorthand flag: 'p' in -p")
"""What Docker's command says where its Compose plugin is missing."""
NO_PROCESS = (
    "this host is out of processes or memory: {program} could not be started ({error}). See ps and ulimit -u of the "
    "SSH user there, and type it again"
)
TICK_EVERY = 0.1
BACK_WITHIN = 60.0
"""Seconds for which an engine that does not answer is waited for past the switch."""
END_WITHIN = 5.0
NOT_EXECUTED = 124
"""From this exit code on, a command in a container took too long, could not begin, or ended with its container."""


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def ask(method: str, path: str, body: Any = None, *, within: float = ASK_WITHIN, **query: Any) -> Any:
    """One request; None where the engine knows no such thing. Raises ``NotChecked`` when it does not answer."""
    if query:
        path += "?" + urlencode(query)
    connection = _Connection("engine", timeout=within)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        data = answer.read()
    except OSError as error:
        raise NotChecked(
            f"Docker's engine does not answer on {SOCKET}: {error}. Is it running, and is the SSH "
            "user in the docker group?"
        ) from None
    finally:
        connection.close()
    if answer.status == 404:
        return None
    if answer.status >= 400:
        raise SwitchyardError(
            f"the engine refused {method} {path.split('?')[0]}: {data.decode(errors='replace')[:500]}"
        )
    if "json" in (answer.getheader("Content-Type") or "") and data:
        return json.loads(data)
    return data


def is_away() -> bool:
    """Whether the engine does not answer just now."""
    try:
        ask("GET", "/_ping")
    except NotChecked:
        return True
    return False


def containers(*labels: str) -> list[dict[str, Any]]:
    """All containers, stopped ones too, with all of these labels (``key`` or ``key=value``)."""
    filters = json.dumps({"label": list(labels)}) if labels else "{}"
    found: list[dict[str, Any]] = ask("GET", "/containers/json", all="true", filters=filters)
    return found


def inspect(container: str) -> dict[str, Any] | None:
    """All that the engine knows of a container."""
    found: dict[str, Any] | None = ask("GET", f"/containers/{container}/json")
    return found


def image_id(name: str) -> str | None:
    """The id of an image that is here."""
    found = ask("GET", f"/images/{quote(name, safe='')}/json")
    return found["Id"] if found else None


def execute(container: str, argv: Sequence[str], *, within: float = 10.0) -> tuple[int, str]:
    """A command in a running container: exit code and output without its last newlines. 124 when it took too long."""
    wanted = {"Cmd": list(argv), "AttachStdout": True, "AttachStderr": True}
    try:
        made = ask("POST", f"/containers/{container}/exec", wanted)
    except SwitchyardError as error:  # it does not run, or restarts
        return 126, str(error)
    if made is None:
        return 125, "no such container"
    try:
        raw = ask("POST", f"/exec/{made['Id']}/start", {"Detach": False}, within=within)
    except NotChecked:
        return 124, f"no answer within {within:.0f} s"
    state = ask("GET", f"/exec/{made['Id']}/json") or {}
    code = state.get("ExitCode")
    return (126 if code is None else code), _demultiplexed(raw or b"").rstrip("\n")


def _demultiplexed(raw: bytes) -> str:
    """What a container printed on both streams; a terminal's output is not framed."""
    if raw[1:4] != bytes(3):
        return raw.decode(errors="replace")
    parts = []
    while len(raw) >= 8:
        size = int.from_bytes(raw[4:8], "big")
        parts.append(raw[8 : 8 + size])
        raw = raw[8 + size :]
    return b"".join(parts).decode(errors="replace")


def logs(container: str, tail: int = 30) -> str:
    """The last lines that a container printed."""
    raw = ask("GET", f"/containers/{container}/logs", stdout="true", stderr="true", tail=str(tail))
    return _demultiplexed(raw).strip() if isinstance(raw, bytes) else ""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What commands see: nothing of the caller's environment but where to find programs."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", **(extra or {})}


def run(
    argv: Sequence[str],
    *,
    within: float = RUN_WITHIN,
    cwd: str | None = None,
    check: bool = True,
    extra: Mapping[str, str] | None = None,
    stdin: IO[bytes] | None = None,
    log: Callable[[str], None] = lambda text: None,
    tick: Callable[[], None] = lambda: None,
) -> tuple[int, str]:
    """A command with a time limit: exit code and output. With ``check`` a failure raises with its last lines.

    ``tick`` is called several times a second meanwhile; what it raises ends the command.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environment(extra),
            preexec_fn=os.setpgrp,
        )
    except FileNotFoundError:
        raise NotChecked(f"{argv[0]} is not installed on this host") from None
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.ENOMEM):
            raise
        raise SwitchyardError(NO_PROCESS.format(program=argv[0], error=error.strerror)) from None
    deadline = time.monotonic() + within
    try:
        text = _output(process, deadline, tick)
    except TimeoutError:
        raise SwitchyardError(f"{' '.join(argv[:4])} … did not end within {within:.0f} s") from None
    finally:
        _end(process)
    if process.returncode != 0 and any(words in text for words in NO_COMPOSE):
        raise NotChecked("docker compose (v2) is not installed on this host; install it there and type it again")
    log(f"$ {' '.join(argv)}\n{text}")
    if check and process.returncode != 0:
        tail = "\n".join(text.strip().splitlines()[-15:])
        raise SwitchyardError(f"{' '.join(argv[:2])} … {argv[-1]} ended with {process.returncode}:\n{tail}")
    return process.returncode, text


def _output(process: subprocess.Popen[bytes], deadline: float, tick: Callable[[], None]) -> str:
    while True:
        try:
            return process.communicate(timeout=TICK_EVERY)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            tick()
            if time.monotonic() > deadline:
                raise TimeoutError from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a command that still runs, and what it started: five seconds to clean up, then at once."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=END_WITHIN)
            return
