"""``inv allow``: what the application's commits may use beyond the env of their host."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from switchyard.control.act import act_on_host
from switchyard.control.channel import Channel
from switchyard.control.host_answers import ask_host
from switchyard.control.screen import Screen
from switchyard.core.errors import BadInput
from switchyard.core.wire.adopted import kind_and_name
from switchyard.core.wire.allowance import VARIABLE, Allowance, place
from switchyard.core.wire.answers import Allowed
from switchyard.core.wire.request import Request


def show(checkout: Path, host_name: str) -> int:
    """Show what each machine of a host allows. Return the exit code."""
    screen = Screen(as_json=False)
    replies = ask_host(checkout, host_name, lambda channel: channel.ask(channel.request("allowed"), Allowed))
    for machine, answer in replies.answers.items():
        sentences = [*answer.allowance.sentences()] or ["allows nothing beyond the env of the host"]
        sentences += [f"uses {each}, which Switchyard did not create" for each in answer.objects]
        for sentence in sentences:
            screen.say(f"{machine}: {sentence}")
    replies.show_errors(screen)
    return replies.exit


def allow(
    checkout: Path, host_name: str, change: Allowance, *, objects: tuple[str, ...] = (), take_back: bool, reason: str
) -> int:
    """Allow something on every machine of a host, or take it back. Return the exit code."""
    if not reason:
        raise BadInput("allow: say why with --reason; the journal keeps it")
    for each in objects:
        kind_and_name(each)
    flags = " ".join(filter(None, (change.flags(), f"--objects {','.join(objects)}" if objects else "")))
    why = f"{'takes back' if take_back else 'allows'} {flags}: {reason}"

    def request(channel: Channel) -> Request:
        return replace(channel.request("allow"), allow=change, adopt=objects, take_back=take_back, reason=why)

    return act_on_host(checkout, host_name, request)


def parse(env: tuple[str, ...], send: str, files: tuple[str, ...]) -> Allowance:
    """Return what the flags name. Raise ``BadInput`` with each mistake."""
    places: dict[str, tuple[str, ...]] = {}
    problems = []
    for entry in send.split():
        address, sign, names = entry.rpartition("=")
        to = place(address)
        if not sign or to is None:
            problems.append(
                f"--send {entry}: give ADDRESS=NAME,NAME with an address such as https://api.example.com, or with the "
                "variable that holds it"
            )
            continue
        places[to] = (*places.get(to, ()), *(name for name in names.split(",") if name))
    variables = [("--env", name) for name in env] + [("--send", name) for names in places.values() for name in names]
    problems += [f"{flag} {name}: that is no variable" for flag, name in variables if not re.fullmatch(VARIABLE, name)]
    if problems:
        raise BadInput("\n".join(problems))
    return Allowance(env, places, files)
