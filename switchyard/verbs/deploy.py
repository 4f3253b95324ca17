"""``inv deploy``: a commit goes live on a host, or nothing changes."""

from __future__ import annotations

import contextlib
import getpass
import json
import platform
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from switchyard import resolve, settings, source
from switchyard.address import Prober, look, public
from switchyard.core.app import App
from switchyard.core.errors import FAILED, INTERRUPTED, Refused, SwitchyardError
from switchyard.core.split import Split, split
from switchyard.line import Line, require_app
from switchyard.screen import Screen, probes

RESERVE = 1 << 30
"""Bytes that must stay free on the host's disk."""


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
    """A way back to an older commit: no oneshot runs, and what is left is bad."""

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


@dataclass(frozen=True)
class Ready:
    """All that is known before anything is sent."""

    app: App
    split: Split
    document: dict[str, Any]
    env: str
    values: Mapping[str, str]
    """The variables of the env."""
    migrations: tuple[str, ...]
    """The names of the migration files in the commit."""
    release: str


def who() -> str:
    """The person and machine that a lease names."""
    return f"{getpass.getuser()}@{platform.node()}"


def attempt_name() -> str:
    """A name for one run of a verb, ordered by time for people."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + "-" + secrets.token_hex(3)


def deploy(checkout: Path, host_name: str, options: Options) -> int:
    """Every machine of the host prepared, then each switched. Returns the exit code."""
    confirm(options)
    with opened(checkout, host_name, options) as (host, lines, app, picked, screen):
        return _run(host, lines, app, picked, options, screen)


@contextlib.contextmanager
def opened(
    checkout: Path, host_name: str, options: Options
) -> Iterator[tuple[settings.Host, list[Line], App, source.Source, Screen]]:
    """The host, a line to each of its machines, the application's settings and the commit."""
    host = settings.host(checkout, host_name)
    picked = source.pick(host.app_folder, options.rev, allow_dirty=options.allow_dirty)
    screen = Screen(as_json=options.json)
    if picked.dirty and options.rev is None:
        screen.say(f"shipping {picked.commit[:10]} without the uncommitted changes of the work tree", "yellow")
    app = settings.application(host, source.show(picked, "invoke.yaml"), picked.folder)
    lines: list[Line] = []
    try:
        for machine in sorted(host.setting.machines, key=lambda machine: machine.name):
            lines.append(Line(host, machine, require_app(app.name, host.name)))
        yield host, lines, app, picked, screen
    finally:
        for line in lines:
            line.close()


def _run(
    host: settings.Host, lines: list[Line], app: App, picked: source.Source, options: Options, screen: Screen
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
        ready = make_ready(host, flows[0].facts, app, picked, screen)
        for flow in flows:
            refuse(flow.line.machine.name, flow.facts, ready, host)
        for flow in flows:
            flow.send(ready, picked)
        for flow in flows:
            flow.until("received")
            flow.line.say("prepare")
        for flow in flows:
            flow.until("prepared")
        for flow in flows:
            flow.line.say("switch")
            flow.until("end")
    except Ended:
        for flow in flows:
            flow.cancel()
    except KeyboardInterrupt:
        return _interrupted(flows, screen)
    except SwitchyardError:
        for flow in flows:
            flow.cancel()
        raise
    return receipt(flows, screen)


class Ended(Exception):
    """A machine's attempt ended before the phase that was waited for."""


class Flow:
    """One machine's attempt, as followed from here."""

    def __init__(self, host: settings.Host, line: Line, screen: Screen) -> None:
        self.host = host
        self.line = line
        self.screen = screen
        self.events = line.events()
        self.facts: dict[str, Any] = {}
        self.ready: Ready | None = None
        self.prober: Prober | None = None
        self.end: dict[str, Any] | None = None
        self.switched = False
        self.prepared: dict[str, Any] = {}
        self.agreement = ""

    def until(self, phase: str) -> None:
        """Follows until the event that ends a phase."""
        if self.end is not None:
            return
        for event in self.events:
            self.screen.event(self.line.machine.name, event)
            name = event["event"]
            if name == "hello":
                self.facts = event["facts"]
            elif name == "prepared":
                self.prepared = event
                self._show_target(event["rollback"])
            elif name == "confirm":
                self.agreement = event["text"]
            elif name == "switched":
                self.switched = True
                if self.prober is not None:
                    self.prober.measuring = True
            elif name == "look":
                self._look(event["release"])
            elif name == "end":
                self.end = event
            if name == phase:
                return
            if name == "end":
                raise Ended
        raise Ended

    def send(self, ready: Ready, picked: source.Source) -> None:
        """The release as one framed stream."""
        self.ready = ready
        address = public(self.host, self.line.machine, ready.split.routes, ready.app)
        self.prober = Prober(address, measuring=self.facts["live"] is not None)
        self.prober.start()
        pack = json.dumps(_header(ready, picked)).encode() + b"\n" + source.objects(picked, self.facts["commits"])
        self.screen.say(f"  {self.line.machine.name}: sending {ready.release}, {len(pack) / 1024:.0f} KiB", "dim")
        self.line.send("receive", pack)

    def _show_target(self, target: Mapping[str, Any] | None) -> None:
        text = "nothing to go back to: this is the first release"
        if target is not None:
            how = "warm" if target["front"] in ("starting", "healthy") else target["front"]
            text = f"the way back is {target['release']} ({how})"
        self.screen.say(f"  {self.line.machine.name}: {text}", "dim")

    def _look(self, release: str) -> None:
        assert self.ready is not None
        address = public(self.host, self.line.machine, self.ready.split.routes, self.ready.app)
        verdict, why = look(address, self.line, self.ready.app, release)
        self.line.say("seen", verdict=verdict, why=why)

    def cancel(self) -> None:
        """Asks an attempt that has not switched to clean up, and waits for its end."""
        if self.end is not None:
            return
        try:
            self.line.say("cancel")
            self.until("end")
        except (Ended, SwitchyardError):
            return


def env_of(host: settings.Host) -> str:
    """The env that the host's settings name; with ``host: true`` the live release's own."""
    if host.setting.env is None or not host.setting.env.host:
        return settings.environment(host)
    line = Line(host, host.setting.machines[0], require_app(host.app_setting.name, host.name))
    try:
        return str(line.ask("env")["env"])
    finally:
        line.close()


def make_ready(host: settings.Host, facts: Mapping[str, Any], app: App, picked: source.Source, screen: Screen) -> Ready:
    """Settings, env and documents of the commit, from a clean export of it."""
    env = env_of(host)
    release = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + picked.commit[:7]
    folder = Path(tempfile.mkdtemp(prefix="switchyard-"))
    try:
        resolve.export(picked.repository, picked.commit, folder)
        values = resolve.env_values(env)
        document = resolve.resolve(folder, app, values)
        tracked = resolve.tracked(picked.repository, picked.commit)
        parts = split(document, app=app, release=release, root=facts["root"], tracked=tracked, folder=picked.folder)
        problems = resolve.carries_all(picked.repository, picked.commit, document, folder, app)
        pattern = app.migrations.files if app.migrations is not None else None
        migrations = tuple(sorted(path.name for path in (folder / app.path).glob(pattern))) if pattern else ()
        if problems:
            raise Refused("the commit does not carry all that it needs:\n" + "\n".join(problems))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for note in parts.notes:
        screen.say(f"  note: {note}", "dim")
    return Ready(app, parts, document, env, values, migrations, release)


def refuse(machine: str, facts: Mapping[str, Any], ready: Ready, host: settings.Host) -> None:
    """What must not begin: too little disk or memory, addresses taken, a plain project, a lost env key."""
    if facts["disk_free"] < RESERVE:
        raise Refused(
            f"{machine}: {facts['disk_free'] >> 20} MiB of disk are free, {RESERVE >> 20} are needed. "
            "Free some, for example with docker builder prune"
        )
    if facts["memory_live"] and facts["memory_available"] < facts["memory_live"]:
        raise Refused(
            f"{machine}: a second colour needs about {facts['memory_live'] >> 20} MiB of memory, "
            f"{facts['memory_available'] >> 20} are available"
        )
    if facts["edge"] is None:
        taken = [
            f"{route.listen}, held by {facts['listening'][str(route.listen)]}"
            for route in ready.split.routes
            if str(route.listen) in facts["listening"]
        ]
        if taken:
            raise Refused(
                f"{machine}: port {'; port '.join(taken)}. Give the route another address in invoke.yaml, for "
                'example listen: "127.0.0.1:18080", and point the proxy that holds the port there '
                "(nginx: proxy_pass http://127.0.0.1:18080; Caddy: reverse_proxy 127.0.0.1:18080)"
            )
        _refuse_plain(machine, facts, ready)
    live = facts["live"]
    lost = sorted(set(live["env_keys"] or ()) - set(ready.values)) if live else []
    if lost:
        raise Refused(
            f"{machine}: the live release has env keys that this one lacks: {', '.join(lost)}. Add them to "
            f"hosts.{host.name}.env"
        )


def _refuse_plain(machine: str, facts: Mapping[str, Any], ready: Ready) -> None:
    names = {ready.app.name, ready.document.get("name")}
    plain = [other for other in facts["others"] if other["project"] in names]
    if plain:
        words = ", ".join(f"{other['service']} ({other['state']})" for other in plain)
        volumes = [f"    {short}: {{external: {plain[0]['project']}_{short}}}" for short in ready.split.volumes]
        raise Refused(
            f"{machine}: this application runs here already as the plain project {plain[0]['project']} in "
            f"{plain[0]['folder']}: {words}. Stop it (docker compose down, without -v) and take its volumes "
            "over with these settings:\n  volumes:\n" + "\n".join(volumes)
        )
    full = [
        name
        for name in ready.split.volumes.values()
        if name in facts["volumes"] and name not in ready.app.volumes.values()
    ]
    if full:
        short = {engine: name for name, engine in ready.split.volumes.items()}
        lines = [f"    {short[name]}: {{external: {name}}}" for name in full]
        raise Refused(
            f"{machine}: volumes of these names exist already: {', '.join(full)}. If they are this "
            "application's, take them over with:\n  volumes:\n" + "\n".join(lines)
        )


def _header(ready: Ready, picked: source.Source) -> dict[str, Any]:
    parts = ready.split
    return {
        "id": ready.release,
        "commit": picked.commit,
        "subject": picked.subject,
        "app": ready.app.as_json(),
        "routes": [asdict(route) for route in parts.routes],
        "kinds": {name: kind.kind for name, kind in parts.kinds.items()},
        "front": list(parts.front),
        "handover": list(parts.handover),
        "oneshots": list(parts.oneshots),
        "volumes": sorted(parts.volumes.values()),
        "data": list(parts.data),
        "shared_files": list(parts.shared_files),
        "pulls": parts.pulls,
        "notes": list(parts.notes),
        "compose": ready.document,
        "colours": parts.colours,
        "shared": parts.shared,
        "build": parts.build,
        "env": ready.env,
        "values": sorted(ready.values.values()),
        "env_keys": sorted(ready.values),
    }


def _interrupted(flows: list[Flow], screen: Screen) -> int:
    """Ctrl-C: before the switch it cancels and cleans up; after it, it detaches and says so."""
    if any(flow.switched for flow in flows):
        screen.say("detached: the host goes on by itself; see inv status", "yellow")
        return INTERRUPTED
    screen.say("cancelling …", "yellow")
    for flow in flows:
        flow.cancel()
    screen.say("cancelled; nothing live changed", "yellow")
    return INTERRUPTED


def _is_live(end: Mapping[str, Any]) -> str:
    if end["live"]:
        return f"live is {end['live']['id']} ({end['live']['state']})"
    return (
        "what is live was not seen; look with inv status" if end["outcome"] in ("lost", "killed") else "nothing is live"
    )


_LOST: dict[str, Any] = {
    "outcome": "lost",
    "exit": FAILED,
    "reason": "the attempt's end was not seen",
    "live": None,
    "before": None,
    "release": None,
}
"""The end of an attempt that was not heard of any more."""


def receipt(flows: list[Flow], screen: Screen) -> int:
    """What happened, what is live now, and how to go back."""
    machines = []
    ends = [flow.end or _LOST for flow in flows]
    # Where one machine fails, the others are cancelled: what is told is how the one failed.
    decisive = min(ends, key=lambda end: (end["exit"] == 0, end["exit"] == INTERRUPTED))
    for flow, end in zip(flows, ends, strict=True):
        found: dict[str, int | None] = flow.prober.stop() if flow.prober else {"sent": None, "failed": None}
        name = flow.line.machine.name
        machines.append(
            {
                "name": name,
                "before": end["before"],
                "steps": flow.screen.steps.get(name, []),
                "executions": flow.line.executions,
                "probes": found,
            }
        )
        if end["reason"]:
            screen.say(f"{name}: {end['outcome']}: {end['reason']}", "yellow" if end["exit"] in (0, 6) else "red")
        live = end["live"]
        screen.say(
            f"{name}: {flow.line.executions} remote executions; probes through the public address: {probes(found)}"
            + (f" ({flow.prober.first_failure})" if flow.prober and flow.prober.first_failure else "")
        )
        weak = end.get("weak")
        if weak:
            screen.say(
                f"{name}: weak: {', '.join(weak)} declare no health check; their ports and 10 s without a restart "
                "spoke for them",
                "yellow",
            )
        screen.say(f"{name}: {_is_live(end)}", "bold")
        until = end.get("warm_until")
        warm = time.strftime("warm until %H:%M", time.localtime(until)) if until else "not warm"
        if end["exit"] in (0, 6) and end["before"] and live and live["id"] != end["before"]:
            screen.say(f"go back with: inv rollback --host {flow.host.name}   ({end['before']}, {warm})", "bold")
    told = {key: decisive[key] for key in ("outcome", "release", "exit")}
    screen.finish({"v": 1, **told, "hosts": machines})
    return int(decisive["exit"])
