"""Docker's engine through its socket, where a request takes 0.3 ms; a command of Docker takes 15 ms."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from switchyard.core import names
from switchyard.core.edge_clients import Subnet
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section
from switchyard.host.adapters.container import Container, ContainerDetails, RestartPolicy
from switchyard.host.adapters.network import AddressPool, Network

T = TypeVar("T")
SOCKET = "/var/run/docker.sock"
ANSWER_WITHIN = 30.0
"""Seconds for one request."""
ANSWER_MOST = 32 << 20
"""Bytes of one answer: a command or a log of a container may never end."""
BACK_WITHIN = 60.0
"""Seconds that an attempt waits for an engine that does not answer, once it has switched."""
NOT_EXECUTED = 124
"""From this exit code on, a command in a container took too long, could not begin, or ended with its container."""


class Away(NotChecked):
    """The engine, or what it waits for, does not answer in time."""


class EngineInfo(NamedTuple):
    """What the engine tells of itself."""

    root: str
    """The folder of its data; empty where it does not tell."""
    pools: tuple[AddressPool, ...]
    """Empty where it uses its default."""


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def _request(
    method: str,
    path: str,
    body: Json = None,
    query: Mapping[str, str | int] | None = None,
    *,
    within: float = ANSWER_WITHIN,
    more: Mapping[str, str] | None = None,
) -> bytes | None:
    """Return the body of the answer; None where the engine knows no such thing.

    Raise ``Away`` when it does not answer, to the end, within so many seconds, ``SwitchyardError`` when it refuses or
    answers without an end. ``more`` are further headers.
    """
    if query:
        path += "?" + urlencode(query)
    connection, deadline = _Connection("engine", timeout=within), time.monotonic() + within
    try:
        headers = {**({"Content-Type": "application/json"} if body is not None else {}), **(more or {})}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = _read(answer, deadline)
    except OSError as error:
        raise Away(
            f"Docker's engine does not answer on {SOCKET}: {error}. Start it, or add the SSH user to the docker group, "
            "then run the command again"
        ) from None
    finally:
        connection.close()
    if answer.status == 404:
        return None
    if answer.status >= 400:
        raise SwitchyardError(f"the engine refused {method} {path.split('?')[0]}: {content.decode(errors='replace')}")
    return content


def _read(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    content = bytearray()
    while part := answer.read1(1 << 16):
        content += part
        if len(content) > ANSWER_MOST:
            raise SwitchyardError(f"the engine's answer has more than {ANSWER_MOST >> 20} MiB")
        if time.monotonic() > deadline:
            raise TimeoutError("its answer does not end")
    return bytes(content)


def _get(path: str, query: Mapping[str, str | int] | None = None) -> Json:
    """Return the JSON that the engine answers; None where it knows no such thing."""
    answer = _request("GET", path, None, query)
    return None if answer is None else _json(answer)


def ping() -> None:
    """Raise ``NotChecked`` where the engine does not answer."""
    _request("GET", "/_ping")


def is_away() -> bool:
    """Return whether the engine does not answer just now."""
    try:
        ping()
    except NotChecked:
        return True
    return False


def version() -> str | None:
    """Return the engine's version."""
    return Section.of(_get("/version"), "version").text("Version")


def info() -> EngineInfo:
    answer = Section.of(_get("/info"), "info")
    return EngineInfo(answer.text("DockerRootDir") or "", answer.each("DefaultAddressPools", AddressPool.decode))


def own_paths() -> tuple[str, ...]:
    """Return the socket and folders of the engine, and of what it runs containers with."""
    return (SOCKET, info().root or "/var/lib/docker", "/run/containerd", "/var/lib/containerd")


def containers(*labels: str) -> list[Container]:
    """List the containers, stopped ones too, that have all of these labels (``key`` or ``key=value``)."""
    filters = json.dumps({"label": list(labels)}) if labels else "{}"
    answer = _get("/containers/json", {"all": "true", "filters": filters})
    return list(_each(answer, "containers", Container.decode))


def inspect(container: str) -> ContainerDetails | None:
    """Look at one container; None where there is none."""
    answer = _get(f"/containers/{container}/json")
    return None if answer is None else ContainerDetails.decode(answer)


def restart_count(container: str) -> int:
    """Return how often the engine has restarted a container; 0 where there is none."""
    details = inspect(container)
    return 0 if details is None else details.restart_count


def address(container: str) -> str:
    """Return a container's address in its first network; empty where it has none."""
    details = inspect(container)
    return "" if details is None else details.address


def description(container: str) -> dict[str, Json]:
    """Return all that the engine tells of a container, as evidence: without the values of its environment."""
    details = Section.of(_get(f"/containers/{container}/json"), "container")
    config = details.section("Config")
    variables = [entry.partition("=")[0] for entry in config.words("Env")]
    return {**details.raw, "Config": {**config.raw, "Env": variables}}


def remove(container: str, *, force: bool = False) -> None:
    """Remove a container, if it exists; ``force`` one that runs."""
    _request("DELETE", f"/containers/{container}", query={"force": "true"} if force else None)


def signal(container: str, name: str) -> None:
    """Send a signal to a container's first process."""
    _request("POST", f"/containers/{container}/kill", query={"signal": name})


def set_restart_policy(container: str, policy: RestartPolicy) -> None:
    """Change a container's restart policy. Raise where the engine refuses, as it does for one that ends just then."""
    _request("POST", f"/containers/{container}/update", {"RestartPolicy": policy.encode()})


def memory_used(container: Container) -> int:
    """Return the bytes that a container uses now, without what the kernel can drop; 0 for one that does not run."""
    if not container.is_running:
        return 0
    query = {"stream": "false", "one-shot": "true"}
    stats = Section.of(_get(f"/containers/{container.id}/stats", query), "stats")
    memory = stats.section("memory_stats")
    parts = memory.section("stats")
    version_1 = parts.number("total_inactive_file")
    dropped = parts.number("inactive_file") if version_1 is None else version_1
    return max(0, (memory.number("usage") or 0) - (dropped or 0))


def image_id(name: str) -> str | None:
    """Return the id of an image; None where the engine has none of that name."""
    return _image(name).text("Id")


def image_digests(name: str) -> tuple[str, ...]:
    """Return an image's names by digest, under which registries had it; none where the engine has no such image."""
    return _image(name).words("RepoDigests")


def tags_of_image(name: str) -> tuple[str, ...] | None:
    """Return an image's names by tag; None where the engine has no such image."""
    image = _image(name)
    return _tags(image.raw, "image") if image.raw else None


def digest_at_registry(image: str, headers: Mapping[str, str], *, within: float) -> str:
    """Return the digest that an image's registry has for it; empty where it has none. Raise what it answers."""
    answer = _request("GET", f"/distribution/{image}/json", within=within, more=headers)
    return "" if answer is None else Section.of(_json(answer), "image").section("Descriptor").text("digest") or ""


def log_in(login: Mapping[str, Json], *, within: float) -> None:
    """Try a login at its registry. Raise where that refuses it."""
    _request("POST", "/auth", login, within=within)


def image_labels(name: str) -> dict[str, str]:
    """Return the labels of an image; none where the engine has none of that name."""
    return _image(name).section("Config").pairs("Labels")


def image_volumes(name: str) -> tuple[str, ...]:
    """Return the paths that an image declares as volumes; none where the engine has none of that name."""
    return tuple(sorted(_image(name).section("Config").section("Volumes").raw))


def _image(name: str) -> Section:
    """Return what the engine knows of an image; an empty section where it has none of that name."""
    return Section.of(_get(f"/images/{quote(name, safe='')}/json"), "image")


def image_tags() -> list[str]:
    """Return the names of all images, sorted."""
    return sorted(tag for tags in tags_of_images() for tag in tags)


def tags_of_images() -> tuple[tuple[str, ...], ...]:
    """Return the names of each image."""
    return _each(_get("/images/json"), "images", _tags)


def networks() -> tuple[Network, ...]:
    return _each(_get("/networks"), "networks", Network.decode)


def subnets(network: str) -> tuple[Subnet, ...]:
    """Return the ranges of addresses of a network; none where there is none of that name."""
    answer = _get(f"/networks/{network}")
    return () if answer is None else Network.decode(answer, "network").subnets


def has_network(name: str) -> bool:
    return _request("GET", f"/networks/{name}") is not None


def create_network(name: str, app: str) -> bool:
    """Create a bridge network with the application's label; False where the engine finds no free range for it."""
    body: Json = {"Name": name, "Driver": "bridge", "Labels": {names.APP: app}}
    return _request("POST", "/networks/create", body) is not None


def volumes() -> list[str]:
    """Return the names of all volumes, sorted."""
    answer = Section.of(_get("/volumes"), "volumes")
    volumes = answer.each("Volumes", lambda volume, at: Section.of(volume, at).text("Name"))
    return sorted(name for name in volumes if name)


def has_volume(name: str) -> bool:
    return _request("GET", f"/volumes/{name}") is not None


class Origin(NamedTuple):
    """Where a volume or an image comes from."""

    app: str
    """The application whose label it carries; empty for one that Switchyard did not create."""
    created: str
    id: str = ""
    """Of an image. A volume has none but its name."""


def volume_origin(name: str) -> Origin | None:
    """Return where a volume comes from; None where there is none of that name."""
    volume = Section.of(_get(f"/volumes/{quote(name, safe='')}"), "volume")
    created = volume.text("CreatedAt")
    return None if created is None else Origin(volume.pairs("Labels").get(names.APP, ""), created)


def image_origin(name: str) -> Origin | None:
    """Return where an image comes from; None where the engine has none of that name."""
    image = _image(name)
    app = image.section("Config").pairs("Labels").get(names.APP, "")
    return Origin(app, image.text("Created") or "", image.text("Id") or "") if image.raw else None


def create_volume(name: str, app: str) -> None:
    """Create a volume with the application's label."""
    _request("POST", "/volumes/create", {"Name": name, "Labels": {names.APP: app}})


def trim_build_cache(most: int, *, within: float) -> None:
    """Leave so many bytes of the engine's build cache."""
    limits = {"keep-storage": most, "reserved-space": most}  # its name until 28.0, and since
    _request("POST", "/build/prune", query=limits, within=within)


def execute(container: str, argv: Sequence[str], *, within: float = 10.0) -> tuple[int, str]:
    """Run a command in a container; return its exit code and its output without the last newlines.

    From ``NOT_EXECUTED`` on, the exit code says that the command did not run to its end within so many seconds.
    """
    body: Json = {"Cmd": list(argv), "AttachStdout": True, "AttachStderr": True}
    try:
        created = _request("POST", f"/containers/{container}/exec", body)
    except SwitchyardError as error:  # it does not run, or restarts
        return 126, str(error)
    if created is None:
        return 125, "no such container"
    execution = Section.of(_json(created), "exec").text("Id")
    try:
        answer = _request("POST", f"/exec/{execution}/start", {"Detach": False}, within=within)
    except NotChecked:
        return NOT_EXECUTED, f"no answer within {within:.0f} s"
    except SwitchyardError as error:  # it prints without an end, or ended with its container
        return NOT_EXECUTED, str(error)
    code = Section.of(_get(f"/exec/{execution}/json"), "exec").number("ExitCode")
    return (126 if code is None else code), _demultiplexed(answer or b"").rstrip("\n")


def logs(container: str, tail: int = 30) -> str:
    """Return the last lines that a container printed."""
    answer = _request("GET", f"/containers/{container}/logs", query={"stdout": "true", "stderr": "true", "tail": tail})
    return _demultiplexed(answer).strip() if answer else ""


def _demultiplexed(raw: bytes) -> str:
    """Return what a container printed on both streams; a terminal's output has no frames."""
    if raw[1:4] != bytes(3):
        return raw.decode(errors="replace")
    text, at = bytearray(), 0
    while at + 8 <= len(raw):
        size = int.from_bytes(raw[at + 4 : at + 8], "big")
        text += raw[at + 8 : at + 8 + size]
        at += 8 + size
    return text.decode(errors="replace")


def _json(answer: bytes) -> Json:
    value: Json = json_text.parse(answer)
    return value


def _each(answer: Json, name: str, decode: Callable[[Json, str], T]) -> tuple[T, ...]:
    """Decode every entry of an answer that is a list."""
    return Section({name: answer}, "").each(name, decode)


def _tags(value: Json, at: str) -> tuple[str, ...]:
    return Section.of(value, at).words("RepoTags")
