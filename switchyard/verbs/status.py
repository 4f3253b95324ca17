"""``inv status``, ``inv history`` and ``inv logs``: what is observed, and what was recorded."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from switchyard.control.channel import Line, at_once, require_app
from switchyard.control.public_address import url_of
from switchyard.control.screen import Screen, ago
from switchyard.core.app import Route
from switchyard.core.errors import DRIFT, NOT_CHECKED, OK, BadInput, SwitchyardError
from switchyard.settings import load as settings
from switchyard.settings.model import Host, Machine


@dataclass(frozen=True)
class Asked:
    """What the machines of a host answered."""

    host: Host
    app: str
    answers: dict[str, Any]
    """By the machine's name."""
    unknown: dict[str, SwitchyardError]
    """Why the others did not."""

    def as_json(self, hosts: list[dict[str, Any]]) -> str:
        """What a program reads of these machines."""
        unknown = [{"name": name, "reason": str(error)} for name, error in self.unknown.items()]
        told = {"v": 1, "app": self.app, "hosts": hosts, **({"unknown": unknown} if unknown else {})}
        return json.dumps(told)

    def tell(self, screen: Screen) -> None:
        """For people, which machines did not answer."""
        for error in self.unknown.values():
            screen.say(str(error), "red")


def ask(checkout: Path, host_name: str, verb: str, *, in_turn: bool = False, **fields: Any) -> Asked:
    """Asks every machine of a host, at once unless ``in_turn``. Raises what the first met where none answers."""
    host = settings.host(checkout, host_name)
    app = require_app(host.app_setting.name, host.name)

    def answer(machine: Machine) -> dict[str, Any] | SwitchyardError:
        line = Line(host, machine, app)
        try:
            return line.ask(verb, **fields)
        except SwitchyardError as error:
            return error
        finally:
            line.close()

    machines = host.setting.machines
    ends = [answer(machine) for machine in machines] if in_turn else at_once(answer, machines)
    found = dict(zip((machine.name for machine in machines), ends, strict=True))
    answers = {name: said for name, said in found.items() if not isinstance(said, SwitchyardError)}
    unknown = {name: said for name, said in found.items() if isinstance(said, SwitchyardError)}
    if not answers:
        raise next(iter(unknown.values()))
    return Asked(host, app, answers, unknown)


def status(checkout: Path, host_name: str, *, as_json: bool) -> int:
    """What runs on the host now. Exit 7 where it differs from what was recorded."""
    asked = ask(checkout, host_name, "status")
    drifts = any(answer["drift"] for answer in asked.answers.values())
    code = NOT_CHECKED if asked.unknown else DRIFT if drifts else OK
    if as_json:
        urls = {
            machine.name: url_of(
                asked.host, machine, [Route(**route) for route in asked.answers[machine.name]["routes"]]
            )
            for machine in asked.host.setting.machines
            if machine.name in asked.answers
        }
        keys = ("live", "idle", "lease", "kept", "drift")
        hosts = [
            {"name": name, "url": urls[name], **{key: answer[key] for key in keys}}
            for name, answer in asked.answers.items()
        ]
        print(asked.as_json(hosts))
        return code
    screen = Screen(as_json=False)
    for name, answer in asked.answers.items():
        for word in ("live", "idle"):
            slot = answer[word]
            text = (
                "nothing"
                if slot is None
                else (
                    f"{slot['colour']:<5} {slot['release']} ({slot['state']}, "
                    f"{ago(slot['since'])}) {_health(slot['healthy'])}"
                )
            )
            screen.say(f"{name}: {word} {text}", "bold" if word == "live" else "")
        screen.say(f"{name}: the edge answers from {answer['proxy']}")
        if answer["lease"]:
            screen.say(
                f"{name}: {answer['lease']['who']} holds the lease: {answer['lease']['doing']}, "
                f"{ago(answer['lease']['since'])}"
                + (f"; {answer['lease']['ended']}" if answer["lease"]["ended"] else "")
            )
        table = Table("release", "state", "commit", "", box=None)
        for kept in answer["kept"]:
            missing = f"images gone: {', '.join(kept['missing'])}" if kept["missing"] else kept["subject"]
            table.add_row(kept["release"], kept["state"], kept["commit"][:10], missing)
        screen.console.print(table)
        for line in answer["drift"]:
            screen.say(f"{name}: drift: {line}", "yellow")
    asked.tell(screen)
    return code


def _health(value: bool | None) -> str:
    return {True: "healthy", False: "not healthy", None: "health unknown"}[value]


def history(checkout: Path, host_name: str, *, count: int, as_json: bool) -> int:
    """The attempts on this host, and how each ended."""
    if count < 1:
        raise BadInput(f"history: --count {count} is no number of attempts; give 1 or more")
    asked = ask(checkout, host_name, "history", count=count)
    code = NOT_CHECKED if asked.unknown else OK
    if as_json:
        print(asked.as_json([{"name": name, **answer} for name, answer in asked.answers.items()]))
        return code
    screen = Screen(as_json=False)
    for name, answer in asked.answers.items():
        for entry in answer["attempts"]:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry["wall"]))
            screen.say(
                f"{name}: {stamp}  {entry['step']:<9} {entry['what']:<11} {entry.get('release') or '-'}"
                f"  by {entry.get('who')}"
            )
        for problem in answer["problems"]:
            screen.say(f"{name}: journal: {problem}", "yellow")
    asked.tell(screen)
    return code


def logs(checkout: Path, host_name: str, *, service: str | None, tail: int) -> int:
    """The last lines of the live colour's and the shared services' containers."""
    if tail < 1:
        raise BadInput(f"logs: --tail {tail} is no number of lines; give 1 or more")
    asked = ask(checkout, host_name, "logs", service=service, tail=tail)
    screen = Screen(as_json=False)
    for name, answer in asked.answers.items():
        for container, text in sorted(answer["containers"].items()):
            screen.say(f"--- {name}: {container}", "bold")
            screen.say(text)
    asked.tell(screen)
    return NOT_CHECKED if asked.unknown else OK
