"""PostgreSQL and Redis answer on the host, with the very credentials that ship."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg

from switchyard.checks import forward, waive, written
from switchyard.checks.check import Check, Finding, Result, Subject, never, skipped, unknown
from switchyard.core.errors import NotChecked
from switchyard.core.kinds import kinds

RULES = ("service-refuses", "service-stopped")
POSTGRES = ("postgres", "postgresql", "postgis", "timescaledb", "pgvector")
REDIS = ("redis", "valkey", "redis-stack-server")
ANSWERS_WITHIN = 10
"""Seconds in which a server must answer."""
REFUSED = ("28P01", "28000", "3D000", "42501")
"""What PostgreSQL says of a wrong password, a role, a database or a right that is not there."""
REDIS_REFUSES = re.compile(r"-(?:WRONGPASS|NOAUTH|ERR .*(?:password|auth))", re.IGNORECASE)
"""What Redis says of credentials; -ERR alone says as well that it has too many clients."""
PARTS = (("USER", "USERNAME"), ("PASSWORD", "PASS", "PWD"), ("DATABASE", "DB", "NAME", "DBNAME"))
"""How the variables of a user, a password and a database end, beside one that ends in HOST."""
STATE = re.compile(rb"V(?:FATAL|ERROR)\x00C([0-9A-Z]{5})\x00")


@dataclass(frozen=True)
class Credentials:
    """How somebody connects to a server of the application."""

    by: str
    """The services and variables that say so."""
    user: str = ""
    password: str = ""
    database: str = ""


def run(subject: Subject) -> Result:
    """One real query to each server, as each of those who connect to it."""
    if subject.host is None or subject.line is None:
        return skipped("the services are a host's: name it with --host")
    if subject.facts.get("live") is None:
        return skipped(f"nothing is live on {subject.host}: the first deploy starts what is to answer")
    if subject.document is None:
        return unknown(subject.unresolved)
    servers = dict(_servers(subject))
    if not servers:
        return skipped("the compose document has no PostgreSQL and no Redis that is shared")
    found, asked, problems = [], [], []
    for name, service in servers.items():
        running = [each for each in subject.facts["shared"] if each["service"] == name and each["kind"] == "shared"]
        if not running:
            asked.append(f"{name} is new and starts with this deploy")
            continue
        if not any(each["running"] for each in running):
            what = f"{name} does not run on {subject.host}"
            do = f"look at inv logs --host {subject.host}, and start it there"
            found.append((name, Finding("service-stopped", what, place=name, do=do, text=name)))
            continue
        try:
            findings, words = _asked(subject, name, service, next(each for each in running if each["running"]))
            found += [(name, finding) for finding in findings]
            asked.append(words)
        except NotChecked as error:
            problems.append(f"{name}: {error}")
    if not asked and not found and not problems:
        return unknown("no server was asked")
    return waive.judge(subject, RULES, found, asked, problems)


def _servers(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any]]]:
    assert subject.document is not None
    found, _ = kinds(subject.document, subject.app)
    for name, service in (subject.document.get("services") or {}).items():
        is_shared = name in found and found[name].kind == "shared" and not service.get("profiles")
        if is_shared and image_of(service) in POSTGRES + REDIS:
            yield name, service


def image_of(service: Mapping[str, Any]) -> str:
    """The last part of an image's name, without its tag."""
    return str(service.get("image", "")).split("@")[0].rsplit("/", 1)[-1].split(":")[0]


def _asked(
    subject: Subject, name: str, service: Mapping[str, Any], running: Mapping[str, Any]
) -> tuple[list[Finding], str]:
    """What a server refuses, and a sentence on what was asked."""
    if not running["addresses"]:
        raise NotChecked(f"it has no address on {subject.host}")
    is_postgres = image_of(service) in POSTGRES
    port = 5432 if is_postgres else 6379
    way = forward.Forward(subject, running["addresses"][0], port)
    everyone = list(_of_postgres(subject, name, service) if is_postgres else _of_redis(subject, name, service))
    if not everyone:
        raise NotChecked("no service's environment says how it connects: by DB_HOST and DB_PASSWORD, or by an address")
    findings, version = [], ""
    for one in everyone:
        refused, version = (_query if is_postgres else _ping)(way, port, one)
        if refused:
            what = f"{name} refuses what {one.by} connects with: {refused}"
            do = "a server keeps the password that it was made with: correct the env, or change it in the server first"
            findings.append(Finding("service-refuses", what, place=name, do=do, text=one.by))
    return findings, f"{name} ({version or running['image']}) answers {', '.join(one.by for one in everyone)}"


def _environment(service: Mapping[str, Any]) -> dict[str, str]:
    """A service's variables as its processes see them."""
    return {name: value.replace("$$", "$") for name, value in written.pairs(service.get("environment")).items()}


def _clients(subject: Subject) -> Iterator[tuple[str, dict[str, str]]]:
    assert subject.document is not None
    for name, service in (subject.document.get("services") or {}).items():
        if not service.get("profiles"):
            yield name, _environment(service)


def _distinct(found: Iterator[tuple[str, str, str, str]]) -> Iterator[Credentials]:
    """Each way to connect once, with all who use it."""
    ways: dict[tuple[str, str, str], list[str]] = {}
    for by, user, password, database in found:
        ways.setdefault((user, password, database), []).append(by)
    for (user, password, database), everyone in ways.items():
        yield Credentials(", ".join(dict.fromkeys(everyone)), user, password, database)


def _of_postgres(subject: Subject, name: str, service: Mapping[str, Any]) -> Iterator[Credentials]:
    """Those of the server's own variables, and of every service that names it in parts or in an address."""

    def found() -> Iterator[tuple[str, str, str, str]]:
        own = _environment(service)
        owner = own.get("POSTGRES_USER") or "postgres"
        first = own.get("POSTGRES_DB") or owner
        if "POSTGRES_PASSWORD" in own:
            yield f"{name} (POSTGRES_PASSWORD)", owner, own["POSTGRES_PASSWORD"], first
        elif own.get("POSTGRES_HOST_AUTH_METHOD") == "trust":
            yield f"{name} (POSTGRES_HOST_AUTH_METHOD)", owner, "", first
        for client, values in _clients(subject):
            for variable, given, password, database in _parts(values, name):
                # libpq takes the user for a database that nothing names; a program has one that it was written for.
                user, usual = (given or "postgres",) * 2 if variable == "PGPASSWORD" else (given or owner, first)
                yield f"{client} ({variable})", user, password, database or usual
            for variable, user, password, database in _addresses(values, name, "postgres"):
                yield f"{client} ({variable})", user, password, database or user

    yield from _distinct(found())


def _of_redis(subject: Subject, name: str, service: Mapping[str, Any]) -> Iterator[Credentials]:
    """Those of every service that names it in an address, and the password of its own command."""

    def found() -> Iterator[tuple[str, str, str, str]]:
        for client, values in _clients(subject):
            for variable, user, password, database in (*_addresses(values, name, "redis"), *_parts(values, name)):
                yield f"{client} ({variable})", user, password, database
        given = service.get("command") or []
        words = given.split() if isinstance(given, str) else [str(word) for word in given]
        if "--requirepass" in words[:-1]:
            yield f"{name} (--requirepass)", "", words[words.index("--requirepass") + 1].replace("$$", "$"), ""

    everyone = list(_distinct(found()))
    yield from everyone or [Credentials("a client without a password")]


def _parts(values: Mapping[str, str], host: str) -> Iterator[tuple[str, str, str, str]]:
    """The password's variable, user, password and database of each server that is named as ``DB_HOST`` beside them."""
    for variable, value in values.items():
        start = variable.removesuffix("HOST")
        if start == variable or value.partition(":")[0] != host:
            continue
        user, password, database = (next((start + end for end in ends if start + end in values), "") for ends in PARTS)
        if password:
            yield password, values.get(user, ""), values[password], values.get(database, "")


def _addresses(values: Mapping[str, str], host: str, scheme: str) -> Iterator[tuple[str, str, str, str]]:
    """Variable, user, password and database of each address that leads to a server."""
    for variable, value in values.items():
        try:
            parts = urlsplit(value)
            if not parts.scheme.startswith(scheme) or parts.hostname != host.lower():
                continue
        except ValueError:
            continue
        query = parse_qs(parts.query)
        password = unquote(parts.password or "") or query.get("password", [""])[0]
        yield variable, unquote(parts.username or ""), password, unquote(parts.path.lstrip("/"))


def _query(way: forward.Forward, port: int, one: Credentials) -> tuple[str, str]:
    """Why PostgreSQL refuses, if it does, and its version."""
    try:
        with psycopg.connect(
            host=str(way.folder),
            port=port,
            user=one.user,
            password=one.password,
            dbname=one.database,
            connect_timeout=ANSWERS_WITHIN,
            application_name="switchyard",
            autocommit=True,
        ) as connection:
            connection.execute("SELECT 1")
            version = connection.info.server_version
            return "", f"PostgreSQL {version // 10000}.{version % 10000}"
    except psycopg.Error as error:
        said = str(error).strip().splitlines()[-1].rpartition("failed: ")[2]
        state = STATE.search(way.heard)
        if state and state[1].decode() in REFUSED:
            return said, ""
        raise NotChecked(f"no answer to a query: {said}") from None


def _ping(way: forward.Forward, port: int, one: Credentials) -> tuple[str, str]:
    """Why Redis refuses, if it does, and what it is."""
    words = [["AUTH", *([one.user] if one.user else []), one.password]] if one.password else []
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(ANSWERS_WITHIN)
            wire.connect(str(way.path))
            answers = wire.makefile("rb")
            for command in (*words, ["PING"]):
                parts = [word.encode() for word in command]
                wire.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
                answer = answers.readline().decode(errors="replace").strip()
                # Who may not PING is known all the same.
                if not answer.startswith(("+", "-NOPERM")):
                    return _refusal(answer), ""
    except OSError as error:
        raise NotChecked(f"no answer to PING within {ANSWERS_WITHIN} s: {error}") from None
    return "", "Redis"


def _refusal(answer: str) -> str:
    """What Redis refuses for. Raises ``NotChecked`` for what is no refusal: it loads its data, or says nothing."""
    if REDIS_REFUSES.match(answer):
        return answer[1:]
    raise NotChecked(f"it answered {answer or 'nothing'}")


CHECK = Check(
    name="services",
    group="configuration",
    proves="PostgreSQL and Redis of the host answer a query with the credentials that ship",
    needs="--host, and a release that is live there",
    run=run,
    source=Path(__file__),
    lasts=never,
    waits=True,
    machines=lambda subject: subject.machines,
)
