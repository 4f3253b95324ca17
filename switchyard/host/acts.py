"""What each step does on this machine. Every act may be repeated, and may be killed in its middle."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from switchyard.core import commands, edge, names
from switchyard.core.errors import Refused, SwitchyardError
from switchyard.core.machine import Step
from switchyard.core.split import pin
from switchyard.host import engine, observe, probe
from switchyard.host.attempt import Attempt
from switchyard.host.store import now, read_json, write, write_json

SEEN_WITHIN = 20.0
"""Seconds in which the operator's side hands in what it saw."""
ONESHOT_WITHIN = 900.0
SINGLETONS_WITHIN = 60.0
LOOK_WITHIN = 10.0
LISTED_WITHIN = 5.0
"""Seconds for which the engine's list may lag behind a stop that it has answered."""
RUNNING = ("running", "restarting", "paused")


def _held(attempt: Attempt, colour: str) -> list[dict[str, Any]]:
    app = attempt.request["app"]
    return observe.of_colour(engine.containers(f"{names.APP}={app}", f"{names.COLOUR}={colour}"), colour)


def build(attempt: Attempt, colour: str | None) -> None:
    """Builds or pulls every image, checks Python ones, tags them, and pins the documents to their ids."""
    store, release, app = attempt.store, attempt.release, attempt.app
    folder = store.release(release)
    document = read_json(folder / "build.json")
    if document.get("services"):
        attempt.run(commands.build(attempt.target()))
    images: dict[str, str] = {}
    for service in document.get("services", {}):
        images[service] = _require_image(names.tag(app.name, service, release))
        _pip_check(attempt, service, images[service])
    for service, image in attempt.record["pulls"].items():
        if engine.image_id(image) is None:
            attempt.run(commands.pull(image))
        images[service] = _require_image(image)
        attempt.run(commands.tag(images[service], names.tag(app.name, service, release)))
    for one in names.COLOURS:
        unpinned = read_json(folder / f"{one}.json")
        write_json(folder / f"{one}.json", pin(unpinned, images))
        engine.run(commands.compose(names.project(app.name, one), str(folder / f"{one}.json"), "config", "--quiet"))
    standins = sorted({image for image in attempt.record["pulls"].values() if _is_standin(image)})
    store.update(release, images=images, standins=standins)


def _require_image(name: str) -> str:
    found = engine.image_id(name)
    if found is None:
        raise SwitchyardError(f"image {name} is not here after its build or pull")
    return found


def _is_standin(image: str) -> bool:
    found = engine.ask("GET", f"/images/{image}/json") or {}
    return names.STANDIN in ((found.get("Config") or {}).get("Labels") or {})


_PIP_CHECK = (
    "import importlib.util as u, subprocess, sys\n"
    "sys.exit(subprocess.call([sys.executable, '-m', 'pip', 'check']) and 3 if u.find_spec('pip') else 0)"
)


def _pip_check(attempt: Attempt, service: str, image: str) -> None:
    """Broken dependencies in a built Python image; an image without Python has none."""
    mark = attempt.store.root / "checked" / image.removeprefix("sha256:")
    if mark.exists():
        return
    argv = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", image, "-c", _PIP_CHECK]
    code, output = engine.run(argv, within=120, check=False, log=attempt.log, tick=attempt.tick)
    if code == 3:
        raise SwitchyardError(f"{service}: pip check found broken dependencies in its image:\n{output.strip()[-1500:]}")
    write(mark, f"{code}\n")


def shared(attempt: Attempt, colour: str | None) -> None:
    """Networks, volumes and the shared project, up and healthy; what runs already is left alone."""
    store, app = attempt.store, attempt.app
    folder = store.release(attempt.release)
    make_ground(attempt)
    wanted = read_json(folder / "shared.json")
    services = sorted(wanted.get("services", {}))
    if services:
        copy_shared_files(attempt)
        never_two_servers(attempt, wanted)
        applied = read_json(store.shared / "compose.json")
        images = {name: attempt.record["images"][name] for name in services}
        merged = pin(wanted, images)
        for name, document in ((applied or {}).get("services") or {}).items():
            merged["services"][name] = document
        write_json(store.shared / "compose.json", merged)
        for name in services:
            if name not in ((applied or {}).get("services") or {}):
                attempt.run(commands.tag(images[name], names.tag(app.name, name, "shared")))
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
        if engine.ask("GET", f"/networks/{name}") is None:
            wanted = {"Name": name, "Driver": "bridge", "Labels": {names.APP: app}}
            if engine.ask("POST", "/networks/create", wanted) is None:
                raise SwitchyardError(
                    f"the engine could not make network {name}: it has most likely no free range of addresses left. "
                    "Remove networks that nothing uses (docker network ls), or give it more in "
                    "/etc/docker/daemon.json (default-address-pools)"
                )
    for volume in attempt.record["volumes"]:
        if engine.ask("GET", f"/volumes/{volume}") is None:
            engine.ask("POST", "/volumes/create", {"Name": volume, "Labels": {names.APP: app}})
    for name in attempt.record["data"]:
        (attempt.store.root / "data" / name).mkdir(parents=True, exist_ok=True, mode=0o755)


def prove_shared(attempt: Attempt) -> None:
    """Every container of the shared project healthy; raises ``Unhealthy`` with the reason."""
    project = names.project(attempt.app.name, "shared")
    documents = (read_json(attempt.store.shared / "compose.json") or {}).get("services") or {}
    for container in engine.containers(f"com.docker.compose.project={project}"):
        service = container["Labels"]["com.docker.compose.service"]
        keep_up(container["Id"], str(documents.get(service, {}).get("restart", "no")))
        probe.prove(
            service,
            container["Id"],
            attempt.app.checks.get(service),
            None,
            within=attempt.app.healthy_within,
            tick=attempt.tick,
            base_restarts=(engine.inspect(container["Id"]) or {}).get("RestartCount", 0),
        )


def copy_shared_files(attempt: Attempt, *, again: frozenset[str] = frozenset()) -> None:
    """Files that shared services mount, out of the release; one that is there stays, unless named ``again``."""
    files = attempt.store.release(attempt.release) / "files"
    marks = attempt.store.shared / "files.json"
    known = dict(read_json(marks) or {})
    for name in attempt.record["shared_files"]:
        target = attempt.store.shared / "files" / name
        if target.exists() and name not in again:
            continue
        known[name] = attempt.record["shared_objects"][name]
        if target.is_file() and not (files / name).is_dir():
            # Written in place: a running container has this very file mounted, not its name.
            target.write_bytes((files / name).read_bytes())
            continue
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        if (files / name).is_dir():
            shutil.copytree(files / name, target)
        else:
            shutil.copy2(files / name, target)
    write_json(marks, known)


def never_two_servers(attempt: Attempt, wanted: dict[str, Any]) -> None:
    """Two servers on one directory do not notice each other: nobody else may mount a shared service's volume."""
    mine = {value.get("name", key) for key, value in (wanted.get("volumes") or {}).items()}
    for container in engine.containers():
        if container["State"] != "running" or container["Labels"].get(names.APP) == attempt.request["app"]:
            continue
        for mount in container.get("Mounts") or ():
            if mount.get("Name") in mine:
                raise Refused(
                    f"volume {mount['Name']} is mounted by running container "
                    f"{container['Names'][0].lstrip('/')}: stop it first, or two servers share one volume"
                )


def edge_up(attempt: Attempt, colour: str | None) -> None:
    """The edge running with the configuration that this release needs; reloaded, never recreated."""
    store = attempt.store
    home = store.edge
    for name in ("cfg", "maps", "run"):
        (home / name).mkdir(exist_ok=True, mode=0o755 if name != "run" else 0o700)
    maps = {
        "live": edge.live_map(attempt.proxy.file_live()),
        "releases": edge.releases_map(_releases(attempt)),
        "drain": "",
    }
    for name, text in maps.items():
        if not (home / "maps" / f"{name}.map").exists():
            write(home / "maps" / f"{name}.map", text, 0o644)
    routes = observe.edge_routes(attempt)
    if not (home / "routes.json").exists():
        publish(attempt, routes)
    write(home / "cfg" / "next.cfg", observe.wanted_configuration(attempt), 0o644)
    running = [c for c in edge_containers(attempt) if c["State"] == "running"]
    if running:
        code, output = engine.execute(running[0]["Id"], ["haproxy", "-c", "-f", f"{edge.HOME}/cfg/next.cfg"])
        if code != 0:
            raise SwitchyardError(f"HAProxy refuses the edge's new configuration:\n{output}")
    os.replace(home / "cfg" / "next.cfg", home / "cfg" / "haproxy.cfg")
    if running:
        engine.ask("POST", f"/containers/{running[0]['Id']}/kill", signal="SIGUSR2")
    else:
        attempt.run(commands.up_edge(attempt.target()))
        for container in edge_containers(attempt):
            keep_up(container["Id"], "unless-stopped")
    attempt.proxy.wait(set(edge.preview_names(routes)))


def edge_containers(attempt: Attempt) -> list[dict[str, Any]]:
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
    image = _require_image(edge.IMAGE)
    attempt.run(commands.tag(image, names.tag(attempt.app.name, "edge", "edge")))
    user = f"{os.getuid()}:{os.getgid()}"
    document = edge.document(attempt.app.name, routes, previews, home=str(attempt.store.edge), user=user, image=image)
    write_json(attempt.store.edge / "compose.json", document)
    write_json(attempt.store.edge / "previews.json", previews)
    write_json(attempt.store.edge / "routes.json", [route.__dict__ for route in routes])


def _free_port(taken: set[int]) -> int:
    """A loopback port below those that the kernel gives to outgoing connections."""
    for port in random.sample(range(20000, 32700), 200):
        if port in taken:
            continue
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port
    raise SwitchyardError("no free loopback port between 20000 and 32700")


def _releases(attempt: Attempt) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for colour in names.COLOURS:
        held = _held(attempt, colour)
        found[colour] = held[0]["Labels"].get(names.RELEASE) if held else None
    return found


def oneshots(attempt: Attempt, colour: str | None) -> None:
    """Each oneshot once, in order; what it did is recorded, never guessed."""
    idle = observe.site(attempt).idle
    app, record = attempt.app, attempt.record
    outcomes = dict(record.get("outcomes", {}))
    for service in record["oneshots"]:
        if outcomes.get(service, {}).get("exit") == 0:
            continue
        if attempt.request.get("back"):
            outcomes[service] = {"exit": 0, "seconds": 0, "skipped": "a rollback runs no oneshot"}
            attempt.store.update(attempt.release, outcomes=outcomes)
            continue
        migrates = app.migrations is not None and app.migrations.service == service
        once = migrates and app.migrations is not None and app.migrations.repeat == "never"
        torn = _begun_and_not_ended(attempt, service) if once and not attempt.request.get("force") else None
        if torn:
            raise Refused(
                f"{service} was begun for {torn} and how it ended is not known; it must not be repeated "
                "(migrations.repeat: never). Look at the database, then deploy with --force"
            )
        head: dict[str, Any] = {"before": _head(attempt, idle)} if migrates else {}
        outcomes[service] = {"begun": round(time.time(), 3)}
        attempt.store.update(attempt.release, outcomes=outcomes)
        attempt.emit("progress", text=f"running {service}")
        argv = commands.oneshot(attempt.target(), idle, service)
        name = argv[argv.index("--name") + 1]
        started = now()
        engine.run(["docker", "rm", "-f", name], check=False)
        try:
            code, output = attempt.run(argv, within=ONESHOT_WITHIN, check=False)
        finally:
            engine.run(["docker", "rm", "-f", name], check=False)
        outcomes[service] = {"exit": code, "seconds": round(now() - started, 2)}
        attempt.store.update(attempt.release, outcomes=outcomes)
        if migrates:
            head.update(after=_head(attempt, idle), files=_migration_files(attempt))
            attempt.store.update(attempt.release, head=head)
        if code != 0:
            attempt.reason = f"{service} ended with {code}:\n{output.strip()[-2000:]}"
            return


def _begun_and_not_ended(attempt: Attempt, service: str) -> str | None:
    """The release for which a oneshot was begun last, where nobody knows how it ended and none has succeeded since."""
    for record in attempt.store.records():
        outcome = (record.get("outcomes") or {}).get(service)
        if outcome is not None:
            return None if "exit" in outcome else str(record["id"])
    return None


def _migration_files(attempt: Attempt) -> list[str]:
    migrations = attempt.app.migrations
    if migrations is None or migrations.files is None:
        return []
    folder = attempt.store.release(attempt.release) / "files" / attempt.app.path
    return sorted(path.name for path in folder.glob(migrations.files))


def _head(attempt: Attempt, colour: str) -> str | None:
    """The schema's head as the adapter's command tells it, else the last file; None where neither does."""
    migrations = attempt.app.migrations
    if migrations is None or not migrations.current:
        ran = attempt.record.get("outcomes", {}).get(migrations.service if migrations else "", {}).get("exit") == 0
        files = _migration_files(attempt)
        return (files[-1] if files else None) if ran else _head_of_live(attempt)
    project, document = names.project(attempt.app.name, colour), attempt.target().document(colour)
    argv = commands.compose(project, document, "run", "-T", "--no-deps", "--rm", migrations.service)
    code, output = engine.run([*argv, *migrations.current], within=120, check=False, log=attempt.log, tick=attempt.tick)
    lines = output.strip().splitlines()
    return lines[-1].strip()[:200] if code == 0 and lines else None


def _head_of_live(attempt: Attempt) -> str | None:
    record = attempt.store.record(attempt.before or "") if attempt.before else None
    head: dict[str, str | None] = (record or {}).get("head") or {}
    return head.get("after")


def standby(attempt: Attempt, colour: str | None) -> None:
    """The end of standby: the old colour's routed and plain services stop; they come back from what is kept."""
    assert colour is not None
    _stop(attempt, colour, _held(attempt, colour))


def retire(attempt: Attempt, colour: str | None) -> None:
    """Makes room in the idle slot: what it holds is stopped and removed; volumes are never touched."""
    assert colour is not None
    held = _held(attempt, colour)
    cut = attempt.proxy.connections(colour)
    attempt.started -= {f"front {colour}", f"single {colour}"}
    attempt.proxy.fill("drain", "")
    _stop(attempt, colour, held)
    for container in held:
        engine.ask("DELETE", f"/containers/{container['Id']}", force="true")
    attempt.emit(
        "progress",
        text=f"retired {held[0]['Labels'].get(names.RELEASE)} from {colour}"
        + (f"; {cut} open connections were cut" if cut else ""),
        cut=cut,
    )


def _stop(attempt: Attempt, colour: str, containers: Iterable[dict[str, Any]]) -> None:
    """Stops containers of a colour together, each with its own grace period, until the engine's list shows it."""
    running = [c["Id"] for c in containers if c["State"] in RUNNING]
    if not running:
        return
    for container in running:  # nothing that was stopped on purpose comes back with the engine
        engine.ask("POST", f"/containers/{container}/update", {"RestartPolicy": {"Name": "no"}})
    attempt.run(commands.stop(running), shown=commands.stop([commands.containers_of(colour)]))
    deadline = time.monotonic() + LISTED_WITHIN
    while any(c["Id"] in running and c["State"] in RUNNING for c in _held(attempt, colour)):
        if time.monotonic() > deadline:
            raise SwitchyardError(f"a container of {colour} runs on after docker stop; see docker ps on the host")
        time.sleep(0.02)


def up(attempt: Attempt, colour: str | None) -> None:
    """The idle colour's routed and plain services, without their dependencies."""
    assert colour is not None
    record = attempt.record
    attempt.failed.pop(f"front {colour}", None)
    held = _held(attempt, colour)
    release = held[0]["Labels"].get(names.RELEASE) if held else attempt.release
    if release != attempt.release:
        record = attempt.store.record(release) or {}
    attempt.proxy.fill("releases", edge.releases_map({**_releases(attempt), colour: release}))
    attempt.run(commands.up(attempt.target(release), colour, record["front"]))
    attempt.started.add(f"front {colour}")
    _link(attempt.store.root, colour, f"releases/{release}")


def _link(root: Path, name: str, target: str) -> None:
    aside = root / f".{name}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        aside.unlink()
    aside.symlink_to(target)
    os.replace(aside, root / name)


def prove(attempt: Attempt, colour: str | None) -> None:
    """Every routed and plain service of a colour healthy, and the proxy sees it up."""
    assert colour is not None
    containers = [c for c in _held(attempt, colour) if not observe.is_single(c)]
    _keep(attempt, colour, containers)
    _prove(attempt, f"front {colour}", containers, attempt.app.healthy_within)
    if f"front {colour}" in attempt.failed:
        return
    deadline = time.monotonic() + attempt.app.healthy_within
    for route in attempt.routes:
        while attempt.proxy.servers_up(f"{route.name}_{colour}") < 1:
            attempt.tick()
            if time.monotonic() > deadline:
                attempt.reason = f"{route.service}: healthy by our own probe, but the edge does not see it up"
                attempt.failed[f"front {colour}"] = attempt.reason
                return
            time.sleep(0.05)


def _keep(attempt: Attempt, colour: str, containers: list[dict[str, Any]]) -> None:
    """Gives containers the restart policy of their document again, which a stop took from them."""
    for container in containers:
        labels = container["Labels"]
        document = attempt.json(labels[names.RELEASE], f"{colour}.json") or {}
        service = (document.get("services") or {}).get(labels["com.docker.compose.service"]) or {}
        keep_up(container["Id"], str(service.get("restart", "no")))


def keep_up(container: str, restart: str) -> None:
    """Has the engine bring a running container back whatever happens to the engine itself.

    One that was killed stops what still ran when it comes back, takes that for somebody's wish, and so does not start
    again what has ``unless-stopped``. The container gets ``always`` for as long as it is meant to run.
    """
    name, _, most = restart.partition(":")
    wanted = {"Name": "always" if name == "unless-stopped" else name, "MaximumRetryCount": int(most or 0)}
    details = engine.inspect(container)
    if details is not None and details["HostConfig"]["RestartPolicy"] != wanted:
        engine.ask("POST", f"/containers/{container}/update", {"RestartPolicy": wanted})


def _prove(attempt: Attempt, key: str, containers: list[dict[str, Any]], within: float) -> None:
    app = attempt.app
    ports = {route.service: route.port for route in attempt.routes}
    live = observe.site(attempt).live
    try:
        for container in containers:
            service = container["Labels"]["com.docker.compose.service"]
            attempt.emit("progress", text=f"waiting for {service} to be healthy")
            base = 0
            if key.endswith(live) or container["Labels"].get(names.RELEASE) != attempt.release:
                base = (engine.inspect(container["Id"]) or {}).get("RestartCount", 0)
            if probe.prove(
                service,
                container["Id"],
                app.checks.get(service),
                ports.get(service),
                within=within,
                tick=attempt.tick,
                base_restarts=base,
            ):
                attempt.weak.add(service)
    except probe.Unhealthy as error:
        attempt.failed[key] = attempt.reason = str(error)
        return
    attempt.proven[key] = observe.identity(containers)


def prove_one(attempt: Attempt, container: dict[str, Any]) -> None:
    """One new container healthy by the rule of its service; raises ``Unhealthy``."""
    service = container["Labels"]["com.docker.compose.service"]
    port = next((route.port for route in attempt.routes if route.service == service), None)
    check, within = attempt.app.checks.get(service), attempt.app.healthy_within
    probe.prove(service, container["Id"], check, port, within=within, tick=attempt.tick)


def smoke(attempt: Attempt, colour: str | None) -> None:
    """Every route through its preview port answers below 400, and the application's own smoke command passes."""
    assert colour is not None
    previews = read_json(attempt.store.edge / "previews.json")
    urls = {}
    for route in attempt.routes:
        port = previews[f"{route.name}_{colour}"]
        urls[f"URL_{route.service}_{route.port}".upper().replace("-", "_")] = f"http://127.0.0.1:{port}"
        answer = _ask_route(attempt, route, "127.0.0.1", port, attempt.release)
        if not answer.passed:
            attempt.smoke, attempt.reason = "failed", f"smoke of {route.service}: {answer.seen}"
            return
    if attempt.app.smoke:
        folder = attempt.store.release(attempt.release) / "files" / attempt.app.path
        code, output = attempt.run(attempt.app.smoke, within=300, cwd=str(folder), check=False, extra=urls)
        if code != 0:
            attempt.smoke, attempt.reason = "failed", f"the smoke command ended with {code}:\n{output.strip()[-2000:]}"
            return
    attempt.smoke = "ok"


def _ask_route(attempt: Attempt, route: Any, host: str, port: int, release: str) -> probe.Answer:
    """One route: its status below 400, and the release that says it answered."""
    if route.mode == "tcp":
        return probe.port_check(host, port)
    check = attempt.app.checks.get(route.service)
    path = check.path if check and check.path and check.port == route.port else "/"
    try:
        status, headers, body = probe.get(host, port, path)
    except Exception as error:
        return probe.Answer(False, f"GET {path}: {error}")
    answered = headers.get(edge.HEADER.lower())
    if attempt.app.release_header and answered is None:
        return probe.Answer(False, f"GET {path}: {status} {body[:200]}, and not by a service of ours")
    if attempt.app.release_header and answered != release:
        return probe.Answer(False, f"GET {path}: answered by release {answered}, not {release}")
    return probe.Answer(status < 400, f"GET {path}: {status} {body[:200] if status >= 400 else ''}".strip())


def switch(attempt: Attempt, colour: str | None) -> None:
    """Traffic moves: the map file, the running map, read back. What began on the old colour may finish there."""
    assert colour is not None
    site = observe.site(attempt)
    store = attempt.store
    leaving = site.live
    to = site.slot(colour).release if colour != "none" else None
    forward = attempt.verb == "deploy" and to == attempt.release
    if forward and leaving in names.COLOURS and any(route.affinity for route in attempt.routes):
        until = {site.slot(leaving).release or "none": int(time.time()) + attempt.app.drain}
        attempt.proxy.fill("drain", edge.drain_map(until))
    else:
        attempt.proxy.fill("drain", "")
    attempt.switched = True
    attempt.renew()
    attempt.carried.append(commands.shown(commands.live(colour), attempt.release))
    attempt.proxy.switch(colour)
    if to is not None:
        stamp = round(time.time(), 3)
        store.update(
            to,
            state="live" if to == attempt.release else (store.record(to) or {}).get("state", "live"),
            since=stamp,
            colour=colour,
        )
        _link(store.root, "current", colour)
    attempt.emit("switched", colour=colour, release=to, was=leaving)


def stop_singletons(attempt: Attempt, colour: str | None) -> None:
    """Asks the singletons of a colour to stop, and waits for as long as their grace period."""
    assert colour is not None
    _stop(attempt, colour, [c for c in _held(attempt, colour) if observe.is_single(c)])
    attempt.started.discard(f"single {colour}")
    attempt.proven.pop(f"single {colour}", None)
    attempt.failed.pop(f"single {colour}", None)


def start_singletons(attempt: Attempt, colour: str | None) -> None:
    """The singletons of a colour, of the release that it holds."""
    assert colour is not None
    release = observe.site(attempt).slot(colour).release or attempt.release
    record = attempt.store.record(release) or {}
    if not record.get("handover"):
        return
    try:
        attempt.run(commands.up(attempt.target(release), colour, record["handover"]))
        attempt.started.add(f"single {colour}")
    except SwitchyardError as error:
        attempt.failed[f"single {colour}"] = attempt.reason = str(error)
        _judge_handover(attempt, colour)


def prove_singletons(attempt: Attempt, colour: str | None) -> None:
    """The singletons of a colour healthy."""
    assert colour is not None
    singles = [c for c in _held(attempt, colour) if observe.is_single(c)]
    _keep(attempt, colour, singles)
    _prove(attempt, f"single {colour}", singles, min(SINGLETONS_WITHIN, attempt.app.healthy_within))
    _judge_handover(attempt, colour)


def _judge_handover(attempt: Attempt, colour: str) -> None:
    """A handover that failed is a wrong verdict on the wanted release, which outlives the stopped containers."""
    if f"single {colour}" in attempt.failed and observe.site(attempt).slot(colour).release == attempt.release:
        attempt.verdict = "wrong"


def look(attempt: Attempt, colour: str | None) -> None:
    """From this host through the edge: every route is answered, by the release that is meant to be live."""
    deadline = time.monotonic() + LOOK_WITHIN
    for route in attempt.routes:
        host = "127.0.0.1" if route.address in ("0.0.0.0", "") else route.address
        while True:
            answer = _ask_route(attempt, route, host, route.listen, attempt.release)
            if answer.passed:
                break
            if time.monotonic() > deadline or "answered by release" in answer.seen:
                attempt.verdict, attempt.reason = (
                    "wrong",
                    f"the look through the edge at {route.service}: {answer.seen}",
                )
                return
            attempt.tick()
            time.sleep(0.2)
    attempt.verdict = "looked"


def seen(attempt: Attempt, colour: str | None) -> None:
    """What the operator's side saw at the users' address; nothing within 20 s: live, unverified."""
    if attempt.verb != "deploy":
        attempt.verdict = "ok"
        return
    attempt.emit("look", release=attempt.release)
    said = attempt.await_said("seen", within=SEEN_WITHIN)
    verdict = (said or {}).get("verdict", "unverified")
    attempt.verdict = verdict if verdict in ("ok", "wrong") else "unverified"
    if attempt.verdict != "ok":
        attempt.reason = (said or {}).get("why") or "the operator's side handed nothing in within 20 s"


def cancel(attempt: Attempt, colour: str | None) -> None:
    """Stops the failed colour; its containers are kept until the slot is used again, their logs with the release."""
    assert colour is not None
    held = _held(attempt, colour)
    folder = attempt.store.release(attempt.release) / "failed"
    for container in held:
        name = container["Names"][0].lstrip("/")
        write(folder / f"{name}.log", attempt.redact(engine.logs(container["Id"], 1000)))
        details = engine.inspect(container["Id"]) or {"Config": {}}
        details["Config"]["Env"] = [entry.split("=")[0] for entry in details["Config"].get("Env") or ()]
        write(folder / f"{name}.json", attempt.redact(json.dumps(details, indent=1)))
    _stop(attempt, colour, held)
    attempt.failed.setdefault(f"front {colour}", attempt.reason or "cancelled")


ACTS: dict[str, Callable[[Attempt, str | None], None]] = {
    "build": build,
    "shared": shared,
    "edge": edge_up,
    "oneshots": oneshots,
    "retire": retire,
    "up": up,
    "prove": prove,
    "smoke": smoke,
    "switch": switch,
    "stop_singletons": stop_singletons,
    "start_singletons": start_singletons,
    "prove_singletons": prove_singletons,
    "look": look,
    "seen": seen,
    "cancel": cancel,
    "standby": standby,
}


def act(attempt: Attempt, step: Step) -> None:
    """Carries one step out: the fencing number first, an intent before, an outcome after."""
    attempt.store.guard(attempt.number)
    fields = {"attempt": attempt.name, "release": attempt.release, "step": step.name, "colour": step.colour}
    attempt.store.append({**fields, "what": "intent"})
    attempt.emit("step", step=step.name, colour=step.colour, state="begins")
    started = now()
    outcome, attempt.carried = "failed", []
    try:
        ACTS[step.name](attempt, step.colour)
        outcome = "done"
    finally:
        seconds = round(now() - started, 3)
        attempt.store.append({**fields, "what": outcome, "seconds": seconds})
        told = {"state": outcome, "seconds": seconds, "commands": attempt.carried}
        attempt.emit("step", step=step.name, colour=step.colour, **told)
