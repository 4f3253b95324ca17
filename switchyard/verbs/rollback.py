"""``inv rollback``: the release before goes live again; needs SSH and the host only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from switchyard import settings
from switchyard.address import Prober, public
from switchyard.core.app import App, Route
from switchyard.core.errors import BadInput
from switchyard.line import Line, require_app
from switchyard.screen import Screen, probes
from switchyard.verbs.deploy import Options, attempt_name, deploy, who
from switchyard.verbs.status import ask


def with_current_env(checkout: Path, host_name: str | None, *, to: str | None, as_json: bool) -> int:
    """The commit of the release before with today's env: a new release, for which no oneshot runs."""
    name = host_name or last_host(checkout)
    _, _, answers = ask(checkout, name, "target", to=to)
    commits = {answer["commit"] for answer in answers.values()}
    if len(commits) != 1:
        raise BadInput(f"the machines of {name} would go back to different commits; name one with --to")
    options = Options(rev=commits.pop(), allow_downgrade=True, force=True, json=as_json, yes=True, back=True)
    return deploy(checkout, name, options)


def rollback(checkout: Path, host_name: str | None, *, to: str | None, as_json: bool) -> int:
    """Every machine of the host goes back. Returns the exit code."""
    host = settings.host(checkout, host_name or last_host(checkout))
    screen = Screen(as_json=as_json)
    code, machines = 0, []
    for machine in host.setting.machines:
        line = Line(host, machine, require_app(host.app_setting.name, host.name))
        try:
            line.start("rollback", attempt=attempt_name(), who=who(), to=to)
            end, measured = _follow(line, screen, host)
        finally:
            line.close()
        code = code or int(end["exit"])
        machines.append(
            {
                "name": machine.name,
                "before": end["before"],
                "steps": screen.steps.get(line.machine.name, []),
                "executions": line.executions,
                "probes": measured,
            }
        )
        live = end["live"]
        if end["reason"]:
            screen.say(
                f"{machine.name}: {end['outcome']}: {end['reason']}", "yellow" if end["exit"] in (0, 6) else "red"
            )
        screen.say(
            f"{machine.name}: {line.executions} remote executions; probes through the public address: "
            f"{probes(measured)}"
        )
        screen.say(
            f"{machine.name}: live is {live['id']} ({live['state']})" if live else f"{machine.name}: nothing is live",
            "bold",
        )
        if end["exit"] == 0 and end["before"] and live and end["before"] != live["id"]:
            screen.say(f"go forward again with: inv rollback --host {host.name} --to {end['before']}", "bold")
    screen.finish({"v": 1, "outcome": end["outcome"], "release": end["release"], "exit": code, "hosts": machines})
    return code


def _follow(line: Line, screen: Screen, host: settings.Host) -> tuple[dict[str, Any], dict[str, int | None]]:
    prober: Prober | None = None
    end: dict[str, Any] = {}
    for event in line.events():
        screen.event(line.machine.name, event)
        if event["event"] == "hello":
            routes = [Route(**route) for route in event["facts"]["edge"] or ()]
            prober = Prober(public(host, line.machine, routes, App(line.app)), measuring=True)
            prober.start()
        if event["event"] == "end":
            end = event
    return end, prober.stop() if prober else {"sent": None, "failed": None}


def remember_host(checkout: Path, name: str) -> None:
    """Records the host of a deploy, for a rollback without ``--host``."""
    folder = checkout / ".switchyard"
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / "deployed.json"
    known = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps(sorted({*known, name})))


def last_host(checkout: Path) -> str:
    """The host of the last deploy, if unambiguous."""
    path = checkout / ".switchyard" / "deployed.json"
    deployed = json.loads(path.read_text()) if path.exists() else []
    _, hosts = settings.load(checkout)
    candidates = [name for name in deployed if name in hosts]
    if len(candidates) == 1:
        return str(candidates[0])
    raise BadInput("say which host with --host; candidates: " + (", ".join(candidates or sorted(hosts)) or "none"))
