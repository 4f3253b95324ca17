"""``inv deploy``: a commit goes live on a host, or nothing changes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchyard.control import commit as source
from switchyard.control.channel import Line, ask_each, at_once, env_of, require_app, to_each
from switchyard.control.deployment import Ended, Flow, attempt_name, cancel, who
from switchyard.control.receipt import finish, interrupted, receipt
from switchyard.control.release import Ready, carried, make_ready, refuse, require_host
from switchyard.control.screen import Screen
from switchyard.core.app import App
from switchyard.core.errors import OK, UNVERIFIED, Refused, SwitchyardError, ended
from switchyard.core.wire.answers import ChecksAnswer
from switchyard.core.wire.checks import ChecksRecord, ChecksSummary
from switchyard.predeploy.engine.host_machine import HostMachine
from switchyard.predeploy.engine.options import CheckOptions
from switchyard.settings import load as settings
from switchyard.settings.model import Host
from switchyard.verbs import predeploy


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    rev: str | None = None
    allow_downgrade: bool = False
    allow_dirty: bool = False
    shared_unchanged: bool = False
    force: bool = False
    json: bool = False
    yes: bool = False
    back: bool = False
    """A way back to an older commit: no check and no oneshot runs, and what is left is bad."""
    skip: tuple[str, ...] = ()
    """Checks of predeploy that are left out."""
    allow_unknown: tuple[str, ...] = ()
    """Checks of predeploy that may be unknown."""
    reason: str = ""
    """Why, for the receipt and the journal."""

    @property
    def overrides(self) -> list[str]:
        """The flags that let through what is refused otherwise."""
        flags = ("allow_downgrade", "shared_unchanged", "force")
        return ["--" + flag.replace("_", "-") for flag in flags if getattr(self, flag)]


def confirm(options: Options) -> None:
    """An override is asked for once more: on a terminal by a question, elsewhere by ``--yes``."""
    if not options.overrides or options.yes:
        return
    words = " ".join(options.overrides)
    if not sys.stdin.isatty():
        raise Refused(f"{words} overrides a refusal: add --yes where nobody can be asked")
    if input(f"Deploy with {words}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused("not confirmed; nothing was done")


def deploy(checkout: Path, host_name: str, options: Options) -> int:
    """The checks, then every machine of the host prepared, then each switched. Returns the exit code."""
    confirm(options)
    checks = CheckOptions(skip=options.skip, allow_unknown=options.allow_unknown, reason=options.reason)
    predeploy.require_known(checks)
    with opened(checkout, host_name, options) as (host, lines, app, picked, screen):
        env = env_of(host)
        reads: list[Callable[[], Any]] = [lambda: _able(lines), lambda: carried(env, app, picked)]
        seen, found = at_once(lambda read: read(), reads)
        ready = make_ready(found, seen[0][1]["facts"], picked, screen)
        for line, said in seen:
            refuse(line.machine.name, said["facts"], ready, host)
        if options.back:
            return _run(host, lines, picked, ready, None, None, options, screen)
        machines = [HostMachine(line, ChecksAnswer.decode(said)) for line, said in seen]
        checked = predeploy.check_commit(host, machines, picked, ready.values, checks, screen)
        if checked.exit:
            screen.say("nothing was sent to the host", "bold")
            finish(screen, ended(checked.exit, checked.sentence, outcome="refused"), [], checked.summary())
            return checked.exit
        return _run(host, lines, picked, ready, checked.record(), checked.summary(), options, screen)


def _able(lines: list[Line]) -> list[tuple[Line, dict[str, Any]]]:
    """Each machine with what it says of itself. Raises for the first that could take no deploy now."""
    seen = ask_each(lines, "checks")
    for line, said in seen:
        require_host(line.machine.name, said)
    return seen


@contextlib.contextmanager
def opened(
    checkout: Path, host_name: str, options: Options
) -> Iterator[tuple[Host, list[Line], App, source.Source, Screen]]:
    """The host, a line to each of its machines, the application's settings and the commit."""
    host = settings.host(checkout, host_name)
    picked = source.pick(host.app_folder, options.rev, allow_dirty=options.allow_dirty)
    screen = Screen(as_json=options.json)
    if picked.dirty and options.rev is None:
        screen.say(f"shipping {picked.commit[:10]} without the uncommitted changes of the work tree", "yellow")
    app = settings.application(host, source.show(picked, "invoke.yaml"), picked.folder)
    with to_each(host, require_app(app.name, host.name)) as lines:
        yield host, lines, app, picked, screen


def _run(
    host: Host,
    lines: list[Line],
    picked: source.Source,
    ready: Ready,
    record: ChecksRecord | None,
    summary: ChecksSummary | None,
    options: Options,
    screen: Screen,
) -> int:
    flags = {
        "allow_downgrade": options.allow_downgrade,
        "shared_unchanged": options.shared_unchanged,
        "force": options.force,
        "back": options.back,
        "host": host.name,
    }
    for line in lines:
        line.start("deploy", attempt=attempt_name(), who=who(), **flags)
    flows = [Flow(host, line, screen) for line in lines]
    try:
        for flow in flows:
            flow.until("hello")
        for flow in flows:
            refuse(flow.line.machine.name, flow.facts, ready, host)
        for flow in flows:
            flow.send(ready, picked, record)
        for flow in flows:
            flow.until("received")
            flow.line.say("prepare")
        for flow in flows:
            flow.until("prepared")
        for flow in flows:
            flow.line.say("switch")
            flow.until("end")
            if flow.end is None or flow.end["exit"] not in (OK, UNVERIFIED):
                raise Ended  # what went wrong here would go wrong there
    except Ended:
        cancel(flows)
    except KeyboardInterrupt:
        return interrupted(flows, screen, summary)
    except SwitchyardError as error:
        cancel(flows)
        if not any(flow.switched for flow in flows):
            raise
        for flow in flows:
            if flow.end is None:
                flow.unseen(error.exit, str(error))
    return receipt(flows, screen, summary)
