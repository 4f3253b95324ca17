"""What both colours stand on: networks, volumes, the shared project, and the edge."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from typing import Any

from switchyard.core import commands, edge, names
from switchyard.core.compose_document import pin, services_of, with_services
from switchyard.core.errors import SwitchyardError
from switchyard.host import backup as aside
from switchyard.host import observe
from switchyard.host.adapters import engine
from switchyard.host.adapters.engine import Container
from switchyard.host.adapters.proxy import UP_WITHIN
from switchyard.host.adapters.store import read_json, write, write_json
from switchyard.host.attempt import Attempt
from switchyard.host.steps import build as images
from switchyard.host.steps import colours


def shared(attempt: Attempt, colour: str | None) -> None:
    """Networks, volumes and the shared project, up and healthy; what runs already is left alone."""
    store, app = attempt.store, attempt.app
    folder = store.release(attempt.release)
    make_ground(attempt)
    wanted = read_json(folder / "shared.json")
    services = sorted(wanted.get("services", {}))
    if services:
        write_json(store.shared / "files.json", lay_files(attempt))
        observe.refuse_strangers(app.name, wanted)
        applied = read_json(store.shared / "compose.json")
        ids = {name: attempt.record["images"][name] for name in services}
        running = services_of(applied or {})
        write_json(store.shared / "compose.json", with_services(pin(wanted, ids), running))
        for name in services:
            if name not in running:
                attempt.run(commands.tag(ids[name], names.tag(app.name, name, "shared")))
        attempt.run(commands.up_shared(attempt.target()))
        prove_shared(attempt)
    if not (store.shared / "wanted.json").exists() or not attempt.record.get("shared_unchanged"):
        write_json(store.shared / "wanted.json", wanted)
    write(store.shared / "ready", "")


def make_ground(attempt: Attempt) -> None:
    """Networks, volumes and folders that are not here yet."""
    app = attempt.app.name
    for one in names.COLOURS:
        name = names.network(app, one)
        if not engine.has_network(name) and not engine.create_network(name, app):
            raise SwitchyardError(
                f"the engine could not make network {name}: it has most likely no free range of addresses left. "
                "Remove networks that nothing uses (docker network ls), or give it more in "
                "/etc/docker/daemon.json (default-address-pools)"
            )
    for volume in attempt.record["volumes"]:
        if not engine.has_volume(volume):
            engine.create_volume(volume, app)
    for name in attempt.record["data"]:
        (attempt.store.root / "data" / name).mkdir(parents=True, exist_ok=True, mode=0o755)


def prove_shared(attempt: Attempt) -> None:
    """Every container of the shared project healthy; raises ``Unhealthy`` with the reason."""
    project = names.project(attempt.app.name, "shared")
    documents = (read_json(attempt.store.shared / "compose.json") or {}).get("services") or {}
    for container in engine.containers(f"com.docker.compose.project={project}"):
        service = container.service
        colours.keep_up(container.id, str(documents.get(service, {}).get("restart", "no")))
        colours.prove_again(attempt, container)


def lay_files(attempt: Attempt, *, again: frozenset[str] = frozenset()) -> dict[str, str]:
    """Files that shared services mount, out of the release; one that is there stays, unless named ``again``.

    Returns which objects of git they are, for files.json.
    """
    files = attempt.store.release(attempt.release) / "files"
    known = dict(read_json(attempt.store.shared / "files.json") or {})
    for name in attempt.record["shared_files"]:
        target = attempt.store.shared / "files" / name
        if name in known and target.exists() and name not in again:
            continue
        known[name] = attempt.record["shared_objects"][name]
        aside.lay(files / name, target)
    return known


def edge_up(attempt: Attempt, colour: str | None) -> None:
    """The edge running with the configuration that this release needs; reloaded, never recreated."""
    store = attempt.store
    home = store.edge
    for name in ("cfg", "maps", "run"):
        (home / name).mkdir(exist_ok=True, mode=0o755 if name != "run" else 0o700)
    maps = {
        "live": edge.live_map(attempt.proxy.file_live()),
        "releases": edge.releases_map(colours.releases(attempt)),
        "drain": "",
    }
    for name, text in maps.items():
        if not (home / "maps" / f"{name}.map").exists():
            write(home / "maps" / f"{name}.map", text, 0o644)
    routes = observe.edge_routes(attempt)
    if not (home / "routes.json").exists():
        publish(attempt, routes)
    write(home / "cfg" / "next.cfg", observe.wanted_configuration(attempt, observe.site(attempt)), 0o644)
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
            colours.keep_up(container.id, "unless-stopped")
    attempt.proxy.wait(set(edge.preview_names(routes)), after=before)


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


def publish(attempt: Attempt, routes: list[Any]) -> None:
    """Chooses the previews' ports and writes the edge's document, once."""
    taken = {int(port) for port in observe.listening()}
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
    write_json(attempt.store.edge / "routes.json", [route.__dict__ for route in routes])


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
