"""Commands of this machine, and the checkout's own scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from switchyard.core.errors import BadInput, NotChecked, SwitchyardError

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
COMMAND_SECONDS = 60.0
SCRIPT_SECONDS = 1800.0

Say = Callable[[str], None]


def docker(argv: list[str], *, text: str = "") -> str:
    """Run docker and return what it prints. Raise ``SwitchyardError`` where it fails."""
    return checked(["docker", *argv], text=text)


def try_docker(argv: list[str]) -> str | None:
    """Return what docker prints; None where it fails."""
    done = run(["docker", *argv])
    return done.stdout.strip() if done.returncode == 0 else None


def checked(argv: list[str], *, text: str = "") -> str:
    """Run a command and return what it prints. Raise ``SwitchyardError`` where it fails."""
    done = run(argv, text=text)
    if done.returncode:
        raise SwitchyardError(f"{' '.join(argv[:4])} exited with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def run(argv: list[str], *, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command with ``text`` on its standard input. Raise ``NotChecked`` where it is missing or takes too long."""
    try:
        return subprocess.run(argv, input=text, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except FileNotFoundError as error:
        raise NotChecked(f"{argv[0]} is not on this machine's PATH. Install it, then run the command again.") from error
    except subprocess.TimeoutExpired as error:
        raise NotChecked(f"{' '.join(argv[:3])} did not end within {COMMAND_SECONDS:.0f} s") from error


def run_script(name: str, arguments: list[str], say: Say) -> None:
    """Run one of the checkout's own scripts and pass on each line that it prints. Raise where it fails."""
    path = SCRIPTS / name
    if not path.is_file():
        raise BadInput(
            f"{path} is missing. Sandbox hosts need a checkout of Switchyard: run the command there, not from an "
            "installed Switchyard."
        )
    with subprocess.Popen(
        [sys.executable, str(path), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    ) as program:
        assert program.stdout is not None
        lines = []
        for line in program.stdout:
            lines.append(line.rstrip())
            say(line.rstrip())
        code = program.wait(timeout=SCRIPT_SECONDS)
    if code:
        raise SwitchyardError("\n".join(lines[-30:]) or f"{path} exited with {code}")
