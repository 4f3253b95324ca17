"""``inv rollback``: the release before goes live again; needs SSH and the host only."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from switchyard.control.channel import Line, at_once, require_app
from switchyard.control.deployment import Ended, Flow, attempt_name, who
from switchyard.control.public_address import public
from switchyard.control.receipt import interrupted, receipt
from switchyard.control.screen import Screen
from switchyard.core.app import App, Check, Route
from switchyard.core.errors import OK, BadInput, SwitchyardError
from switchyard.settings import load as settings
from switchyard.verbs.status import ask


def with_current_env(checkout: Path, host_name: str | None, *, to: str | None, as_json: bool) -> int:
    """The commit of the release before with today's env: a new release, for which no oneshot runs."""
    from switchyard.verbs.deploy import Options, deploy  # a rollback that needs no deploy does not wait for it to load

    name = host_name or last_host(checkout)
    asked = ask(checkout, name, "target", to=to)
    for error in asked.unknown.values():
        raise error  # a deploy needs all of them
    commits = {answer["commit"] for answer in asked.answers.values()}
    if len(commits) != 1:
        raise BadInput(f"the machines of {name} would go back to different commits; name one with --to")
    options = Options(rev=commits.pop(), allow_downgrade=True, force=True, json=as_json, yes=True, back=True)
    return deploy(checkout, name, options)


def rollback(checkout: Path, host_name: str | None, *, to: str | None, as_json: bool) -> int:
    """Every machine of the host goes back, all at once, whatever becomes of the others. Returns the exit code."""
    host = settings.host(checkout, host_name or last_host(checkout))
    app, screen = require_app(host.app_setting.name, host.name), Screen(as_json=as_json)
    flows = [Flow(host, Line(host, machine, app), screen) for machine in host.setting.machines]
    try:
        at_once(lambda flow: _begin(flow, to), flows)  # one that does not answer keeps no other waiting
        for flow in flows:
            _probe(flow)
        for flow in flows:
            with _alone(flow):
                flow.until("end")
    except KeyboardInterrupt:
        return interrupted(flows, screen)
    finally:
        for flow in flows:
            flow.line.close()
    code = receipt(flows, screen)
    back = next((flow.release for flow in flows if flow.end and flow.end["exit"] == OK), None)
    if code and back:  # the same again without --to would take those that went back further back
        screen.say(f"the others go there with: inv rollback --host {host.name} --to {back}", "bold")
    return code


@contextlib.contextmanager
def _alone(flow: Flow) -> Iterator[None]:
    """What goes wrong with one machine is its own end, and nothing to the others."""
    try:
        yield
    except Ended:
        pass
    except SwitchyardError as error:
        flow.unseen(error.exit, str(error))


def _begin(flow: Flow, to: str | None) -> None:
    with _alone(flow):
        flow.line.start("rollback", attempt=attempt_name(), who=who(), to=to)


def _probe(flow: Flow) -> None:
    """From what the machine says of itself on: what is seen at the public address meanwhile."""
    with _alone(flow):
        flow.until("hello")
    if flow.facts:
        routes = [Route(**route) for route in flow.facts["edge"] or ()]
        checks = {service: Check(**check) for service, check in flow.facts["checks"].items()}
        flow.probe(public(flow.host, flow.line.machine, routes, App(flow.line.app, checks=checks)))


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
    raise BadInput("name a host with --host; candidates: " + (", ".join(candidates or sorted(hosts)) or "none"))
