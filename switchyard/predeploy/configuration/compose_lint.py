"""Lint the compose file. Each rule has a name, a reason, and a way to fix what breaks it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from switchyard.core import host_reach
from switchyard.core.compose_document import Service, WrittenService
from switchyard.core.errors import BadInput
from switchyard.core.images import POSTGRES_BY_DISTRIBUTION, ImageReference
from switchyard.core.kind_inference import infer
from switchyard.core.kinds import Kind
from switchyard.core.regular_file import read_regular
from switchyard.predeploy.engine import compose_source, waivers
from switchyard.predeploy.engine.check import FOREVER, Check
from switchyard.predeploy.engine.result import Finding, Result, unknown
from switchyard.predeploy.engine.secret_patterns import is_public, is_secret_name, passwords
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.yaml_file import line_of

REACH = {rule: reason for rule, reason in host_reach.RULES.items() if rule != host_reach.PATH}
"""What a service reaches of any host; only a machine tells what a path is."""
ERRORS = (*REACH, "secret-in-file", "open-port")
"""The rules whose findings are errors; those of the others are warnings."""
OPERATORS = " with app.predeploy.waive of the control node's own settings, which a commit cannot do"
RULES = {
    **{rule: f"{reason}: remove it, or allow it{OPERATORS}" for rule, reason in REACH.items()},
    "secret-in-file": "every clone and every release contains it: write ${NAME:?} and set NAME in the host's env",
    "open-port": "Docker's rules bypass the host's firewall: publish the port on 127.0.0.1, or not at all, since "
    "services reach each other by name",
    "latest": "the image changes without a commit: name a version",
    "unpinned-database": "the tag moves to another Debian release, whose glibc sorts text differently, and indexes are "
    "wrong until they are rebuilt: name minor version and distribution (postgres:17.2-bookworm), or a digest",
    "no-health-check": "a release goes live when it is healthy, and without a health check an open port must do: "
    "declare a healthcheck, or a probe under app.checks",
    "unbounded-log": "the log fills the host's disk: set logging.options.max-size, or remove logging, and Switchyard "
    "sets a limit",
    "root": "whoever breaks out of the process is root in the container: end the Dockerfile with USER, or set user",
}
"""What each rule says about a finding: the reason, and what to do."""
SOCKET_PATHS = ("/", "/run", "/var/run", "/run/docker.sock", "/var/run/docker.sock")
"""Mounts that contain the engine's socket."""
PINNED = re.compile(r"\d+\.\d+.*-(?:bookworm|trixie|bullseye|forky|alpine\d)")
"""Tags of PostgreSQL images whose server and distribution stay the same."""
PASSWORD_FLAG = re.compile(r"--(?:requirepass|masterauth|password|pass)(?:[ =]+|$)(\S*)")
BOUNDED_DRIVERS = ("local", "journald", "syslog", "none", "fluentd", "gelf", "awslogs", "gcplogs", "splunk", "loki")
"""Logging drivers that limit what they keep, or keep nothing on the host's disk."""
MAX_SIZE = "max-size"
ROOT = ("0", "root")


@dataclass(frozen=True)
class LintedService:
    """A service as Compose resolves it, with the file's own text of it."""

    kind: Kind | None
    """None where only the service's owner knows it."""
    resolved: Service
    written: WrittenService
    subject: Subject

    @property
    def name(self) -> str:
        return self.resolved.name


@dataclass(frozen=True)
class Violation:
    """A rule that a service breaks, and the key that breaks it."""

    rule: str
    what: str
    key: str = ""
    entry: str = ""
    """The name below the key, such as a variable's."""
    thing: str = ""
    """What a waiver may name beside the service."""


def run(subject: Subject) -> Result:
    """Apply each rule to each service that a release runs."""
    if subject.document is None:
        return unknown(subject.unresolved)
    written = compose_source.services(subject)
    kinds, _ = infer(subject.document, subject.app, subject.images)
    empty = WrittenService.decode({}, "")
    services = [
        LintedService(kinds[name].traits if name in kinds else None, service, written.get(name, empty), subject)
        for name, service in subject.document.enabled.items()
    ]
    if not services:
        return unknown(f"{subject.app.compose} has no service that a release would run")
    text = read_regular(str(subject.folder / subject.app.compose), os).decode(errors="replace")
    findings = [
        (f"{service.name}:{violation.thing}".rstrip(":"), _finding(service, violation, text))
        for service in services
        for violation in _violations(service)
    ]
    counts = [f"{len(services)} services of {subject.app.compose}", f"{len(RULES)} rules"]
    return waivers.judge(subject, RULES, findings, counts)


def _violations(service: LintedService) -> Iterator[Violation]:
    yield from _privileges(service)
    yield from _secrets(service)
    yield from _ports(service)
    yield from _image(service)
    yield from _operation(service)


def _privileges(service: LintedService) -> Iterator[Violation]:
    resolved = service.resolved
    for mount in resolved.mounts:
        path = mount.source.rstrip("/") or "/"
        if mount.type == "bind" and mount.source.startswith("/") and path in SOCKET_PATHS:
            yield Violation("docker-socket", f"it mounts {path}", "volumes", thing=path)
    for reach in (*host_reach.reached_by_keys(resolved), *host_reach.reached_by_build(resolved)):
        yield Violation(reach.rule, reach.what, reach.what.partition(":")[0], thing=reach.thing)
    reason = _reason_for_root(service)
    if reason:
        yield Violation("root", reason, "user" if resolved.user else "build")


def _reason_for_root(service: LintedService) -> str:
    """Say why the process runs as root; return an empty text if it does not, or if only the image could tell."""
    user = service.resolved.user
    if user is not None:
        return "it runs as root" if user.split(":")[0] in ROOT else ""
    recipe = service.subject.images.recipes.get(service.name)
    if recipe is None:
        return ""
    if not recipe.user:
        return "its Dockerfile has no USER, so it runs as root unless the base image sets another user"
    return "its Dockerfile ends with USER root" if recipe.user.split(":")[0] in ROOT else ""


def _secrets(service: LintedService) -> Iterator[Violation]:
    written = service.written
    pairs = {"environment": written.environment, "labels": written.labels, "build": written.build_args}
    for key, values in pairs.items():
        for name, value in values.items():
            if _is_secret(name, value):
                yield Violation("secret-in-file", f"the file contains the value of {name}", key, name)
            elif passwords(value.replace("$$", "")):
                yield Violation("secret-in-file", f"the address in {name} contains a password", key, name)
    for key, command in {"command": written.command, "entrypoint": written.entrypoint}.items():
        flag = PASSWORD_FLAG.search(command)
        if (flag and flag[1] and not flag[1].startswith("$")) or passwords(command):
            yield Violation("secret-in-file", f"its {key} contains a password", key)


def _is_secret(name: str, value: str) -> bool:
    """Tell whether the file itself contains a secret, as a value or as a variable's default."""
    literal = _literal(value)
    return is_secret_name(name) and bool(literal) and not is_public(literal)


def _literal(value: str) -> str:
    """Replace each variable by its default, however deep it is nested, or by nothing."""
    before, value = "", re.sub(r"\$\w+", "", value.replace("$$", "¤"))
    while before != value:
        before, value = value, re.sub(r"\$\{\w+(?::?[-+]([^{}]*)|:?\?[^{}]*)?\}", lambda match: match[1] or "", value)
    return value


def _ports(service: LintedService) -> Iterator[Violation]:
    if service.kind is not None and service.kind.behind_edge:
        return
    for port in service.resolved.ports:
        if port.is_on_every_address:
            published = f"port {port.published}" if port.published else "a free port"
            yield Violation("open-port", f"it is not routed, and publishes {published} on every address", "ports")


def _image(service: LintedService) -> Iterator[Violation]:
    image = service.resolved.image
    if not image or service.resolved.build is not None:
        return
    reference = ImageReference.parse(image)
    if not reference.digest and reference.tag in ("", "latest"):
        yield Violation("latest", f"{image} names no version", "image")
    elif reference.name in POSTGRES_BY_DISTRIBUTION and not (PINNED.fullmatch(reference.tag) or reference.digest):
        yield Violation("unpinned-database", f"the tag of {image} moves", "image")


def _operation(service: LintedService) -> Iterator[Violation]:
    resolved = service.resolved
    keeps_running = service.kind is not None and not service.kind.runs_once
    if keeps_running and service.name not in service.subject.app.checks and not _has_health_check(service):
        yield Violation("no-health-check", "nothing tells whether it is healthy", "healthcheck")
    logging = resolved.logging
    if logging is not None and logging.driver not in BOUNDED_DRIVERS and not logging.options.get(MAX_SIZE):
        yield Violation("unbounded-log", "its log has no size limit", "logging")


def _has_health_check(service: LintedService) -> bool:
    check = service.resolved.healthcheck
    if check is not None:
        return bool(check.test) and not check.is_off
    recipe = service.subject.images.recipes.get(service.name)
    return recipe is not None and bool(recipe.healthcheck) and recipe.healthcheck.upper() != "NONE"


def _finding(service: LintedService, violation: Violation, text: str) -> Finding:
    path = [part for part in ("services", service.name, violation.key, violation.entry) if part]
    return Finding(
        violation.rule,
        f"service {service.name}: {violation.what}",
        place=service.subject.app.compose,
        line=_line(text, path),
        do=RULES[violation.rule],
        severity="error" if violation.rule in ERRORS else "warn",
        text=f"{service.name}: {violation.key} {violation.entry}".strip(),
    )


def _line(text: str, path: list[str]) -> int | None:
    """Return the line of a key; None in a file of several documents."""
    try:
        return line_of(text, path)
    except BadInput:
        return None


def _lasts(subject: Subject) -> float:
    """Return how long a pass is valid: with a host not at all, since no cache may contain its env."""
    return 0.0 if subject.host else FOREVER


CHECK = Check(
    name="compose",
    group="code",
    proves="no service of the compose file is root on the host or open to the network, and the file contains no secret",
    needs="Docker Compose without an engine; app.predeploy.waive for findings that are intended",
    run=run,
    source=Path(__file__),
    lasts=_lasts,
)
