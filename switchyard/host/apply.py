"""What a deploy refuses: changed shared services, and addresses that the edge does not hold yet."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from switchyard.core import commands, names
from switchyard.core.errors import TAKEN_BACK, Refused, SwitchyardError
from switchyard.core.machine import Step
from switchyard.core.split import pin
from switchyard.host import acts, engine, observe, simple
from switchyard.host.attempt import Attempt
from switchyard.host.receive import Unchanged, receive, shared_changes
from switchyard.host.store import read_json, write, write_json


def shared(attempt: Attempt) -> tuple[str, int]:
    """Carries changed shared services out once the operator's side has agreed to the outage."""
    _take_in(attempt, attempt.store.shared / "wanted.json")
    changed = _changes(attempt)
    if not changed:
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
    held = {_address(route): route for route in read_json(attempt.store.edge / "routes.json")}
    wanted = {_address(route.__dict__): route for route in attempt.routes}
    if held.keys() == wanted.keys():
        raise Unchanged("the edge holds the addresses of this commit: nothing to do")
    listening = observe.listening()
    mine = {str(route["listen"]) for route in held.values()}
    taken = [str(r.listen) for r in wanted.values() if str(r.listen) in listening and str(r.listen) not in mine]
    if taken:
        raise Refused("; ".join(f"port {port} is held by {listening[port]}" for port in taken))
    lines = [f"added: {name}" for name in sorted(wanted.keys() - held.keys())]
    lines += [f"gone: {name}" for name in sorted(held.keys() - wanted.keys())]
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
    return shared_changes(attempt, applied, wanted, attempt.record["shared_objects"])


def apply_shared(attempt: Attempt, colour: str | None) -> None:
    """Changed shared services made again with their volumes; one that does not get healthy goes back to what it was."""
    store = attempt.store
    wanted = read_json(store.release(attempt.release) / "shared.json")
    before = read_json(store.shared / "compose.json") or {}
    changed = _changes(attempt)
    files = frozenset(key.removeprefix("file ") for keys in changed.values() for key in keys if key[:5] == "file ")
    acts.make_ground(attempt)
    acts.never_two_servers(attempt, wanted)
    acts.copy_shared_files(attempt, again=files)
    merged = pin(wanted, attempt.record["images"])
    for name, document in (before.get("services") or {}).items():
        if name in merged.get("services", {}) and name not in changed:
            merged["services"][name] = document
    for name in merged.get("services", {}):
        image = merged["services"][name]["image"]
        engine.run(["docker", "tag", image, names.tag(attempt.app.name, name, "shared")])
    gone = [name for name in changed if name not in merged.get("services", {})]
    for container in _shared_containers(attempt):
        if container["Labels"]["com.docker.compose.service"] in gone:
            engine.run(["docker", "stop", container["Id"]])
            engine.ask("DELETE", f"/containers/{container['Id']}")
    again = [name for name in changed if name not in gone]
    try:
        _bring_up(attempt, merged, again)
    except SwitchyardError as error:
        if not before.get("services"):
            raise
        attempt.emit("progress", text="it does not get healthy: going back to the shared services as they were")
        with contextlib.suppress(SwitchyardError):
            _bring_up(attempt, before, [name for name in changed if name in before["services"]])
        raise SwitchyardError(str(error), exit=TAKEN_BACK) from None
    write_json(store.shared / "wanted.json", wanted)


def _shared_containers(attempt: Attempt) -> list[dict[str, Any]]:
    return engine.containers(f"com.docker.compose.project={names.project(attempt.app.name, 'shared')}")


def _bring_up(attempt: Attempt, document: dict[str, Any], again: list[str]) -> None:
    path = attempt.store.shared / "compose.json"
    write_json(path, document)
    project = names.project(attempt.app.name, "shared")
    if again:
        attempt.run(commands.compose(project, str(path), "up", "-d", "--no-deps", "--force-recreate", *again))
    if document.get("services"):
        attempt.run(commands.compose(project, str(path), "up", "-d", "--no-recreate"))
    acts.prove_shared(attempt)


def apply_edge(attempt: Attempt, colour: str | None) -> None:
    """The edge made again on the addresses of this commit; where that fails, on those that it had."""
    home = attempt.store.edge
    kept = {name: (home / name).read_text() for name in ("routes.json", "previews.json", "compose.json")}
    configuration = (home / "cfg" / "haproxy.cfg").read_text()
    (home / "routes.json").unlink()
    try:
        acts.publish(attempt, list(attempt.routes))
        write(home / "cfg" / "haproxy.cfg", observe.wanted_configuration(attempt), 0o644)
        _recreate(attempt)
    except SwitchyardError as error:
        for name, text in kept.items():
            write(home / name, text)
        write(home / "cfg" / "haproxy.cfg", configuration, 0o644)
        with contextlib.suppress(SwitchyardError):
            _recreate(attempt)
        raise SwitchyardError(f"the edge is as it was: {error}", exit=TAKEN_BACK) from None


def _recreate(attempt: Attempt) -> None:
    project = names.project(attempt.request["app"], "edge")
    began = time.monotonic()
    document = str(attempt.store.edge / "compose.json")
    attempt.run(commands.compose(project, document, "up", "-d", "--force-recreate"))
    for container in acts.edge_containers(attempt):
        acts.keep_up(container["Id"], "unless-stopped")
    while attempt.proxy.live() == "down":
        if time.monotonic() - began > acts.LOOK_WITHIN:
            raise SwitchyardError("the edge does not answer within 10 s after it was made again")
        time.sleep(0.05)
    attempt.emit("progress", text=f"the edge was away for at most {time.monotonic() - began:.1f} s")


acts.ACTS.update(apply_shared=apply_shared, apply_edge=apply_edge)
