"""What the services of a release reach of their host beyond their own containers, and whether somebody allowed it.

An allow-list: a path, capability, option or namespace that is not listed here takes a waiver of the operator.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from switchyard.core.compose_document import Document, Service
from switchyard.core.wire.answers import Place
from switchyard.core.wire.message import Json
from switchyard.core.wire.request import Waiver
from switchyard.core.wire.section import Section

SOCKET, PRIVILEGED, NAMESPACE = "docker-socket", "privileged", "host-namespace"
CAPABILITY, DEVICE, OPTION, PATH = "capability", "device", "security-option", "host-path"
RULES = {
    SOCKET: "whoever can write to the engine's socket is root on the host",
    PRIVILEGED: "with all privileges, a container is root on the host",
    NAMESPACE: "the service sees or changes what belongs to the whole host",
    CAPABILITY: "it is not among the capabilities that each container has",
    DEVICE: "a device belongs to the whole host",
    OPTION: "it removes a wall between the container and the host",
    PATH: "an application has its own folders: data/, and those below the user's home, /srv, /mnt, /media, /opt, /data",
}
"""The rules that only the operator's own settings waive, each with its reason."""
CAPABILITIES = frozenset(
    ("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW")
    + ("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT")
)
"""The capabilities that the engine gives to each container."""
OPTIONS = ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true", "apparmor=docker-default")
LOGGERS = ("awslogs", "fluentd", "gcplogs", "gelf", "journald", "json-file", "local", "none", "splunk", "syslog")
"""The logging drivers that the engine has by itself; a plugin is a program on the host."""
MOUNTS = ("bind", "volume", "tmpfs")
RUNTIMES = ("runc", "runsc", "nvidia")
RESERVED = "devices"
"""The key of devices that a deploy reserves."""
STATE = ("/srv", "/mnt", "/media", "/opt", "/data")
"""Folders below which applications keep state."""
READ = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo", "/etc/ssl/certs", "/usr/share/ca-certificates")
"""What containers may read of the system."""
SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock", "buildkitd.sock")


class Reach(NamedTuple):
    """One thing of the host that a service reaches."""

    rule: str
    service: str
    what: str
    """The key, with what stands there."""
    thing: str
    """What a waiver may name beside the service."""
    why: str = ""
    """Where the rule alone does not tell."""

    def is_waived(self, waivers: Iterable[Waiver]) -> bool:
        """Return whether a waiver names the rule with the service, or with the thing too."""
        names = (self.service, f"{self.service}:{self.thing}")
        return any(each.rule == self.rule and any(fnmatchcase(name, each.where) for name in names) for each in waivers)

    @property
    def refusal(self) -> str:
        """Say what is refused, and the line that allows it."""
        waiver = f'{{rule: {self.rule}, where: "{self.service}:{self.thing}", reason: WHY}}'
        return (
            f"service {self.service}: {self.what}: {self.why or RULES[self.rule]}. Remove it, or allow it in the "
            f"control node's own settings: app: {{predeploy: {{waive: [{waiver}]}}}}"
        )


class Source(NamedTuple):
    """A path of the host that a service's containers, or its build, see."""

    service: str
    what: str
    path: str
    read_only: bool


def sources_of(document: Document, build: Document) -> Iterator[Source]:
    """Yield the paths of the host in the documents that a machine runs and builds."""
    for service in document.services.values():
        for mount in service.mounts:
            if mount.type == "bind":
                yield _source(service.name, f"volumes: {mount.source}", mount.source, mount.read_only)
        for part, grants in service.grants.items():
            for grant in grants:
                resource = document.resources[part].get(grant.source)
                if resource is not None and resource.file is not None:
                    yield _source(service.name, f"{part}.{grant.source}: {resource.file}", resource.file)
    for service in build.services.values():
        if service.build is None:
            continue
        contexts = {"context": service.build.context, **service.build.additional_contexts}
        for key, context in contexts.items():
            if context.startswith(("/", "~", ".")):
                yield _source(service.name, f"build.{key}: {context}", context)
        for grant in service.build.secrets:
            secret = build.secrets.get(grant.source)
            if secret is not None and secret.file is not None:
                yield _source(service.name, f"build.secrets.{grant.source}: {secret.file}", secret.file)
        dockerfile = posixpath.join(service.build.context, service.build.dockerfile)
        if dockerfile.startswith("/"):
            yield _source(service.name, f"build.dockerfile: {service.build.dockerfile}", dockerfile)


def _source(service: str, what: str, path: str, read_only: bool = True) -> Source:
    """Return a source with its path as the machine has it: a document has each ``$`` twice."""
    return Source(service, what, path.replace("$$", "$"), read_only)


def reached_paths(sources: Iterable[Source], real: Mapping[str, str], place: Place) -> Iterator[Reach]:
    """Yield the sources that are not an application's own. ``real``: path to the real one, links followed."""
    for source in sources:
        path = real[source.path]
        rule, why = _judge_path(path, place, read_only=source.read_only)
        if rule:
            leads = "" if path == posixpath.normpath(source.path) else f" leads to {path}"
            yield Reach(rule, source.service, source.what + leads, path, why)


def _judge_path(path: str, place: Place, *, read_only: bool) -> tuple[str, str]:
    """Return the rule that a real path breaks, and why; two empty texts for a path of the application."""
    if posixpath.basename(path) in SOCKETS or any(_overlap(path, each) for each in place.engine):
        return SOCKET, ""
    if any(_overlap(path, other) for other in place.others):
        return PATH, "it belongs to another application, or contains one"
    if _is_within(place.root, path):
        return PATH, "it contains the application's own root, with its documents and secrets"
    if _is_within(path, place.root):
        return ("", "") if _is_own(posixpath.relpath(path, place.root)) else (PATH, "it is Switchyard's own")
    if place.home != "/" and _is_below(path, place.home):
        is_hidden = posixpath.relpath(path, place.home).startswith(".")
        return (PATH, "it holds private files of the user who deploys") if is_hidden else ("", "")
    if any(_is_within(path, each) for each in READ):
        return ("", "") if read_only else (PATH, "it is the system's: mount it read-only")
    return ("", "") if any(_is_below(path, each) for each in STATE) else (PATH, "")


def _is_own(path: str) -> bool:
    """Return whether a path below the root is data, a file of a release or a secret of its build, or a shared file."""
    parts = path.split("/")
    return (
        (parts[0] == "data" and len(parts) > 1)
        or (parts[0] == "releases" and len(parts) > 2 and parts[2] in ("files", "secrets"))
        or parts[:2] == ["shared", "files"]
    )


def reached_by_keys(service: Service) -> Iterator[Reach]:
    """Yield what the keys of a service reach, its paths apart."""
    name = service.name
    if service.privileged or service.setting("use_api_socket"):
        rule, key = (PRIVILEGED, "privileged") if service.privileged else (SOCKET, "use_api_socket")
        yield Reach(rule, name, key, key)
    for capability in service.cap_add:
        plain = capability.upper().removeprefix("CAP_")
        if plain not in CAPABILITIES:
            yield Reach(PRIVILEGED if plain == "ALL" else CAPABILITY, name, f"cap_add: {capability}", plain)
    for option in _words(service.setting("security_opt")):
        if option not in OPTIONS:
            yield Reach(OPTION, name, f"security_opt: {option}", option)
    for key in ("devices", "device_cgroup_rules", "gpus"):
        if service.setting(key) and not (key == "gpus" and _are_gpus(service.setting(key))):
            yield Reach(DEVICE, name, key, key)
    if not _are_gpus(_reserved_devices(service)):
        yield Reach(DEVICE, name, "deploy.resources.reservations.devices", "reservations")
    yield from _namespaces(service)
    yield from _hooks(service)
    yield from _logging(service)
    if service.setting("oom_kill_disable") or str(service.setting("oom_score_adj") or "").startswith("-"):
        yield Reach(OPTION, name, "oom_score_adj", "oom", "short of memory, the host would end everybody else first")


def _namespaces(service: Service) -> Iterator[Reach]:
    for key in ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"):
        value = str(service.setting(key) or "")
        if value == "host" or value.startswith("container:"):
            yield Reach(NAMESPACE, service.name, f"{key}: {value}", key)
    for key in ("cgroup_parent", "credential_spec", "volumes_from", "external_links"):
        if service.setting(key):
            yield Reach(NAMESPACE, service.name, key, key)
    if service.setting("runtime") not in (None, "", *RUNTIMES):
        yield Reach(NAMESPACE, service.name, f"runtime: {service.setting('runtime')}", "runtime")
    for mount in service.mounts:
        if mount.type not in MOUNTS:
            yield Reach(NAMESPACE, service.name, f"volumes: type: {mount.type}", "volumes")
        if Section.of(mount.bind, "bind").text("propagation") in ("shared", "rshared"):
            yield Reach(NAMESPACE, service.name, f"volumes: {mount.source}: propagation", "propagation")


def _logging(service: Service) -> Iterator[Reach]:
    """Yield what the engine, which is root, would write a service's log to, or read for that."""
    logging = service.logging
    if logging is None:
        return
    if logging.driver and logging.driver not in LOGGERS:
        yield Reach(NAMESPACE, service.name, f"logging.driver: {logging.driver}", "logging")
    for option, value in logging.options.items():
        if value.lower().startswith(("/", "unix", "file:")):
            yield Reach(NAMESPACE, service.name, f"logging.options.{option}: {value}", "logging")


def _hooks(service: Service) -> Iterator[Reach]:
    for key in ("post_start", "pre_stop"):
        if any(Section.of(hook, key).has("privileged") for hook in _mappings(service.setting(key))):
            yield Reach(PRIVILEGED, service.name, f"{key}: privileged", key)


def reached_by_build(service: Service) -> Iterator[Reach]:
    """Yield what the build of a service reaches on the host, which builds it."""
    build = Section.of(service.build.raw if service.build is not None else None, f"{service.name}.build")
    network = build.spelled("network")
    if network not in ("", "default", "none"):
        yield Reach(NAMESPACE, service.name, f"build.network: {network}", "build.network")
    for key in ("privileged", "entitlements"):
        if build.has(key):
            yield Reach(PRIVILEGED, service.name, f"build.{key}", f"build.{key}")


def _reserved_devices(service: Service) -> Json:
    deploy = Section.of(service.deploy.raw, f"{service.name}.deploy")
    return deploy.section("resources").section("reservations").raw.get(RESERVED)


def _are_gpus(value: Json) -> bool:
    """Return whether devices are asked for as GPUs of the engine's own driver alone."""
    devices = [Section.of(each, "devices") for each in _mappings(value)]
    return value in (None, "all") or all(
        each.spelled("driver") in ("", "nvidia")
        and (not each.has("capabilities") or "gpu" in each.words("capabilities"))
        for each in devices
    )


def _mappings(value: Json) -> Sequence[Mapping[str, Json]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, (list, tuple)) else []


def _words(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else []


def _overlap(one: str, other: str) -> bool:
    return _is_within(one, other) or _is_within(other, one)


def _is_below(path: str, folder: str) -> bool:
    return path != folder and _is_within(path, folder)


def _is_within(path: str, folder: str) -> bool:
    return folder in ("/", path) or path.startswith(f"{folder}/")
