"""A lint of the compose document: each rule with a name, a reason, and a waiver that needs one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from switchyard.core.compose_document import EVERY_ADDRESS
from switchyard.core.images import POSTGRES_BY_DISTRIBUTION
from switchyard.core.kinds import infer, kind_named
from switchyard.predeploy.engine import compose_source as written
from switchyard.predeploy.engine import waivers as waive
from switchyard.predeploy.engine.check import FOREVER, Check
from switchyard.predeploy.engine.result import Finding, Result, unknown
from switchyard.predeploy.engine.secret_patterns import is_public, is_secret_name, passwords
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.yaml_file import line_of

ERRORS = ("docker-socket", "privileged", "secret-in-file", "open-port")
RULES = {
    "docker-socket": "who writes to the engine's socket is root on the host; give the service what it needs otherwise",
    "privileged": "a container with every right is root on the host; name the capabilities or devices that it needs",
    "secret-in-file": "it is in every clone and release; write ${NAME:?} and set it in the host's env",
    "open-port": "Docker's rules pass by the host's firewall; publish it on 127.0.0.1, or not at all: services reach "
    "each other by name",
    "latest": "what it names changes without a commit; name a version",
    "unpinned-database": "the tag moves to another Debian, whose glibc sorts text in another order, and indexes are "
    "wrong until they are rebuilt; name minor version and distribution (postgres:17.2-bookworm), or a digest",
    "no-health-check": "a release goes live when it is healthy, and without a check an open port must do; declare a "
    "healthcheck, or a probe under app.checks",
    "unbounded-log": "it fills the host's disk; set logging.options.max-size, or leave logging out: Switchyard then "
    "gives it a bounded one",
    "root": "what breaks out of the process is root in the container; end the Dockerfile with USER, or set user",
    "host-namespace": "it reaches what is the host's, and two colours of it cannot run side by side; use a network of "
    "the application",
}
"""Rule to its reason and what to do about it."""
SOCKETS = ("/", "/run", "/var/run", "/run/docker.sock", "/var/run/docker.sock")
PINNED = re.compile(r"\d+\.\d+.*-(?:bookworm|trixie|bullseye|forky|alpine\d)|.*@sha256:")
"""A PostgreSQL image whose server and distribution stay what they are."""
PASSWORD_FLAG = re.compile(r"--(?:requirepass|masterauth|password|pass)(?:[ =]+|$)(\S*)")
ROTATED = ("local", "journald", "syslog", "none", "fluentd", "gelf", "awslogs", "gcplogs", "splunk", "loki")
"""Drivers that bound what they keep, or keep nothing on the host's disk by themselves."""


@dataclass(frozen=True)
class Service:
    """A service, as it is filled in and as it is written."""

    name: str
    kind: str
    filled: Mapping[str, Any]
    raw: Mapping[str, Any]
    subject: Subject


def run(subject: Subject) -> Result:
    """Every rule on every service that a release runs."""
    if subject.document is None:
        return unknown(subject.unresolved)
    raw = written.document(subject).get("services") or {}
    found, _ = infer(subject.document, subject.app)
    services = [
        Service(name, found[name].kind if name in found else "", service.raw, raw.get(name) or {}, subject)
        for name, service in subject.document.enabled.items()
    ]
    if not services:
        return unknown(f"{subject.app.compose} has no service that a release would run")
    text = (subject.folder / subject.app.compose).read_text(errors="replace")
    hits = [(service.name, _finding(service, hit, text)) for service in services for hit in _hits(service)]
    looked = [f"{len(services)} services of {subject.app.compose}", f"{len(RULES)} rules"]
    return waive.judge(subject, RULES, hits, looked)


@dataclass(frozen=True)
class Hit:
    """A rule that a service breaks, and the key of the service that does it."""

    rule: str
    what: str
    key: str = ""
    entry: str = ""


def _hits(service: Service) -> Iterator[Hit]:
    yield from _rights(service)
    yield from _secrets(service)
    yield from _ports(service)
    yield from _image(service)
    yield from _operation(service)


def _rights(service: Service) -> Iterator[Hit]:
    filled = service.filled
    for mount in filled.get("volumes") or ():
        source = str(mount.get("source", "")).rstrip("/") or "/"
        if mount.get("type") == "bind" and str(mount.get("source", "")).startswith("/") and source in SOCKETS:
            yield Hit("docker-socket", f"it mounts {source}", "volumes")
    if filled.get("privileged"):
        yield Hit("privileged", "it is privileged", "privileged")
    if any(str(right).upper() in ("ALL", "CAP_ALL") for right in filled.get("cap_add") or ()):
        yield Hit("privileged", "it has every capability", "cap_add")
    for key in ("network_mode", "pid", "ipc", "userns_mode"):
        if filled.get(key) == "host":
            yield Hit("host-namespace", f"{key} is the host's", key)
    why = _is_root(service)
    if why:
        yield Hit("root", why, "user" if filled.get("user") else "build")


def _is_root(service: Service) -> str:
    """Why its process is root; nothing where it is not, or where only its image could tell."""
    user = service.filled.get("user")
    if user is not None:
        return "it runs as root" if str(user).split(":")[0] in ("0", "root") else ""
    if _dockerfile(service) is None:
        return ""
    user = _last(service, "USER")
    if user is None:
        return "its Dockerfile names no USER, so it runs as root unless its base image says otherwise"
    return "its Dockerfile ends as USER root" if user.split(":")[0] in ("0", "root") else ""


def _dockerfile(service: Service) -> str | None:
    """The text of the Dockerfile that it is built from; None where there is none to read."""
    build = service.filled.get("build")
    if build is None:
        return None
    build = {"context": build} if isinstance(build, str) else build
    if "dockerfile_inline" in build:
        return str(build["dockerfile_inline"])
    path = service.subject.folder / str(build.get("context") or ".") / str(build.get("dockerfile") or "Dockerfile")
    return path.read_text(errors="replace") if path.is_file() else None


def _last(service: Service, instruction: str) -> str | None:
    """What the stage that runs says last with an instruction, or the stages that it is built on."""
    said: dict[str, str | None] = {}
    stage, value = "", None
    build = service.filled.get("build")
    target = build.get("target") if isinstance(build, Mapping) else None
    for line in (_dockerfile(service) or "").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0].upper() == "FROM":
            said[stage] = value
            if target and stage == target:
                return value
            names = [word for word in words[1:] if not word.startswith("--")]
            stage = names[2] if len(names) > 2 else ""
            value = said.get(names[0]) if names else None
        elif words[0].upper() == instruction:
            value = " ".join(words[1:])
    return value


def _secrets(service: Service) -> Iterator[Hit]:
    raw = service.raw
    build = raw.get("build")
    args = build.get("args") if isinstance(build, Mapping) else None
    for key, part in (("environment", raw.get("environment")), ("labels", raw.get("labels")), ("build", args)):
        for name, value in written.pairs(part).items():
            if _is_secret(name, value):
                yield Hit("secret-in-file", f"the value of {name} stands in the file", key, name)
            elif passwords(value.replace("$$", "")):
                yield Hit("secret-in-file", f"{name} has a password in its address", key, name)
    for key in ("command", "entrypoint"):
        given = raw.get(key)
        words = given if isinstance(given, str) else " ".join(map(str, given or ()))
        flag = PASSWORD_FLAG.search(words)
        if (flag and flag[1] and not flag[1].startswith("$")) or passwords(words):
            yield Hit("secret-in-file", f"a password stands in its {key}", key)


def _is_secret(name: str, value: str) -> bool:
    """Whether the file itself says what a secret is, as its value or as what stands in where nothing sets it."""
    literal = _literal(value)
    return is_secret_name(name) and bool(literal) and not is_public(literal)


def _literal(value: str) -> str:
    """What the file itself says: no variable, but what stands in for one, however deep within another."""
    left, value = "", re.sub(r"\$\w+", "", value.replace("$$", "¤"))
    while left != value:
        left, value = value, re.sub(r"\$\{\w+(?::?[-+]([^{}]*)|:?\?[^{}]*)?\}", lambda found: found[1] or "", value)
    return value


def _ports(service: Service) -> Iterator[Hit]:
    kind = kind_named(service.kind)
    if kind is not None and kind.behind_edge:
        return
    for port in service.filled.get("ports") or ():
        if port.get("host_ip", "0.0.0.0") in {*EVERY_ADDRESS, ""}:
            published = port.get("published") or "a free port"
            what = f"{published} on every address of the host leads to it, and it is not routed"
            yield Hit("open-port", what, "ports")


def _image(service: Service) -> Iterator[Hit]:
    image = str(service.filled.get("image", ""))
    if not image or service.filled.get("build") is not None:
        return
    base = image.split("@")[0].rsplit("/", 1)[-1]
    name, _, tag = base.partition(":")
    if "@" not in image and tag in ("", "latest"):
        yield Hit("latest", f"{image} names no version", "image")
    elif name in POSTGRES_BY_DISTRIBUTION and not PINNED.fullmatch(tag or "") and "@sha256:" not in image:
        yield Hit("unpinned-database", f"{image} moves", "image")


def _operation(service: Service) -> Iterator[Hit]:
    filled = service.filled
    kind = kind_named(service.kind)
    if kind is not None and not kind.runs_once and service.name not in service.subject.app.checks:
        check = filled.get("healthcheck") or {}
        test = check.get("test") or []
        is_off = check.get("disable") or test in (["NONE"], "NONE")
        own = _last(service, "HEALTHCHECK") if not check else None
        if is_off or (not test and (own is None or own.upper() == "NONE")):
            yield Hit("no-health-check", "nothing says whether it is healthy", "healthcheck")
    logging = filled.get("logging")
    if (
        logging
        and logging.get("driver", "json-file") not in ROTATED
        and not (logging.get("options") or {}).get("max-size")
    ):
        yield Hit("unbounded-log", "what it prints is kept without a limit", "logging")


def _finding(service: Service, hit: Hit, text: str) -> Finding:
    path = [part for part in ("services", service.name, hit.key, hit.entry) if part]
    return Finding(
        hit.rule,
        f"service {service.name}: {hit.what}",
        place=service.subject.app.compose,
        line=_line(text, path),
        do=RULES[hit.rule],
        severity="error" if hit.rule in ERRORS else "warn",
        text=f"{service.name}: {hit.key} {hit.entry}".strip(),
    )


def _line(text: str, path: list[str]) -> int | None:
    """The line of a key; None in a file of several documents."""
    try:
        return line_of(text, path)
    except yaml.YAMLError:
        return None


def _lasts(subject: Subject) -> float:
    """With a host the document is made from its env, which no cache may know."""
    return 0.0 if subject.host else FOREVER


CHECK = Check(
    name="compose",
    group="code",
    proves="no service of the compose file is root on the host, open to the network, or holds a secret in the file",
    needs="Docker Compose, no engine; app.predeploy.waive for what is meant",
    run=run,
    source=Path(__file__),
    lasts=_lasts,
)
