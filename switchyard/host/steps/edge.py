"""The edge: a deploy brings it up or reloads it, ``edge.apply`` recreates it."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from switchyard.core import commands, edge, edge_counts, edge_hold, edge_script, names
from switchyard.core.edge import ColourRoutes
from switchyard.core.errors import NotChecked, SwitchyardError, refuse
from switchyard.core.held_routes import HeldRoute
from switchyard.core.site import Site, Slot
from switchyard.host import backup, edge_container, edge_documents, previews
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import renew, write
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.proxy import UP_WITHIN, Proxy
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import (
    applied_addresses,
    held_addresses,
    place,
    published_document,
    settled_routes,
    wanted,
)
from switchyard.host.neighbours import listening
from switchyard.host.outage import Outage
from switchyard.host.steps.containers import keep_running, releases_in_colours, restoring, resume
from switchyard.host.steps.restore import restore

RECREATED_WITHIN = 10.0
"""Seconds in which a recreated edge must answer."""
PREVIEW_PORTS = range(20000, 32700)
"""Below the ports that the kernel gives to outgoing connections."""
PORTS_TRIED = 200


def bring_up(attempt: Attempt, colour: str) -> None:
    """Run the edge with the configuration that the release needs: reload it, or start it, but never recreate it."""
    home = attempt.store.edge
    _lay_folders(home, attempt.proxy, attempt.request.app)
    know_probes(attempt)
    previews.settle(attempt.store, attempt.proxy)
    if not (home / "routes.json").exists():
        _draft(attempt, held_addresses(attempt.store, attempt.wanted.id))
        edge_documents.publish(home)
    needed = wanted(attempt.store, attempt.request.app, attempt.wanted.id, attempt.site())
    write(home / "cfg" / "next.cfg", needed.configuration, 0o644)
    listed = partial(edge_containers, attempt.request.app)
    with restoring(attempt, listed):
        resume(attempt, "edge", listed())
        process = _run_next_configuration(attempt, home)
    attempt.proxy.wait(needed.backends, after=process)


def _run_next_configuration(attempt: Attempt, home: Path) -> str:
    """Reload or start HAProxy with the next configuration. Return the process that a reload replaces, if any."""
    running = _container_that_accepts(attempt.request.app, attempt.tick)
    os.replace(home / "cfg" / "next.cfg", home / "cfg" / "haproxy.cfg")
    process = attempt.proxy.process() if running else ""
    if running:
        _reload(attempt.proxy, running)
    else:
        attempt.commands.run(commands.up_edge(attempt.wanted.target()))
        _keep_edge_running(attempt.request.app)
    return process


def _lay_folders(home: Path, proxy: Proxy, app: str) -> None:
    """Create the folders and maps that the edge's container mounts, and write what its configuration reads."""
    for name, mode in (("cfg", 0o755), ("maps", 0o755), ("run", 0o700)):
        (home / name).mkdir(exist_ok=True, mode=mode)
    maps = {
        "live": edge.live_map(proxy.file_live()),
        "releases": edge.releases_map(releases_in_colours(app)),
        "drain": "",
        edge_hold.MAP: "",
    }
    for name, text in maps.items():
        if not (home / "maps" / f"{name}.map").exists():
            write(home / "maps" / f"{name}.map", text, 0o644)
    files = {
        "counts.lua": edge_script.script(edge.HOME),
        "buckets.map": edge_counts.buckets_map(),
        edge_hold.FILE: edge_hold.script(edge.HOME),
    }
    for name, text in files.items():
        renew(home / "cfg" / name, text, 0o644)
    if not (home / "maps" / f"{edge_counts.PROBES}.map").exists():
        write(home / "maps" / f"{edge_counts.PROBES}.map", "")


def know_probes(attempt: Attempt) -> None:
    """Tell the edge what the probes of this attempt carry, if there is an edge."""
    if attempt.proxy.maps.exists():
        attempt.proxy.fill(edge_counts.PROBES, edge_counts.probes_map(attempt.request.probe), 0o600)


def settle(attempt: Attempt) -> None:
    """Let the edge lead to what is live and to what was before: nothing that a failed or dead attempt wrote stays.

    The configuration is computed from the published routes. An edge that a dead apply recreated goes back to them.
    """
    home, addresses = attempt.store.edge, attempt.store.held_addresses()
    if addresses is None or not (home / "cfg" / "haproxy.cfg").exists():
        return
    attempt.lease.guard()
    previews.settle(attempt.store, attempt.proxy)
    colours, where = _settled(attempt, addresses), place(attempt.request.app, published_document(attempt.store))
    configuration = edge.configuration(addresses, colours, where)
    was_drafted = edge_documents.is_drafted(home)
    is_settled = (home / "cfg" / "haproxy.cfg").read_text() == configuration
    if is_settled and not was_drafted:
        return
    _lay_folders(home, attempt.proxy, attempt.request.app)
    write(home / "cfg" / "haproxy.cfg", configuration, 0o644)
    if was_drafted:
        attempt.commands.run(_up(attempt, home / "compose.json", "--timeout", "0"))
    container = next((each for each in edge_containers(attempt.request.app) if each.is_up), None)
    if container is not None:
        process = attempt.proxy.process()
        _reload(attempt.proxy, container)
        attempt.proxy.wait(edge.backends(colours), after=process)
    edge_documents.discard(home)


def settle_if_possible(attempt: Attempt) -> None:
    """Settle the edge, and tell where that fails: the next verb settles it then."""
    try:
        settle(attempt)
    except Superseded:
        raise
    except (SwitchyardError, OSError) as error:
        attempt.events.progress(f"the edge still has the configuration of an attempt that ended: {error}")


def _settled(attempt: Attempt, addresses: Sequence[HeldRoute]) -> dict[str, ColourRoutes]:
    """Return what each colour has behind the edge at these addresses while no attempt runs."""
    app, proxy = attempt.request.app, attempt.proxy
    site = Site(proxy=proxy.live(), map_file=proxy.file_live())
    for colour, release in releases_in_colours(app).items():
        site = site.with_slot(colour, Slot(release))
    return settled_routes(attempt.store, app, addresses, site)


def _up(attempt: Attempt, document: Path, *words: str) -> list[str]:
    return commands.compose(names.project(attempt.request.app, "edge"), str(document), "up", "-d", *words)


def _reload(proxy: Proxy, container: Container) -> None:
    """Reload HAProxy. The new process reads the state of the servers that the old one saved."""
    try:
        state = proxy.say("show servers state")
    except NotChecked as error:
        engine.ping()
        raise SwitchyardError(
            f"{error}. Its container {container.name} runs, and no deploy restarts what runs. Restart it on the host "
            f"with docker restart {container.name}, then run the command again"
        ) from None
    engine.execute(container.id, ["sh", "-c", f'printf "%s\n" "$1" > {edge.STATE}', "sh", state])
    engine.signal(container.id, "SIGUSR2")


def _container_that_accepts(app: str, tick: Callable[[], None]) -> Container | None:
    """Return the edge's container once HAProxy in it accepts the new configuration; None where none runs.

    Wait for a container that the engine is bringing back.
    """
    deadline = time.monotonic() + UP_WITHIN
    while True:
        container = next((each for each in edge_containers(app) if each.is_up), None)
        if container is None:
            return None
        code, output = engine.execute(container.id, ["haproxy", "-c", "-f", f"{edge.HOME}/cfg/next.cfg"])
        if code == 0:
            return container
        if code < engine.NOT_EXECUTED:
            raise SwitchyardError(f"HAProxy refuses the edge's new configuration:\n{output}")
        if time.monotonic() > deadline:
            raise SwitchyardError(f"the edge's container does not come back within {UP_WITHIN:.0f} s: {output}")
        tick()
        time.sleep(0.1)


def edge_containers(app: str) -> list[Container]:
    """Return the edge's containers, running or not."""
    return engine.containers(f"{names.APP}={app}", f"{names.KIND}=edge")


def _keep_edge_running(app: str) -> None:
    for container in edge_containers(app):
        keep_running(container.id, "unless-stopped")


def _draft(attempt: Attempt, addresses: Sequence[HeldRoute]) -> Path:
    """Choose the ports of the previews, and draft the documents of an edge that holds these addresses."""
    home, app = attempt.store.edge, attempt.request.app
    occupied = {int(port) for port in listening()}
    ports = {}
    for name in edge.preview_names(addresses):
        ports[name] = _free_port(occupied)
        occupied.add(ports[name])
    image = _image(attempt)
    attempt.commands.run(commands.tag(image, names.tag(app, "edge", "edge")))
    edge_container.give_folders(home)
    document = edge_container.document(home, app, addresses, ports, image)
    return edge_documents.draft(home, addresses, ports, document)


def _image(attempt: Attempt) -> str:
    """Return the edge's image. Only an apply asks the registry for a newer one: a deploy takes the one that is here."""
    ledger, request = attempt.store.ledger, attempt.request
    strange = ledger.image_reason(request, edge.IMAGE)
    image = engine.image_id(edge.IMAGE)
    if request.verb != "deploy" or image is None or strange:
        image = _chosen_image(attempt)
    ledger.take_image(request, edge.IMAGE, image)
    return image


def _chosen_image(attempt: Attempt) -> str:
    from switchyard.host.release_images import choose_edge, fetch  # a rollback never needs it

    chosen = choose_edge(partial(attempt.store.ledger.image_reason, attempt.request), tick=attempt.tick)
    refuse(chosen.problems)
    for note in chosen.notes:
        attempt.events.progress(note)
    (pin,) = chosen.pins.values()
    return fetch(attempt.commands, edge.IMAGE, pin.image)


def _free_port(occupied: set[int]) -> int:
    """Return a loopback port that nothing holds."""
    candidates = [port for port in PREVIEW_PORTS if port not in occupied]
    for port in random.sample(candidates, min(PORTS_TRIED, len(candidates))):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port
    raise SwitchyardError(
        f"no loopback port between {PREVIEW_PORTS.start} and {PREVIEW_PORTS.stop} is free for a preview. End what "
        "holds them (ss -ltnp shows it), then run the command again"
    )


def apply(attempt: Attempt, colour: str) -> None:
    """Recreate the edge on other addresses; where that fails, on those that it had.

    They are those of the wanted release, and those where the live one answers.
    """
    home = attempt.store.edge
    if backup.is_unfinished(home):  # an apply of an older Switchyard was killed
        backup.put_back(home)
        backup.forget(home)
    answering = _answering(attempt, attempt.store.held_addresses() or ())
    try:
        addresses = applied_addresses(attempt.store, attempt.wanted.id, attempt.site())
        _recreate(attempt, _draft(attempt, addresses), addresses, answering)
    except SwitchyardError as error:
        restore(attempt, error, partial(_go_back, attempt, answering))
    edge_documents.publish(home)


def _go_back(attempt: Attempt, answering: set[str]) -> None:
    """Recreate the edge on the published addresses."""
    home = attempt.store.edge
    _recreate(attempt, home / "compose.json", attempt.store.held_addresses() or (), answering)
    edge_documents.discard(home)


def _answering(attempt: Attempt, addresses: Sequence[HeldRoute]) -> set[str]:
    """Return the backends of the live colour that the edge sees up."""
    backends, live = edge.backends(_settled(attempt, addresses)), attempt.proxy.target()
    return {name for name in backends if name.endswith(f"_{live}") and attempt.proxy.servers_up(name)}


def _recreate(attempt: Attempt, document: Path, addresses: Sequence[HeldRoute], answering: set[str]) -> None:
    """Recreate the edge's container, and wait until it reaches again what answered before. Tell how long that took."""
    previews.settle(attempt.store, attempt.proxy)
    where = place(attempt.request.app, document)
    configuration = edge.configuration(addresses, _settled(attempt, addresses), where)
    _lay_folders(attempt.store.edge, attempt.proxy, attempt.request.app)
    write(attempt.store.edge / "cfg" / "haproxy.cfg", configuration, 0o644)
    outage = Outage(lambda: _reaches(attempt.proxy, answering))
    with outage:
        attempt.commands.run(_up(attempt, document, "--force-recreate", "--timeout", "0"))
        _keep_edge_running(attempt.request.app)
        outage.await_end(RECREATED_WITHIN)
    attempt.events.progress(f"every route was interrupted for {outage.seconds:.1f} s")


def _reaches(proxy: Proxy, answering: set[str]) -> bool:
    return proxy.live() != "down" and all(proxy.servers_up(name) for name in answering)
