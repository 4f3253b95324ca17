"""The edge: brought up or reloaded by a deploy, recreated by ``edge.apply``."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from functools import partial

from switchyard.core import commands, edge, names
from switchyard.core.app import Route
from switchyard.core.errors import (
    SwitchyardError,
)
from switchyard.host import backup as aside
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import write, write_json
from switchyard.host.adapters.proxy import UP_WITHIN
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import edge_routes, wanted_configuration
from switchyard.host.neighbours import listening
from switchyard.host.steps import build as images
from switchyard.host.steps import containers as slots
from switchyard.host.steps import look
from switchyard.host.steps.restore import go_back


def edge_up(attempt: Attempt, colour: str | None) -> None:
    """The edge running with the configuration that this release needs; reloaded, never recreated."""
    store = attempt.store
    home = store.edge
    for name in ("cfg", "maps", "run"):
        (home / name).mkdir(exist_ok=True, mode=0o755 if name != "run" else 0o700)
    maps = {
        "live": edge.live_map(attempt.proxy.file_live()),
        "releases": edge.releases_map(slots.releases(attempt)),
        "drain": "",
    }
    for name, text in maps.items():
        if not (home / "maps" / f"{name}.map").exists():
            write(home / "maps" / f"{name}.map", text, 0o644)
    routes = edge_routes(attempt.store, attempt.routes)
    if not (home / "routes.json").exists():
        publish(attempt, routes)
    write(
        home / "cfg" / "next.cfg",
        _wanted_configuration(attempt),
        0o644,
    )
    running = _that_takes_it(attempt)
    os.replace(home / "cfg" / "next.cfg", home / "cfg" / "haproxy.cfg")
    before = attempt.proxy.process() if running else ""
    if running:
        keep = ["sh", "-c", f'printf "%s\n" "$1" > {edge.STATE}', "sh", attempt.proxy.say("show servers state")]
        engine.execute(running.id, keep)
        engine.signal(running.id, "SIGUSR2")
    else:
        attempt.run(commands.up_edge(attempt.target()))
        for container in edge_containers(attempt):
            slots.keep_up(container.id, "unless-stopped")
    attempt.proxy.wait(set(edge.preview_names(routes)), after=before)


def _wanted_configuration(attempt: Attempt) -> str:
    return wanted_configuration(attempt.store, attempt.request["app"], attempt.release, attempt.site())


def _that_takes_it(attempt: Attempt) -> Container | None:
    """The edge's container, once HAProxy in it has passed the new configuration; None where none runs.

    One that the engine is bringing back is waited for.
    """
    deadline = time.monotonic() + UP_WITHIN
    while True:
        found = [c for c in edge_containers(attempt) if c.is_up]
        if not found:
            return None
        code, output = engine.execute(found[0].id, ["haproxy", "-c", "-f", f"{edge.HOME}/cfg/next.cfg"])
        if code == 0:
            return found[0]
        if code < engine.NOT_EXECUTED:
            raise SwitchyardError(f"HAProxy refuses the edge's new configuration:\n{output}")
        if time.monotonic() > deadline:
            raise SwitchyardError(f"the edge's container does not come back within {UP_WITHIN:.0f} s: {output}")
        attempt.tick()
        time.sleep(0.1)


def edge_containers(attempt: Attempt) -> list[Container]:
    """The edge as the engine lists it, running or not."""
    return engine.containers(f"{names.APP}={attempt.request['app']}", f"{names.KIND}=edge")


def publish(attempt: Attempt, routes: list[Route]) -> None:
    """Chooses the previews' ports and writes the edge's document, once."""
    taken = {int(port) for port in listening()}
    previews = {}
    for name in edge.preview_names(routes):
        previews[name] = _free_port(taken)
        taken.add(previews[name])
    if engine.image_id(edge.IMAGE) is None:
        attempt.run(commands.pull(edge.IMAGE))
    image = images.require_image(edge.IMAGE)
    attempt.run(commands.tag(image, names.tag(attempt.app.name, "edge", "edge")))
    user = f"{os.getuid()}:{os.getgid()}"
    document = edge.document(attempt.app.name, routes, previews, home=str(attempt.store.edge), user=user, image=image)
    write_json(attempt.store.edge / "compose.json", document)
    write_json(attempt.store.edge / "previews.json", previews)
    write_json(attempt.store.edge / "routes.json", [route.encode() for route in routes])


def _free_port(taken: set[int]) -> int:
    """A loopback port below those that the kernel gives to outgoing connections."""
    left = [port for port in range(20000, 32700) if port not in taken]
    for port in random.sample(left, min(200, len(left))):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port
    raise SwitchyardError(
        "no free loopback port between 20000 and 32700 for a preview: end what holds them (ss -ltnp tells it), and "
        "type it again"
    )


def apply_edge(attempt: Attempt, colour: str | None) -> None:
    """The edge made again on the addresses of this commit; where that fails, on those that it had."""
    home = attempt.store.edge
    aside.keep(home, ())
    try:
        publish(attempt, list(attempt.routes))
        write(
            home / "cfg" / "haproxy.cfg",
            _wanted_configuration(attempt),
            0o644,
        )
        _recreate(attempt)
    except SwitchyardError as error:
        go_back(attempt, home, error, partial(_recreate, attempt))
    aside.forget(home)


def _recreate(attempt: Attempt) -> None:
    project = names.project(attempt.request["app"], "edge")
    began = time.monotonic()
    document = str(attempt.store.edge / "compose.json")
    attempt.run(commands.compose(project, document, "up", "-d", "--force-recreate"))
    for container in edge_containers(attempt):
        slots.keep_up(container.id, "unless-stopped")
    while attempt.proxy.live() == "down":
        if time.monotonic() - began > look.LOOK_WITHIN:
            raise SwitchyardError("the edge does not answer within 10 s after it was made again")
        time.sleep(0.05)
    attempt.emit("progress", text=f"the edge was away for at most {time.monotonic() - began:.1f} s")
