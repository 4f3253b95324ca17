"""``inv restart``, ``inv unlock`` and ``inv exec``: small acts on what is live."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from switchyard.control.channel import Line, require_app
from switchyard.control.deployment import attempt_name, who
from switchyard.control.screen import Screen
from switchyard.core.errors import NOT_CHECKED, OK, BadInput
from switchyard.settings import load as settings
from switchyard.verbs.status import ask


def act(checkout: Path, host_name: str, verb: str, **fields: Any) -> int:
    """One acting verb on every machine of a host, followed to its end."""
    host = settings.host(checkout, host_name)
    screen = Screen(as_json=False)
    code = 0
    for machine in host.setting.machines:
        line = Line(host, machine, require_app(host.app_setting.name, host.name))
        try:
            line.start(verb, attempt=attempt_name(), who=who(), **fields)
            for event in line.events():
                screen.event(machine.name, event)
                if event["event"] == "end":
                    code = code or int(event["exit"])
                    screen.say(
                        f"{machine.name}: {event['outcome']}" + (f": {event['reason']}" if event["reason"] else "")
                    )
        finally:
            line.close()
    return code


def scale(checkout: Path, host_name: str, *, service: str, count: int) -> int:
    """So many containers of a service, now and in every release to come."""
    if not service:
        raise BadInput("scale: say which service with --service, and how many with --count")
    return act(checkout, host_name, "scale", service=service, count=count)


def unlock(checkout: Path, host_name: str, *, reason: str, force: bool) -> int:
    """A takeover of the lease, with a reason that the journal keeps."""
    if not reason:
        raise BadInput("unlock: say why with --reason; the journal keeps it")
    return act(checkout, host_name, "unlock", force=force, reason=reason)


def execute(checkout: Path, host_name: str, *, service: str, command: str) -> int:
    """A command in a container of the live colour, or of a shared service; its exit code."""
    if not service or not command:
        raise BadInput("exec: say where with --service, and what with --command")
    try:
        shlex.split(command)
    except ValueError as error:
        raise BadInput(f"exec: --command {command}: {error}; a quote in it needs its pair, or a backslash") from None
    asked = ask(checkout, host_name, "exec", in_turn=True, service=service, command=command)
    code = OK
    for answer in asked.answers.values():
        sys.stdout.write(answer["output"] + "\n")
        code = code or int(answer["code"])
    asked.tell(Screen(as_json=False))
    return NOT_CHECKED if asked.unknown else code
