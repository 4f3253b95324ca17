"""``inv rollback``: the release before goes live again; needs SSH and the host only."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from switchyard import settings
from switchyard.address import public
from switchyard.core.app import App, Check, Route
from switchyard.core.errors import BadInput
from switchyard.flow import Ended, Flow, attempt_name, who
from switchyard.line import UNSEEN, Line, require_app
from switchyard.receipt import finish, interrupted, is_live, most_telling
from switchyard.screen import Screen, probes
from switchyard.verbs.status import ask


def with_current_env(checkout: Path, host_name: str | None, *, to: str | None, as_json: bool) -> int:
    """The commit of the release before with today's env: a new release, for which no oneshot runs."""
    from switchyard.verbs.deploy import Options, deploy  # a rollback that needs no deploy does not wait for it to load

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
    flows: list[Flow] = []
    machines = []
    for machine in host.setting.machines:
        line = Line(host, machine, require_app(host.app_setting.name, host.name))
        flow = Flow(host, line, screen)
        flows.append(flow)
        try:
            line.start("rollback", attempt=attempt_name(), who=who(), to=to)
            end, measured = _follow(flow)
        except KeyboardInterrupt:
            return interrupted(flows, screen)
        finally:
            line.close()
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
        screen.told(machine.name)
        screen.say(f"{machine.name}: {is_live(end)}", "bold")
        if end["exit"] == 0 and end["before"] and live and end["before"] != live["id"]:
            screen.say(f"go forward again with: inv rollback --host {host.name} --to {end['before']}", "bold")
    decisive = most_telling([flow.end for flow in flows if flow.end])
    finish(screen, decisive, machines)
    return int(decisive["exit"])


def _follow(flow: Flow) -> tuple[Mapping[str, Any], dict[str, int | None]]:
    """One machine's end, and what was seen at the public address meanwhile."""
    with contextlib.suppress(Ended):
        flow.until("hello")
        routes = [Route(**route) for route in flow.facts["edge"] or ()]
        checks = {service: Check(**check) for service, check in flow.facts["checks"].items()}
        flow.probe(public(flow.host, flow.line.machine, routes, App(flow.line.app, checks=checks)))
        flow.until("end")
    return flow.end or UNSEEN, flow.prober.stop() if flow.prober else {"sent": None, "failed": None}


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
