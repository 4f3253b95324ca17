"""``inv logs``: what the containers printed last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from switchyard.control.channel import Channel
from switchyard.control.host_answers import ask_host
from switchyard.control.screen import Screen
from switchyard.core.errors import BadInput
from switchyard.core.wire.answers import Logs


def logs(checkout: Path, host_name: str, *, service: str | None, tail: int) -> int:
    """Print the last lines of the containers of the live colour and of the shared services. Return the exit code."""
    if tail < 1:
        raise BadInput(f"logs: --tail {tail}: give 1 line or more")

    def last_lines(channel: Channel) -> Logs:
        return channel.ask(replace(channel.request("logs"), service=service, tail=tail), Logs)

    machines = ask_host(checkout, host_name, last_lines)
    screen = Screen(as_json=False)
    for name, answer in machines.answers.items():
        for container, text in sorted(answer.containers.items()):
            screen.say(f"--- {name}: {container}", "bold")
            screen.say(text)
    machines.show_errors(screen)
    return machines.exit
