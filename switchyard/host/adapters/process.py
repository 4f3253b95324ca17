"""Commands on this host: each with a time limit, an environment of its own, and no child left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from switchyard.core.errors import NotChecked, SwitchyardError

RUN_WITHIN = 1800.0
"""Seconds for one command."""
TICK_EVERY = 0.1
"""Seconds between two ticks while a command runs."""
OUTPUT_MOST = 64 << 20
"""Bytes that a command may print: what a commit has it run may never end."""
END_WITHIN = 5.0
"""Seconds that a command gets to clean up before it is killed."""
NO_COMPOSE = ("is not a docker command", "unknown docker command", "unknown shorthand flag: 'p' in -p")
"""What Docker's command prints where its Compose plugin is missing."""
NO_PROCESS = (
    "this host is out of processes or memory: {program} could not be started ({error}). Look at ps and ulimit -u of "
    "the SSH user there, then run the command again"
)
INHERITED = ("PATH", "HOME", "LANG")
"""The only variables that a command gets from the environment of this program."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a command's environment: enough to find programs, and ``extra``."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, "LC_ALL": "C.UTF-8", **(extra or {})}


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
    """Run a command; return its exit code and output. With ``check``, a failure raises with all that it printed.

    Whoever tells that removes the secrets first, and cuts it then.

    ``within`` is in seconds. ``tick`` runs several times a second; an exception of it ends the command.
    """
    process = _start(argv, cwd, environment(extra), stdin)
    deadline = time.monotonic() + within
    try:
        text = _output(process, " ".join(argv[:2]), deadline, tick)
    except TimeoutError:
        raise SwitchyardError(f"{' '.join(argv[:4])} … did not end within {within:.0f} s") from None
    finally:
        _end(process)
    if process.returncode != 0 and any(words in text for words in NO_COMPOSE):
        raise NotChecked(
            "docker compose (v2) is not installed on this host; install it there, then run the command again"
        )
    log(f"$ {' '.join(argv)}\n{text}")
    if check and process.returncode != 0:
        raise SwitchyardError(f"{' '.join(argv[:2])} … {argv[-1]} ended with {process.returncode}:\n{text.strip()}")
    return process.returncode, text


def printed(argv: Sequence[str], *, within: float = 30) -> str | None:
    """Return what a command prints; None where it fails or is not installed."""
    try:
        code, text = run(argv, within=within, check=False)
    except SwitchyardError:
        return None
    return text.strip() if code == 0 else None


def _start(
    argv: Sequence[str], cwd: str | None, env: Mapping[str, str], stdin: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, so that its children end with it."""
    try:
        return subprocess.Popen(
            list(argv),
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            preexec_fn=os.setpgrp,
        )
    except FileNotFoundError:
        raise NotChecked(f"{argv[0]} is not installed on this host") from None
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.ENOMEM):
            raise
        raise SwitchyardError(NO_PROCESS.format(program=argv[0], error=error.strerror)) from None


def _output(process: subprocess.Popen[bytes], program: str, deadline: float, tick: Callable[[], None]) -> str:
    """Return what a command prints until it ends. Raise ``SwitchyardError`` where that is more than ``OUTPUT_MOST``."""
    output = bytearray()
    next_tick = time.monotonic() + TICK_EVERY
    while (part := _next_part(process, TICK_EVERY)) is not None:
        output += part
        if len(output) > OUTPUT_MOST:
            raise SwitchyardError(f"{program} … printed more than {OUTPUT_MOST >> 20} MiB")
        if time.monotonic() > next_tick:
            tick()
            if time.monotonic() > deadline:
                raise TimeoutError
            next_tick = time.monotonic() + TICK_EVERY
    return output.decode(errors="replace")


def _next_part(process: subprocess.Popen[bytes], within: float) -> bytes | None:
    """Return what a command prints next, which may be nothing within so many seconds; None once it has ended."""
    assert process.stdout is not None
    if process.stdout.closed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=within)
        return None if process.returncode is not None else b""
    if not select.select([process.stdout], [], [], within)[0]:
        return b""
    part = os.read(process.stdout.fileno(), 1 << 16)
    if not part:
        process.stdout.close()
    return part


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that still runs, and its children: ask them first, kill them after ``END_WITHIN``."""
    has_ended = process.poll() is not None
    for number in (signal.SIGTERM, signal.SIGKILL):
        if has_ended:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        deadline = time.monotonic() + END_WITHIN
        while not has_ended and time.monotonic() < deadline:  # what it prints of its end must not stop it
            has_ended = _next_part(process, TICK_EVERY) is None
    if process.stdout is not None:
        process.stdout.close()
