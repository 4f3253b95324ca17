"""PostgreSQL and Redis answer on the host, with the very credentials that ship."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg

from switchyard.core.compose_document import Service
from switchyard.core.errors import NotChecked
from switchyard.core.images import POSTGRES, REDIS
from switchyard.core.kinds import infer
from switchyard.core.wire.answers import ContainerAddress
from switchyard.predeploy.engine import waivers as waive
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.reach import container_files as held
from switchyard.predeploy.reach import tunnel as forward

RULES = ("service-refuses", "service-stopped")
ANSWERS_WITHIN = 10
"""Seconds in which a server must answer."""
REFUSED = ("28P01", "28000", "3D000", "42501")
"""What PostgreSQL says of a wrong password, a role, a database or a right that is not there."""
REDIS_REFUSES = re.compile(r"-(?:WRONGPASS|NOAUTH|ERR .*(?:password|auth))", re.IGNORECASE)
"""What Redis says of credentials; -ERR alone says as well that it has too many clients."""
WITHOUT_TLS = re.compile(r"no encryption$|SSL off$")
"""How PostgreSQL's refusal ends where a client that speaks TLS may be taken."""
UNVERIFIED = {"ssl_cert_reqs": ("none", "cert_none"), "skip_verify": ("true",), "insecure_skip_verify": ("true",)}
"""Options of an address with which a client takes any certificate of Redis."""
OPTIONS = ("ssl_cert_reqs", "ssl_check_hostname", *held.TLS)
"""Those that begin with ssl_ and are heeded here."""
OTHER_NAME = 62
"""OpenSSL's code for a certificate of another name."""
PASSFILE_FIELD = re.compile(r"(?:^|(?<=:))((?:\\.|[^:\\])*)")
"""A field of a line of libpq's file of passwords, in which colons and backslashes are escaped."""
STATE = re.compile(rb"V(?:FATAL|ERROR)\x00C([0-9A-Z]{5})\x00")


@dataclass(frozen=True)
class Tls:
    """How a client speaks TLS to Redis, by the options of its address. Files are those of its container."""

    client: str
    """The service."""
    server: str
    """The name by which it calls Redis."""
    options: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, option: str) -> str:
        return dict(self.options).get(option, "")

    @property
    def verifies(self) -> bool:
        """Whether it asks for a certificate that it trusts."""
        return not any(self[option].lower() in values for option, values in UNVERIFIED.items())

    @property
    def files(self) -> list[str]:
        """Those that the options name."""
        return [self[name] for name in held.TLS if self[name]]


@dataclass(frozen=True)
class Credentials:
    """How somebody connects to a server of the application."""

    by: str
    """The services and variables that say so."""
    user: str = ""
    password: str = ""
    database: str = ""
    port: int | None = None
    """The server's, where it is not the usual one."""
    tls: Tls | None = None


def run(subject: Subject) -> Result:
    """One real query to each server, as each of those who connect to it."""
    if subject.host is None:
        return skipped("the services are a host's: name it with --host")
    if subject.live is None:
        return skipped(f"nothing is live on {subject.host}: the first deploy starts what is to answer")
    if subject.document is None:
        return unknown(subject.unresolved)
    servers = dict(_servers(subject))
    if not servers:
        return skipped("the compose document has no PostgreSQL and no Redis that is shared")
    found, asked, problems = [], [], []
    for name, service in servers.items():
        running = [each for each in subject.containers if each.service == name and each.kind == "shared"]
        if not running:
            asked.append(f"{name} is new and starts with this deploy")
            continue
        if not any(each.running for each in running):
            what = f"{name} does not run on {subject.host}"
            do = f"look at inv logs --host {subject.host}, and start it there"
            found.append((name, Finding("service-stopped", what, place=name, do=do, text=name)))
            continue
        findings, words, untold = _asked(subject, name, service, next(each for each in running if each.running))
        found += [(name, finding) for finding in findings]
        asked += words
        problems += [f"{name}: {each}" for each in dict.fromkeys(untold)]
    if not asked and not found and not problems:
        return unknown("no server was asked")
    return waive.judge(subject, RULES, found, asked, problems)


def _servers(subject: Subject) -> Iterator[tuple[str, Service]]:
    assert subject.document is not None
    found, _ = infer(subject.document, subject.app)
    for name, service in subject.document.enabled.items():
        if name in found and found[name].traits.own_project and service.image_name in POSTGRES + REDIS:
            yield name, service


def _asked(
    subject: Subject, name: str, service: Service, running: ContainerAddress
) -> tuple[list[Finding], list[str], list[str]]:
    """What a server refuses, a sentence on what was asked if anything was, and what could not be."""
    if not running.addresses:
        return [], [], [f"it has no address on {subject.host}"]
    is_postgres = service.image_name in POSTGRES
    usual = 5432 if is_postgres else 6379
    problems: list[str] = []
    way_of = _of_postgres if is_postgres else _of_redis
    everyone = list(way_of(subject, name, service, problems))
    if not everyone and not problems:
        problems.append("no service's environment says how it connects: by DB_HOST and DB_PASSWORD, or by an address")
    findings, answered, version = [], [], ""
    ways: dict[int, forward.Forward] = {}
    for one in everyone:
        port = one.port or usual
        try:
            if port not in ways:
                ways[port] = forward.Forward(subject, running.addresses[0], port)
            if is_postgres:
                refused, said = _query(ways[port], port, one)
            else:
                files = held.files(subject, one.tls.client, one.tls.files) if one.tls else {}
                refused, said = _ping(ways[port], one, files)
        except NotChecked as error:
            problems.append(str(error))
            continue
        answered.append(one.by)
        version = said or version
        if refused:
            what = f"{name} refuses what {one.by} connects with: {refused}"
            do = "a server keeps the password that it was made with: correct the env, or change it in the server first"
            if one.tls is not None and refused.startswith("TLS"):
                do = "correct the options of the address, or the certificates"
            findings.append(Finding("service-refuses", what, place=name, do=do, text=one.by))
    words = [f"{name} ({version or running.image}) answers {', '.join(answered)}"] if answered else []
    return findings, words, problems


def _clients(subject: Subject) -> Iterator[tuple[str, dict[str, str]]]:
    assert subject.document is not None
    for name, service in subject.document.enabled.items():
        yield name, dict(service.environment)


def _distinct(found: Iterator[Credentials]) -> Iterator[Credentials]:
    """Each way to connect once, with all who use it."""
    ways: dict[Credentials, list[str]] = {}
    for one in found:
        ways.setdefault(replace(one, by=""), []).append(one.by)
    for way, everyone in ways.items():
        yield replace(way, by=", ".join(dict.fromkeys(everyone)))


def _of_postgres(subject: Subject, name: str, service: Service, problems: list[str]) -> Iterator[Credentials]:
    """Those of the server's own variables, and of every service that names it in parts or in an address.

    What stands in a file that cannot be read is added to ``problems``.
    """

    def found() -> Iterator[Credentials]:
        plain = service.environment
        named = _given(subject, name, plain, ("POSTGRES_USER", "POSTGRES_DB"), problems)
        owner = "" if named is None else named.get("POSTGRES_USER") or "postgres"
        first = "" if named is None else named.get("POSTGRES_DB") or owner
        own = _given(subject, name, plain, ("POSTGRES_PASSWORD",), problems) if owner else None
        if own is not None and "POSTGRES_PASSWORD" in own:
            by = f"{name} ({_spelled('POSTGRES_PASSWORD', plain)})"
            yield Credentials(by, owner, own["POSTGRES_PASSWORD"], first)
        elif own is not None and own.get("POSTGRES_HOST_AUTH_METHOD") == "trust":
            yield Credentials(f"{name} (POSTGRES_HOST_AUTH_METHOD)", owner, "", first)
        for client, values in _clients(subject):
            for variable, given, password, database in _parts(subject, client, values, name, problems):
                # libpq takes the user for a database that nothing names; a program has one that it was written for.
                is_libpq = variable.removesuffix(held.END) == "PGPASSWORD"
                user, usual = (given or "postgres",) * 2 if is_libpq else (given or owner, first)
                if user and (database or usual):
                    yield Credentials(f"{client} ({variable})", user, password, database or usual)
            yield from _of_passfile(subject, client, values, name, problems)
            for each in _addresses(subject, client, values, name, "postgres", problems):
                yield replace(each, database=each.database or each.user)

    yield from _distinct(found())


def _of_redis(subject: Subject, name: str, service: Service, problems: list[str]) -> Iterator[Credentials]:
    """Those of every service that names it in parts or in an address, and the password of its own command.

    What stands in a file that cannot be read is added to ``problems``.
    """
    options = {word: value for word, value in pairwise(service.command) if word.startswith("--")}
    port = int(options["--port"]) if options.get("--port", "").isdigit() else None

    def found() -> Iterator[Credentials]:
        for client, values in _clients(subject):
            yield from _addresses(subject, client, values, name, "redis", problems)
            for variable, user, password, database in _parts(subject, client, values, name, problems):
                yield Credentials(f"{client} ({variable})", user, password, database)
        if "--requirepass" in options and port != 0:
            yield Credentials(f"{name} (--requirepass)", "", options["--requirepass"], port=port)

    everyone = list(_distinct(found()))
    # At port 0 it takes nobody but by TLS, and then an address must say how.
    nobody = port != 0 and not problems
    yield from everyone or ([Credentials("a client without a password", port=port)] if nobody else [])


def _parts(
    subject: Subject, client: str, values: Mapping[str, str], host: str, problems: list[str]
) -> Iterator[tuple[str, str, str, str]]:
    """The password's variable, user, password and database of each server that is named as ``DB_HOST`` beside them.

    Each of the three may stand in a file of the client's; one that cannot be read is added to ``problems``.
    """
    for names in held.parts(values, (host,)):
        whole = _given(subject, client, values, (name for each in names for name in each), problems)
        if whole is None:
            continue
        user, password, database = (next((name for name in each if name in whole), "") for each in names)
        if password:
            yield _spelled(password, values), whole.get(user, ""), whole[password], whole.get(database, "")


def _of_passfile(
    subject: Subject, client: str, values: Mapping[str, str], host: str, problems: list[str]
) -> Iterator[Credentials]:
    """What libpq takes from its file of passwords: the first line that fits, unless a variable gives one."""
    path = values.get(held.PASSFILE)
    if not path or values.get("PGHOST") != host or values.get("PGPASSWORD"):
        return
    user = values.get("PGUSER") or "postgres"
    database, port = values.get("PGDATABASE") or user, values.get("PGPORT", "")
    wanted = (host, port or "5432", database, user)
    text = _text(subject, client, path, problems)
    if text is None:
        return
    for line in text.splitlines():
        fields = [re.sub(r"\\(.)", r"\1", field) for field in PASSFILE_FIELD.findall(line)]
        if len(fields) > 4 and all(has in ("*", asked) for has, asked in zip(fields, wanted, strict=False)):
            other = int(port) if port.isdigit() else None
            yield Credentials(f"{client} ({held.PASSFILE})", user, fields[4], database, other)
            return
    problems.append(f"{path} of service {client} has no line for {user} at {host}, database {database}")


def _given(
    subject: Subject, service: str, values: Mapping[str, str], names: Iterable[str], problems: list[str]
) -> dict[str, str] | None:
    """``held.given``; None where a file cannot be read, which is added to ``problems``."""
    try:
        return held.given(subject, service, values, names)
    except NotChecked as error:
        problems.append(str(error))
        return None


def _spelled(name: str, values: Mapping[str, str]) -> str:
    """The variable that gives a value: the one of this name, or the one of its file."""
    return name if values.get(name) or not values.get(name + held.END) else name + held.END


def _text(subject: Subject, client: str, path: str, problems: list[str]) -> str | None:
    """What is in a client's file; None where it cannot be read, which is added to ``problems``."""
    try:
        return held.files(subject, client, [path])[path]
    except NotChecked as error:
        problems.append(str(error))
        return None


def _addresses(
    subject: Subject, client: str, values: Mapping[str, str], host: str, scheme: str, problems: list[str]
) -> Iterator[Credentials]:
    """What each address of a client says that leads to a server, one in a file as well."""
    for variable, given in values.items():
        in_file = given and variable.endswith(held.ADDRESSES)
        value = (_text(subject, client, given, problems) if in_file else given) or ""
        try:
            parts = urlsplit(value)
            if not parts.scheme.startswith(scheme) or parts.hostname != host.lower():
                continue
            port = parts.port
        except ValueError:
            continue
        query = held.options(value)
        password = unquote(parts.password or "") or query.get("password", "")
        tls = Tls(client, host, tuple(sorted(query.items()))) if parts.scheme == "rediss" else None
        user, database = unquote(parts.username or ""), unquote(parts.path.lstrip("/"))
        yield Credentials(f"{client} ({variable})", user, password, database, port, tls)


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
        if WITHOUT_TLS.search(said):
            raise NotChecked(f"it does not take {one.user} without TLS, and TLS is not tried here: {said}") from None
        if state and state[1].decode() in REFUSED:
            return said, ""
        raise NotChecked(f"no answer to a query: {said}") from None


def _ping(way: forward.Forward, one: Credentials, files: Mapping[str, str]) -> tuple[str, str]:
    """Why Redis refuses, if it does, and what it is. ``files``: what is in those that its TLS needs."""
    words = [["AUTH", *([one.user] if one.user else []), one.password]] if one.password else []
    try:
        with _wire(way, one.tls, files) as wire:
            answers = wire.makefile("rb")
            for command in (*words, ["PING"]):
                parts = [word.encode() for word in command]
                # Who has closed already has said why.
                with contextlib.suppress(OSError):
                    wire.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
                answer = answers.readline().decode(errors="replace").strip()
                # Who may not PING is known all the same.
                if not answer.startswith(("+", "-NOPERM")):
                    return _refusal(answer), ""
    except ssl.SSLError as error:
        assert one.tls is not None
        return _untrusted(one.tls, error), ""
    except OSError as error:
        raise NotChecked(f"no answer to PING within {ANSWERS_WITHIN} s: {error}") from None
    return "", "Redis"


def _wire(way: forward.Forward, tls: Tls | None, files: Mapping[str, str]) -> socket.socket:
    """A connection to Redis, as the client makes it."""
    wire = socket.socket(socket.AF_UNIX)
    wire.settimeout(ANSWERS_WITHIN)
    wire.connect(str(way.path))
    return _context(tls, files).wrap_socket(wire, server_hostname=tls.server) if tls else wire


def _context(tls: Tls, files: Mapping[str, str]) -> ssl.SSLContext:
    """As the client's. Raises ``NotChecked`` for an option that is not known here."""
    unknown_ones = [name for name, _ in tls.options if name.startswith("ssl_") and name not in OPTIONS]
    if unknown_ones:
        raise NotChecked(f"what {unknown_ones[0]} asks of TLS is not known here; known are {', '.join(OPTIONS)}")
    context = ssl.create_default_context()
    context.check_hostname = tls.verifies and tls["ssl_check_hostname"].lower() not in ("false", "no", "0")
    context.verify_mode = ssl.CERT_REQUIRED if tls.verifies else ssl.CERT_NONE
    if tls["ssl_ca_certs"]:
        context.load_verify_locations(cadata=files[tls["ssl_ca_certs"]])
    if tls["ssl_certfile"]:
        with tempfile.NamedTemporaryFile("w") as both:  # nobody but its owner may read it
            both.write("\n".join(files[tls[name]] for name in ("ssl_keyfile", "ssl_certfile") if tls[name]))
            both.flush()
            context.load_cert_chain(both.name)
    return context


def _untrusted(tls: Tls, error: ssl.SSLError) -> str:
    """Why there is no TLS between the two. Raises ``NotChecked`` where only the client's own code may tell.

    What its address leaves open, such as whom it trusts, a client may have been told elsewhere.
    """
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        raise NotChecked("TLS: it closes the connection")
    if isinstance(error, ssl.SSLCertVerificationError):
        option = "ssl_check_hostname" if error.verify_code == OTHER_NAME else "ssl_ca_certs"
        words = f"TLS: the certificate that it shows is not trusted: {error.verify_message}"
    elif "CERTIFICATE_REQUIRED" in str(error.reason) or "HANDSHAKE_FAILURE" in str(error.reason):
        option, words = "ssl_certfile", "TLS: it asks for a certificate of the client's that it trusts"
    else:
        return f"TLS: {error.reason or error}"
    if not tls[option]:
        raise NotChecked(f"{words}; {option} in the address would say what the client has")
    return words


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
    per_machine=Subject.per_machine,
)
