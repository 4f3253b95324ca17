"""``inv exec``: run a command in a container."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

from switchyard.control import terminal
from switchyard.control.channel import Channel
from switchyard.control.host_answers import ask_host
from switchyard.control.screen import Screen
from switchyard.core.errors import OK, BadInput
from switchyard.core.wire.answers import ExecResult


def execute(checkout: Path, host_name: str, *, service: str, command: str) -> int:
    """Run a command in a container of the live colour or of a shared service. Return the command's exit code."""
    if not service or not command:
        raise BadInput("exec: name the service with --service, and the command with --command")
    try:
        shlex.split(command)
    except ValueError as error:
        raise BadInput(f"exec: --command {command}: {error}. Close the quote, or escape it with a backslash") from None

    def run(channel: Channel) -> ExecResult:
        return channel.ask(replace(channel.request("exec"), service=service, command=command), ExecResult)

    machines = ask_host(checkout, host_name, run, in_turn=True)
    for result in machines.answers.values():
        sys.stdout.write(terminal.shown(result.output) + "\n")
    machines.show_errors(Screen(as_json=False))
    code = next((result.code for result in machines.answers.values() if result.code), OK)
    return machines.exit or code
