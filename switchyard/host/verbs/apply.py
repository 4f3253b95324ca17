"""What a deploy refuses: changed shared services, and addresses that the edge does not hold yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from switchyard.core import commands, names
from switchyard.core.compose_document import pin, services_of, with_services
from switchyard.core.errors import TAKEN_BACK, Refused, SwitchyardError
from switchyard.core.next_step import Step
from switchyard.host import backup as aside
from switchyard.host import observe
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.engine import Container
from switchyard.host.adapters.store import read_json, write, write_json
from switchyard.host.attempt import Attempt
from switchyard.host.receive import Unchanged, receive, shared_changes
from switchyard.host.steps import colours, ground, switching
from switchyard.host.steps import table as acts
from switchyard.host.verbs import simple


def shared(attempt: Attempt) -> tuple[str, int]:
    """Carries changed shared services out once the operator's side has agreed to the outage."""
    _take_in(attempt, attempt.store.shared / "wanted.json")
    changed = _changes(attempt)
    if not changed and not aside.is_unfinished(attempt.store.shared):
        raise Unchanged("the shared services run as this commit wants them: nothing to do")
    acts.act(attempt, Step("build"))
    lines = [f"{name}: {', '.join(keys)}" for name, keys in changed.items()]
    _agree(attempt, [*lines, f"{', '.join(changed)} will be stopped and started again; volumes stay"])
    acts.act(attempt, Step("apply_shared"))
    attempt.store.update(attempt.release, state="applied")
    return "applied", 0


def edge(attempt: Attempt) -> tuple[str, int]:
    """Recreates the edge with the addresses of this commit once the operator's side has agreed."""
    _take_in(attempt, attempt.store.edge / "routes.json")
    held = {_address(route) for route in read_json(attempt.store.edge / "routes.json")}
    wanted = {_address(route.__dict__): str(route.listen) for route in attempt.routes}
    if held == wanted.keys() and not aside.is_unfinished(attempt.store.edge):
        raise Unchanged("the edge holds the addresses of this commit: nothing to do")
    listening, mine = observe.listening(), f"{attempt.request['app']}'s edge"
    taken = [port for port in wanted.values() if listening.get(port, mine) != mine]
    if taken:
        raise Refused("; ".join(f"port {port} is held by {listening[port]}" for port in taken))
    lines = [f"added: {name}" for name in sorted(wanted.keys() - held)]
    lines += [f"gone: {name}" for name in sorted(held - wanted.keys())]
    _agree(attempt, [*lines, "every route is interrupted while the edge is made again, about a second"])
    acts.act(attempt, Step("apply_edge"))
    attempt.store.update(attempt.release, state="applied")
    return "applied", 0


def _address(route: dict[str, Any]) -> str:
    return f"{route['service']}:{route['port']} on {route['address']}:{route['listen']}"


def _take_in(attempt: Attempt, needed: Any) -> None:
    if not needed.exists():
        raise Refused("nothing is deployed here yet: the first inv deploy brings all of it up")
    facts = observe.facts(attempt.store, attempt.request["app"])
    attempt.before = facts["live"]["id"] if facts["live"] else None
    attempt.emit("hello", facts=facts, usual=observe.usual(attempt.store))
    attempt.await_said("receive")
    receive(attempt, attempt.folder / "pack")
    attempt.emit("received", release=attempt.release)
    simple.end_standby(attempt)


def _agree(attempt: Attempt, lines: list[str]) -> None:
    attempt.emit("confirm", text="\n".join(lines))
    attempt.await_said("go")
    attempt.switched = True
    attempt.renew()


def _changes(attempt: Attempt) -> dict[str, list[str]]:
    store = attempt.store
    applied = read_json(store.shared / "wanted.json") or {}
    wanted = read_json(store.release(attempt.release) / "shared.json")
    cut = {name: ["was to be changed when an apply was killed"] for name in aside.left(store.shared)}
    return {**cut, **shared_changes(attempt, applied, wanted, attempt.record["shared_objects"])}


def apply_shared(attempt: Attempt, colour: str | None) -> None:
    """Changed shared services made again with their volumes; where one does not get healthy, all goes back."""
    store, home = attempt.store, attempt.store.shared
    wanted = read_json(store.release(attempt.release) / "shared.json")
    changed = _changes(attempt)
    files = frozenset(key.removeprefix("file ") for keys in changed.values() for key in keys if key[:5] == "file ")
    ground.make_ground(attempt)
    observe.refuse_strangers(attempt.request["app"], wanted)
    aside.keep(home, changed)
    before = read_json(home / "compose.json") or {}
    merged = pin(wanted, attempt.record["images"])
    kept = services_of(merged).keys() - changed
    merged = with_services(merged, {name: each for name, each in services_of(before).items() if name in kept})
    try:
        known = ground.lay_files(attempt, again=files)
        _bring_up(attempt, merged, changed)
    except SwitchyardError as error:
        _go_back(attempt, home, error, partial(_bring_up, attempt, before, changed))
    write_json(home / "files.json", known)
    write_json(home / "wanted.json", wanted)
    aside.forget(home)


def _go_back(attempt: Attempt, home: Path, error: SwitchyardError, again: Callable[[], None]) -> NoReturn:
    """What was kept aside, made again; raises ``error``, which is *taken back* only where that is healthy."""
    attempt.store.guard(attempt.number)
    attempt.emit("progress", text="it does not get healthy: going back to what was")
    try:
        aside.put_back(home)
        again()
    except SwitchyardError as worse:
        attempt.store.guard(attempt.number)
        raise SwitchyardError(
            f"{error}\nWhat was does not come back either, so it is down: {worse}\nRepair it on the host, then type "
            f"inv {attempt.verb} again, with --rev for the commit that it shall run as"
        ) from None
    aside.forget(home)
    raise SwitchyardError(str(error), exit=TAKEN_BACK) from None


def _shared_containers(attempt: Attempt) -> list[Container]:
    return engine.containers(f"com.docker.compose.project={names.project(attempt.app.name, 'shared')}")


def _bring_up(attempt: Attempt, document: dict[str, Any], changed: Collection[str]) -> None:
    """The shared project as a document says: the changed services made again, what it does not have removed."""
    path, services = attempt.store.shared / "compose.json", document.get("services") or {}
    write_json(path, document)
    for name, service in services.items():
        process.run(["docker", "tag", service["image"], names.tag(attempt.app.name, name, "shared")])
    for container in _shared_containers(attempt):
        if container.service not in services:
            process.run(["docker", "stop", container.id], tick=attempt.linger)
            engine.remove(container.id)
    project, again = names.project(attempt.app.name, "shared"), [name for name in changed if name in services]
    if again:
        attempt.run(commands.compose(project, str(path), "up", "-d", "--no-deps", "--force-recreate", *again))
    if services:
        attempt.run(commands.compose(project, str(path), "up", "-d", "--no-recreate"))
    ground.prove_shared(attempt)


def apply_edge(attempt: Attempt, colour: str | None) -> None:
    """The edge made again on the addresses of this commit; where that fails, on those that it had."""
    home = attempt.store.edge
    aside.keep(home, ())
    try:
        ground.publish(attempt, list(attempt.routes))
        write(home / "cfg" / "haproxy.cfg", observe.wanted_configuration(attempt, observe.site(attempt)), 0o644)
        _recreate(attempt)
    except SwitchyardError as error:
        _go_back(attempt, home, error, partial(_recreate, attempt))
    aside.forget(home)


def _recreate(attempt: Attempt) -> None:
    project = names.project(attempt.request["app"], "edge")
    began = time.monotonic()
    document = str(attempt.store.edge / "compose.json")
    attempt.run(commands.compose(project, document, "up", "-d", "--force-recreate"))
    for container in ground.edge_containers(attempt):
        colours.keep_up(container.id, "unless-stopped")
    while attempt.proxy.live() == "down":
        if time.monotonic() - began > switching.LOOK_WITHIN:
            raise SwitchyardError("the edge does not answer within 10 s after it was made again")
        time.sleep(0.05)
    attempt.emit("progress", text=f"the edge was away for at most {time.monotonic() - began:.1f} s")


acts.ACTS.update(apply_shared=apply_shared, apply_edge=apply_edge)
