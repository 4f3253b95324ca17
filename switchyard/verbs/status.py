"""``inv status``, ``inv history`` and ``inv logs``: what is observed, and what was recorded."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from rich.table import Table

from switchyard import settings
from switchyard.address import url_of
from switchyard.core.app import Route
from switchyard.core.errors import DRIFT, BadInput
from switchyard.line import Line, require_app
from switchyard.screen import Screen, ago


def ask(checkout: Path, host_name: str, verb: str, **fields: Any) -> tuple[settings.Host, str, dict[str, Any]]:
    """The answers of every machine of a host, by name."""
    host = settings.host(checkout, host_name)
    app = require_app(host.app_setting.name, host.name)
    answers = {}
    for machine in host.setting.machines:
        line = Line(host, machine, app)
        try:
            answers[machine.name] = line.ask(verb, **fields)
        finally:
            line.close()
    return host, app, answers


def status(checkout: Path, host_name: str, *, as_json: bool) -> int:
    """What runs on the host now. Exit 7 where it differs from what was recorded."""
    host, app, answers = ask(checkout, host_name, "status")
    code = DRIFT if any(answer["drift"] for answer in answers.values()) else 0
    if as_json:
        urls = {
            machine.name: url_of(host, machine, [Route(**route) for route in answers[machine.name]["routes"]])
            for machine in host.setting.machines
        }
        keys = ("live", "idle", "lease", "kept", "drift")
        print(
            json.dumps(
                {
                    "v": 1,
                    "app": app,
                    "hosts": [
                        {"name": name, "url": urls[name], **{key: answer[key] for key in keys}}
                        for name, answer in answers.items()
                    ],
                }
            )
        )
        return code
    screen = Screen(as_json=False)
    for name, answer in answers.items():
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
    return code


def _health(value: bool | None) -> str:
    return {True: "healthy", False: "not healthy", None: "health unknown"}[value]


def history(checkout: Path, host_name: str, *, count: int, as_json: bool) -> int:
    """The attempts on this host, and how each ended."""
    if count < 1:
        raise BadInput(f"history: --count {count} is no number of attempts; give 1 or more")
    _, app, answers = ask(checkout, host_name, "history", count=count)
    if as_json:
        print(json.dumps({"v": 1, "app": app, "hosts": [{"name": name, **answer} for name, answer in answers.items()]}))
        return 0
    screen = Screen(as_json=False)
    for name, answer in answers.items():
        for entry in answer["attempts"]:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry["wall"]))
            screen.say(
                f"{name}: {stamp}  {entry['step']:<9} {entry['what']:<11} {entry.get('release') or '-'}"
                f"  by {entry.get('who')}"
            )
        for problem in answer["problems"]:
            screen.say(f"{name}: journal: {problem}", "yellow")
    return 0


def logs(checkout: Path, host_name: str, *, service: str | None, tail: int) -> int:
    """The last lines of the live colour's and the shared services' containers."""
    if tail < 1:
        raise BadInput(f"logs: --tail {tail} is no number of lines; give 1 or more")
    _, _, answers = ask(checkout, host_name, "logs", service=service, tail=tail)
    screen = Screen(as_json=False)
    for name, answer in answers.items():
        for container, text in sorted(answer["containers"].items()):
            screen.say(f"--- {name}: {container}", "bold")
            screen.say(text)
    return 0
