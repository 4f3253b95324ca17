"""One compose document becomes four: shared, blue and green, and what is to be built. Pure; the edge's is its own.

What Compose resolved has each ``$`` of a value written twice already, as it wants it when it loads a document again.
"""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from switchyard.core import names
from switchyard.core.app import App, Route
from switchyard.core.compose_document import EVERY_ADDRESS, Document
from switchyard.core.errors import BadInput
from switchyard.core.kinds import ServiceKind, infer

UNHANDLED = ("network_mode", "links", "external_links", "volumes_from", "pid", "ipc", "provider", "models", "extends")
"""Keys of a service that would tie it to another container or to the host's network."""
DROPPED = (
    "ports",
    "expose",
    "container_name",
    "depends_on",
    "build",
    "networks",
    "restart",
    "env_file",
    "develop",
    "profiles",
    "scale",
    "pull_policy",
    "image",
    "labels",
)
NETWORK_KEYS = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address")
"""What a service asks of its network that the network of a colour cannot give."""
PLACEHOLDERS = (".gitkeep", ".keep", ".gitignore")
"""Files that only make git keep a folder that is filled later."""
RESTARTS = {"none": "no", "on-failure": "on-failure", "any": "unless-stopped"}
"""``deploy.restart_policy.condition`` as ``restart``: Compose would let it win, and takes ``any`` for ``always``."""
LOGGING = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


@dataclass(frozen=True)
class Split:
    """What a release is made of."""

    kinds: dict[str, ServiceKind]
    routes: tuple[Route, ...]
    shared: dict[str, Any]
    colours: dict[str, dict[str, Any]]
    build: dict[str, Any]
    pulls: dict[str, str]
    """Service to the image that it names."""
    oneshots: tuple[str, ...]
    handover: tuple[str, ...]
    front: tuple[str, ...]
    """Routed and plain services."""
    volumes: dict[str, str]
    """Volume of the compose file to the engine's volume."""
    data: tuple[str, ...]
    """Folders under ``data/`` for state that is not in the commit."""
    shared_files: tuple[str, ...]
    """Tracked files that shared services mount, relative to the repository."""
    notes: tuple[str, ...]


@dataclass
class _Work:
    parsed: Document
    document: Mapping[str, Any]
    app: App
    release: str
    root: str
    tracked: frozenset[str]
    folder: str
    found: dict[str, ServiceKind] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    volumes: dict[str, str] = field(default_factory=dict)
    data: set[str] = field(default_factory=set)
    shared_files: set[str] = field(default_factory=set)
    mounted: dict[str, set[str]] = field(default_factory=dict)
    data_of: dict[str, str] = field(default_factory=dict)

    def kind(self, service: str) -> str:
        return self.found[service].kind


def split(document: Document, *, app: App, release: str, root: str, tracked: Collection[str], folder: str) -> Split:
    """Splits a resolved document. Raises ``BadInput`` with every problem, each naming service, key and setting."""
    services: dict[str, Any] = {name: service.raw for name, service in document.enabled.items()}
    work = _Work(document, {**document.raw, "services": services}, app, release, root, frozenset(tracked), folder)
    for name in document.services.keys() - services.keys():
        work.notes.append(f"{name} has profiles and is left out")
    work.found, problems = infer(document, app)
    work.problems += problems
    for name, service in services.items():
        _refuse_unhandled(work, name, service)
        _refuse_networks(work, name, service)
        _refuse_build(work, name, service)
    _refuse_unknown(work)
    _raise(work)
    routes = _routes(work)
    colours = {colour: _colour(work, colour, routes) for colour in names.COLOURS}
    shared = _shared(work)
    _note_volumes(work)
    _raise(work)
    group = {kind: _ordered(work, kind) for kind in ("routed", "plain", "handover", "oneshot")}
    return Split(
        kinds=work.found,
        routes=routes,
        shared=shared,
        colours=colours,
        build=_build(work),
        pulls={name: s["image"] for name, s in services.items() if "build" not in s},
        oneshots=group["oneshot"],
        handover=group["handover"],
        front=group["routed"] + group["plain"],
        volumes=work.volumes,
        data=tuple(sorted(work.data)),
        shared_files=tuple(sorted(work.shared_files)),
        notes=tuple(dict.fromkeys(work.notes)),
    )


def _raise(work: _Work) -> None:
    if work.problems:
        raise BadInput("\n".join(f"{work.app.compose}: {problem}" for problem in dict.fromkeys(work.problems)))


def _refuse_unhandled(work: _Work, name: str, service: Mapping[str, Any]) -> None:
    for key in UNHANDLED:
        if service.get(key) and not (key == "network_mode" and service[key] == "none"):
            work.problems.append(
                f"service {name}: {key} is not handled: two colours of it could not run side by side. "
                "Remove it, or give the service a network of the application"
            )
    if (service.get("deploy") or {}).get("mode") == "global":
        work.problems.append(f"service {name}: deploy.mode global is not handled; give a number of replicas")
    if name not in work.found:
        return
    kind = work.kind(name)
    if kind in ("plain", "handover", "oneshot") and service.get("ports"):
        work.problems.append(
            f"service {name}: ports: both colours cannot hold a published port of a {kind} service. Remove "
            f"it, or make it routed with app.kinds.{name}: routed"
        )
    if kind == "shared" and service.get("build"):
        work.problems.append(f"service {name}: build: a shared service is not built by a deploy; name an image")
    if "image" not in service and "build" not in service:
        work.problems.append(f"service {name}: image: neither an image nor a build is named")


def _refuse_networks(work: _Work, name: str, service: Mapping[str, Any]) -> None:
    networks = work.document.get("networks") or {}
    for network, asked in (service.get("networks") or {}).items():
        if (networks.get(network) or {}).get("external"):
            work.problems.append(
                f"service {name}: networks: {network} is external: a colour has one network, of its own, so the "
                "service would no longer reach what is there. Reach it by an address of the host instead"
            )
        for key in NETWORK_KEYS:
            if (asked or {}).get(key):
                work.problems.append(
                    f"service {name}: networks.{network}.{key}: two colours cannot hold one address; "
                    f"use the name {name}"
                )
        if (networks.get(network) or {}).get("internal"):
            work.notes.append(f"network {network} is internal in the compose file; the network of a colour is not")


def _refuse_build(work: _Work, name: str, service: Mapping[str, Any]) -> None:
    build = service.get("build")
    if not isinstance(build, Mapping):
        return
    for key in ("secrets", "ssh"):
        if build.get(key):
            work.problems.append(f"service {name}: build.{key} is not handled yet: images are built on the host")
    contexts = {"context": build.get("context") or ".", **(build.get("additional_contexts") or {})}
    for key, context in contexts.items():
        if _is_path(str(context)) and _outside(posixpath.join(work.folder, str(context))):
            work.problems.append(f"service {name}: build: {key} {context} lies outside the repository")


def _refuse_unknown(work: _Work) -> None:
    """A setting that names nothing is a slip of the pen, and what it was meant for would go without it."""
    mounts = work.parsed.mounted
    for name in work.app.volumes.keys() - (work.document.get("volumes") or {}).keys():
        work.problems.append(f"app.volumes.{name}: no service of the compose file uses a volume of this name")
    for setting, sources in (("data", work.app.data), ("writable", work.app.writable)):
        for source in sources:
            if posixpath.normpath(source) not in mounts:
                work.problems.append(f"app.{setting}: {source} is no bind source of the compose file")


def _is_path(context: str) -> bool:
    return not context.startswith(("/", "git@")) and ":" not in context


def _outside(path: str) -> bool:
    return posixpath.normpath(path).split("/")[0] == ".."


def _ordered(work: _Work, kind: str) -> tuple[str, ...]:
    """The services of a kind, those that others depend on first."""
    services = work.document["services"]
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in order or name in above or name not in services:
            return
        for needed in services[name].get("depends_on") or {}:
            visit(needed, (*above, name))
        order.append(name)

    for name in services:
        visit(name, ())
    return tuple(name for name in order if work.kind(name) == kind)


def _routes(work: _Work) -> tuple[Route, ...]:
    written = work.app.routes
    found = [_written(work, route) for route in written] if written is not None else _published(work)
    routes = [route for route in found if route is not None]
    for index, route in enumerate(routes):
        for other in routes[:index]:
            if route.listen == other.listen and (
                route.address == other.address or EVERY_ADDRESS & {route.address, other.address}
            ):
                work.problems.append(
                    f"service {route.service}: listen {route.listen} is already a route of {other.service}"
                )
    led = {(route.service, route.port) for route in routes}
    for name, service in work.document["services"].items():
        if work.kind(name) != "routed" or work.problems:
            continue
        if name not in {route.service for route in routes}:
            work.problems.append(
                f"service {name}: it is routed, but no route leads to it: publish a port of it, or name it under "
                f"app.routes, or set app.kinds.{name}: plain"
            )
        for port in service.get("ports") or ():
            if (name, int(port["target"])) not in led:
                work.notes.append(
                    f"{name}: its published port {port.get('published')} is no route and is not published"
                )
    if not routes:
        work.problems.append("no service is routed: publish a port, or name one under app.routes in invoke.yaml")
    return tuple(routes)


def _written(work: _Work, route: Mapping[str, Any]) -> Route | None:
    service = route["service"]
    for key in ("tls", "host", "path"):
        if route.get(key):
            work.problems.append(f"app.routes: {service}: {key} is not handled yet; remove it")
    if service not in work.found or work.kind(service) != "routed":
        work.problems.append(f"app.routes: {service} is not a routed service of the compose file")
        return None
    listen = route.get("listen") or _listen_of(work, service, int(route["port"]))
    if listen is None:
        work.problems.append(
            f"app.routes: {service}: listen: the compose file publishes no port for {route['port']}; say "
            "which port of the host the edge holds"
        )
        return None
    address, _, port = str(listen).rpartition(":")
    return Route(
        service,
        int(route["port"]),
        int(port),
        address or "0.0.0.0",
        route.get("mode", "http"),
        bool(route.get("affinity")),
    )


def _listen_of(work: _Work, service: str, port: int) -> str | None:
    for published in work.document["services"][service].get("ports") or ():
        if published.get("target") == port and str(published.get("published", "")).isdigit():
            return f"{published.get('host_ip', '0.0.0.0')}:{published['published']}"
    return None


def _published(work: _Work) -> list[Route]:
    routes = []
    for name, service in work.document["services"].items():
        if work.kind(name) != "routed":
            continue
        for port in service.get("ports") or ():
            published = str(port.get("published", ""))
            if port.get("protocol", "tcp") != "tcp" or not published.isdigit():
                work.problems.append(
                    f"service {name}: ports: {published or 'a free port'}:{port.get('target')}"
                    f"/{port.get('protocol', 'tcp')}: only one fixed TCP port each is handled"
                )
                continue
            routes.append(Route(name, int(port["target"]), int(published), port.get("host_ip", "0.0.0.0")))
    return routes


def _colour(work: _Work, colour: str, routes: tuple[Route, ...]) -> dict[str, Any]:
    app, routed = work.app.name, {route.service for route in routes}
    services = {}
    for name, source in work.document["services"].items():
        kind = work.kind(name)
        if kind == "shared":
            continue
        service = _service(work, name, source, names.tag(app, name, work.release))
        aliases = _names(name, source)
        if name in routed:
            aliases.append(names.alias(name, colour))
        if source.get("network_mode") != "none":
            service["networks"] = {"default": {"aliases": list(dict.fromkeys(aliases))}}
        service["restart"] = "no" if kind == "oneshot" else _restart(source)
        service["labels"] = {
            **_labels(source),
            names.APP: app,
            names.RELEASE: work.release,
            names.COLOUR: colour,
            names.KIND: kind,
        }
        services[name] = service
    network = {"default": {"name": names.network(app, colour), "external": True}}
    return _document(work, names.project(app, colour), services, network)


def _shared(work: _Work) -> dict[str, Any]:
    app = work.app.name
    shared = {name for name in work.document["services"] if work.kind(name) == "shared"}
    services = {}
    for name, source in work.document["services"].items():
        if name not in shared:
            continue
        service = _service(work, name, source, names.tag(app, name, "shared"))
        aliases = list(dict.fromkeys(_names(name, source)))
        needed = {other: how for other, how in (source.get("depends_on") or {}).items() if other in shared}
        if needed:
            service["depends_on"] = copy.deepcopy(needed)
        service["networks"] = {colour: {"aliases": aliases} for colour in names.COLOURS}
        service["restart"] = _restart(source)
        service["labels"] = {**_labels(source), names.APP: app, names.KIND: "shared"}
        if source.get("ports"):
            service["ports"] = source["ports"]
        services[name] = service
    networks = {colour: {"name": names.network(app, colour), "external": True} for colour in names.COLOURS}
    return _document(work, names.project(app, "shared"), services, networks, shared=True)


def _service(work: _Work, name: str, source: Mapping[str, Any], image: str) -> dict[str, Any]:
    service = {key: copy.deepcopy(value) for key, value in source.items() if key not in DROPPED and value is not None}
    service["volumes"] = [_mount(work, name, mount) for mount in source.get("volumes") or ()]
    if not service["volumes"]:
        del service["volumes"]
    service.setdefault("logging", LOGGING)
    deploy = {key: value for key, value in (service.pop("deploy", None) or {}).items() if key != "restart_policy"}
    scale = work.app.scale.get(name, source.get("scale"))
    if scale is not None:
        deploy["replicas"] = int(scale)
    if deploy:
        service["deploy"] = deploy
    service["image"] = image
    service["pull_policy"] = "never"
    return service


def _document(
    work: _Work, project: str, services: dict[str, Any], networks: dict[str, Any], *, shared: bool = False
) -> dict[str, Any]:
    document: dict[str, Any] = {"name": project, "services": services, "networks": networks}
    used = {
        mount["source"]
        for service in services.values()
        for mount in service.get("volumes") or ()
        if mount.get("type") == "volume" and mount.get("source")
    }
    if used:
        document["volumes"] = {
            name: {"name": work.volumes[name], "external": True} for name in sorted(used) if name in work.volumes
        }
    for part in ("secrets", "configs"):
        wanted = {item["source"] for service in services.values() for item in service.get(part) or ()}
        found = {name: _file(work, part, name, shared=shared) for name in sorted(wanted)}
        if found:
            document[part] = found
    return document


def _file(work: _Work, part: str, name: str, *, shared: bool) -> dict[str, Any]:
    entry = dict((work.document.get(part) or {}).get(name) or {})
    if "file" in entry:
        path, _ = _source(work, f"{part}.{name}", entry["file"], shared=shared, folder=False)
        return {"file": path}
    if "content" in entry:
        return {"content": str(entry["content"])}
    work.problems.append(f"{part}.{name}: only file and content are handled")
    return {}


def _restart(source: Mapping[str, Any]) -> str:
    policy = (source.get("deploy") or {}).get("restart_policy")
    written = str(source.get("restart") or "no")
    if policy:
        written = RESTARTS.get(str(policy.get("condition") or "any"), "unless-stopped")
        if written == "on-failure" and policy.get("max_attempts"):
            written = f"on-failure:{policy['max_attempts']}"
    return "unless-stopped" if written == "always" else written


def _names(name: str, source: Mapping[str, Any]) -> list[str]:
    """What others may call a service; ``container_name`` is a name in DNS too, and the container's own goes."""
    given = source.get("container_name")
    return [name, *([given] if given else []), *_aliases(source)]


def _aliases(source: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for network in (source.get("networks") or {}).values():
        found += (network or {}).get("aliases") or []
    return found


def _labels(source: Mapping[str, Any]) -> dict[str, Any]:
    labels = source.get("labels") or {}
    return dict(labels) if isinstance(labels, dict) else dict(item.partition("=")[::2] for item in labels)


def _mount(work: _Work, service: str, mount: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(mount)
    kind = work.kind(service)
    if mount.get("type") == "volume" and mount.get("source"):
        _volume(work, service, mount["source"])
        work.mounted.setdefault(mount["source"], set()).add(kind)
    elif mount.get("type") == "bind":
        path, is_code = _source(
            work, f"service {service}: volumes: {mount['source']}", mount["source"], shared=kind == "shared"
        )
        changed["source"] = path
        if is_code and posixpath.normpath(mount["source"]) not in map(posixpath.normpath, work.app.writable):
            changed["read_only"] = True
        bind = mount.get("bind") or {}
        changed["bind"] = {**bind, "create_host_path": not is_code and bind.get("create_host_path", True)}
    return changed


def _volume(work: _Work, service: str, name: str) -> None:
    entry = (work.document.get("volumes") or {}).get(name) or {}
    if name in work.app.volumes:
        work.volumes[name] = work.app.volumes[name]
    elif entry.get("external"):
        work.volumes[name] = entry.get("name") or name
    elif entry.get("driver_opts") or entry.get("driver") not in (None, "local"):
        work.problems.append(
            f"service {service}: volumes: {name} has a driver of its own; create it on the host and name it "
            f"with app.volumes.{name}.external"
        )
    else:
        work.volumes[name] = work.parsed.engine_volume(name, work.app.name)


def _source(work: _Work, where: str, source: str, *, shared: bool, folder: bool = True) -> tuple[str, bool]:
    """Where a bind source is on the host, and whether it is code of the release."""
    if source.startswith("/") or source.startswith("~"):
        return source, False
    path = posixpath.normpath(posixpath.join(work.folder, source))
    if _outside(path):
        work.problems.append(f"{where}: lies outside the repository")
        return source, False
    key = next((key for key in work.app.data if posixpath.normpath(key) == posixpath.normpath(source)), None)
    if key is not None:
        return _data(work, where, path, work.app.data[key], folder=folder), False
    carried = _carried(work, path)
    if carried and all(posixpath.basename(name) in PLACEHOLDERS for name in carried):
        work.problems.append(
            f"{where}: the commit has only {carried[0]} of it, so what fills it is data that no release carries. "
            f"{_say(source)}"
        )
        return source, False
    if carried:
        if shared:
            work.shared_files.add(path)
            return posixpath.normpath(f"{work.root}/shared/files/{path}"), True
        return posixpath.normpath(f"{work.root}/releases/{work.release}/files/{path}"), True
    work.problems.append(f"{where}: git does not track it, so it is data that no release carries. {_say(source)}")
    return source, False


def _say(source: str) -> str:
    return (
        f'Say where it is, in invoke.yaml: app: {{data: {{"{source}": data}}}} for a folder of the host, or an '
        "absolute path"
    )


def _carried(work: _Work, path: str) -> list[str]:
    """What the commit has at a path: the file itself, or the files of the folder."""
    if path == ".":
        return sorted(work.tracked)
    return sorted(name for name in work.tracked if name == path or name.startswith(f"{path}/"))


def _data(work: _Work, where: str, path: str, place: str, *, folder: bool) -> str:
    """Where data is on the host. Two sources never get one folder, and a file is never made as a folder."""
    if place.startswith("/"):
        return place
    name = posixpath.basename(path)
    if work.data_of.setdefault(name, path) != path:
        work.problems.append(
            f"{where}: data/{name} is already that of {work.data_of[name]}; give one of the two an absolute path in "
            "app.data"
        )
    if folder:
        work.data.add(name)
    return f"{work.root}/data/{name}"


def _note_volumes(work: _Work) -> None:
    for name, mounting in work.mounted.items():
        if mounting - {"shared"}:
            work.notes.append(f"volume {name} is mounted by services of both colours: the same state in either")


def _build(work: _Work) -> dict[str, Any]:
    base = posixpath.normpath(f"{work.root}/releases/{work.release}/files/{work.folder}")
    services = {}
    for name, service in work.document["services"].items():
        if "build" not in service:
            continue
        build = copy.deepcopy(service["build"])
        build = {"context": build} if isinstance(build, str) else build
        context = str(build.get("context") or ".")
        if "://" not in context and not context.startswith("git@"):
            build["context"] = posixpath.normpath(posixpath.join(base, context))
        if build.get("additional_contexts"):
            build["additional_contexts"] = {
                key: posixpath.normpath(posixpath.join(base, place)) if _is_path(place) else place
                for key, place in build["additional_contexts"].items()
            }
        labels = build.get("labels") or {}
        labels = labels if isinstance(labels, dict) else dict(item.partition("=")[::2] for item in labels)
        build["labels"] = {**labels, names.APP: work.app.name}
        services[name] = {"image": names.tag(work.app.name, name, work.release), "build": build}
    return {"name": f"{work.app.name}-build", "services": services}
