"""PostgreSQL and Redis on the host answer a query with the credentials that ship."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from switchyard.control.tunnel import Tunnel
from switchyard.core.compose_document import Service
from switchyard.core.errors import NotChecked
from switchyard.core.images import POSTGRES, REDIS
from switchyard.core.kind_inference import infer
from switchyard.core.kinds import is_in_shared_project
from switchyard.core.wire.answers import ContainerAddress
from switchyard.predeploy.configuration import postgres_login, redis_login
from switchyard.predeploy.configuration.logins import Clients, Login
from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.reach import container_files
from switchyard.predeploy.reach.tunnel import tunnel_to

RULES = ("service-refuses",)


@dataclass
class Examination:
    """What the check learned about one server."""

    findings: list[Finding] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """Sentences about what answered."""
    problems: list[str] = field(default_factory=list)
    """What could not be checked."""


def run(subject: Subject) -> Result:
    """Run one query on each server, once for each service that logs in to it."""
    if subject.host is None:
        return skipped("the services run on a host: name one with --host")
    if subject.live is None:
        return skipped(f"nothing is live on {subject.host}: the first deploy starts its servers")
    if subject.document is None:
        return unknown(subject.unresolved)
    servers = dict(_servers(subject))
    if not servers:
        return skipped("the compose document has no shared PostgreSQL or Redis")
    findings, answers, problems = [], [], []
    for name, server in servers.items():
        shared = [container for container in subject.containers if _is_shared(container, name)]
        examination = _examine(subject, name, server, shared)
        findings += [(name, finding) for finding in examination.findings]
        answers += examination.answers
        problems += [f"{name}: {problem}" for problem in dict.fromkeys(examination.problems)]
    if not answers and not findings and not problems:
        return unknown("no server was asked")
    return waivers.judge(subject, RULES, findings, answers, problems)


def _servers(subject: Subject) -> Iterator[tuple[str, Service]]:
    """Yield each shared PostgreSQL or Redis of the compose document."""
    assert subject.document is not None
    kinds, _ = infer(subject.document, subject.app, subject.images)
    for name, service in subject.document.enabled.items():
        if name in kinds and kinds[name].traits.own_project and service.image_name in POSTGRES + REDIS:
            yield name, service


def _is_shared(container: ContainerAddress, name: str) -> bool:
    return container.service == name and is_in_shared_project(container.kind)


def _examine(subject: Subject, name: str, server: Service, containers: list[ContainerAddress]) -> Examination:
    if not containers:
        return Examination(answers=[f"{name} is new and starts with this deploy"])
    running = next((container for container in containers if container.running), None)
    if running is None:
        return Examination(answers=[f"{name} does not run on {subject.host}, and a deploy starts it first"])
    if not running.addresses:
        return Examination(problems=[f"it has no address on {subject.host}"])
    return _log_in(subject, name, server, running)


def _log_in(subject: Subject, name: str, server: Service, container: ContainerAddress) -> Examination:
    """Try each login of the application's services."""
    is_postgres = server.image_name in POSTGRES
    clients = Clients(subject)
    examination = Examination(problems=clients.problems)
    logins = list((postgres_login if is_postgres else redis_login).logins(clients, name, server))
    if not logins and not clients.problems:
        clients.problems.append(
            "no service's environment says how it connects: by DB_HOST and DB_PASSWORD, or by an address"
        )
    answered, version = [], ""
    tunnels: dict[int, Tunnel] = {}
    for login in logins:
        port = login.port or (postgres_login.PORT if is_postgres else redis_login.PORT)
        try:
            if port not in tunnels:
                tunnels[port] = tunnel_to(subject, container.addresses[0], port)
            if is_postgres:
                refusal, answer = postgres_login.try_login(tunnels[port], port, login)
            else:
                texts = container_files.read_files(subject, login.tls.client, login.tls.files) if login.tls else {}
                refusal, answer = redis_login.try_login(tunnels[port], login, texts)
        except NotChecked as error:
            examination.problems.append(str(error))
            continue
        answered.append(login.used_by)
        version = answer or version
        if refusal:
            examination.findings.append(_refused(name, login, refusal))
    if answered:
        examination.answers.append(f"{name} ({version or container.image}) answers {', '.join(answered)}")
    return examination


def _refused(name: str, login: Login, refusal: str) -> Finding:
    what = f"{name} refuses the credentials of {login.used_by}: {refusal}"
    do = "correct the env, or change the password in the server first: a server keeps the one that it was created with"
    if login.tls is not None and refusal.startswith("TLS"):
        do = "correct the options of the address, or the certificates"
    return Finding("service-refuses", what, place=name, do=do, text=login.used_by)


CHECK = Check(
    name="services",
    group="configuration",
    proves="the host's PostgreSQL and Redis answer a query with the credentials that ship",
    needs="--host, and a live release there",
    run=run,
    source=Path(__file__),
    lasts=never,
    waits=True,
    per_machine=Subject.per_machine,
)
