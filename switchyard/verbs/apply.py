"""``inv shared.apply`` and ``inv edge.apply``: what a deploy refuses, carried out after its outage was stated."""

from __future__ import annotations

import sys
from pathlib import Path

from switchyard.control import commit as source
from switchyard.control.channel import Line, env_of, require_app
from switchyard.control.deployment import Ended, Flow, attempt_name, cancel, who
from switchyard.control.receipt import receipt
from switchyard.control.release import carried, make_ready
from switchyard.control.screen import Screen
from switchyard.core.errors import Refused
from switchyard.settings import load as settings


def apply(checkout: Path, host_name: str, verb: str, *, rev: str | None, yes: bool) -> int:
    """The shared services or the edge of every machine, as a commit wants them. Returns the exit code."""
    host = settings.host(checkout, host_name)
    picked = source.pick(host.app_folder, rev, allow_dirty=False)
    app = settings.application(host, source.show(picked, "invoke.yaml"), picked.folder)
    screen, flows = Screen(as_json=False), []
    found = carried(env_of(host), app, picked)
    for machine in host.setting.machines:
        line = Line(host, machine, require_app(app.name, host.name))
        flow = Flow(host, line, screen)
        flows.append(flow)
        try:
            line.start(verb, attempt=attempt_name(), who=who(), host=host.name)
            flow.until("hello")
            flow.send(make_ready(found, flow.facts, picked, screen), picked)
            flow.until("confirm")
            _confirm(flow, yes=yes)
            line.say("go")
            flow.until("end")
        except Ended:
            pass
        finally:
            cancel([flow])
            line.close()
    return receipt(flows, screen)


def _confirm(flow: Flow, *, yes: bool) -> None:
    """The outage is stated and agreed to: on a terminal by a question, elsewhere by ``--yes``."""
    flow.screen.say(f"{flow.line.machine.name}:\n{flow.agreement}", "yellow")
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("this interrupts what is running: add --yes where nobody can be asked")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused("not confirmed; nothing was changed")
