"""What stands in files of services' containers on the host, which their variables and addresses name."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

from switchyard.core.compose_document import Service
from switchyard.core.errors import NotChecked
from switchyard.predeploy.engine.subject import Subject

VARIABLES = {"POSTGRES_PASSWORD": "password", "POSTGRES_USER": "user", "POSTGRES_DB": "dbname"}
"""What PostgreSQL's image takes from a file as well, named by the variable with this end; and libpq's word for it."""
END = "_FILE"
PARTS = (("USER", "USERNAME"), ("PASSWORD", "PASS", "PWD"), ("DATABASE", "DB", "NAME", "DBNAME"))
"""How the variables of a user, a password and a database end, beside one that ends in HOST."""
ADDRESSES = ("URL_FILE", "URI_FILE", "DSN_FILE")
"""How the variable of a file ends in which an address stands."""
PASSFILE = "PGPASSFILE"
"""libpq's variable for a file of passwords."""
TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Options of an address of Redis that name files of the client."""


def files(subject: Subject, service: str, paths: Iterable[str]) -> dict[str, str]:
    """The text of each file as the container that runs now sees it. Raises ``NotChecked`` where it has none.

    A machine is asked once, for all files that anything in the compose document names. One that comes from a secret of
    Compose is the same in every service that has it: a oneshot, which does not run now, has it from another.
    """
    wanted = set(paths)
    if not wanted:
        return {}
    channel = subject.channel
    services = _services(subject)
    asked = {name: sorted(set(_named(each.environment, services))) for name, each in services.items()}
    every = {name: found for name, found in asked.items() if found}
    held = subject.once(f"held {subject.machine}", lambda: channel.ask("held", container_files=every)["held"])
    found = {}
    for path in wanted:
        secret = _secret(services[service], path)
        same = [name for name in held if secret and _secret(services[name], path) == secret]
        seen = [held[name][path] for name in (service, *same) if path in held[name]]
        texts = [str(each["is"]) for each in seen if "is" in each]
        if not texts:
            why = seen[0]["why"] if seen else "it is named by an address that stands in a file itself"
            raise NotChecked(f"{path} of service {service} could not be read on {subject.machine}: {why}")
        found[path] = texts[0]
    return found


def _secret(service: Service, path: str) -> str | None:
    """The secret of Compose that a service has at a path."""
    for grant in service.secrets:
        if PurePosixPath("/run/secrets", grant.target) == PurePosixPath(path):
            return grant.source
    return None


def given(subject: Subject, service: str, variables: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """A service's variables, with those of ``names`` that have no value but stand in a file that another names."""
    named = {name: variables[name + END] for name in names if variables.get(name + END) and not variables.get(name)}
    held = files(subject, service, named.values())
    return {**variables, **{name: held[path] for name, path in named.items()}}


def parts(variables: Mapping[str, str], servers: Collection[str]) -> Iterator[tuple[tuple[str, ...], ...]]:
    """Of each variable such as ``DB_HOST`` that names one of the servers what those beside it may be called."""
    for variable, value in variables.items():
        start = variable.removesuffix("HOST")
        if start != variable and value.partition(":")[0] in servers:
            yield tuple(tuple(start + end for end in ends) for ends in PARTS)


def options(address: str) -> dict[str, str]:
    """Those of an address, the last of each name. Raises ``ValueError`` where it is none."""
    return {name.lower(): values[-1] for name, values in parse_qs(urlsplit(address).query).items()}


def _services(subject: Subject) -> Mapping[str, Service]:
    return subject.document.services if subject.document is not None else {}


def _named(variables: Mapping[str, str], servers: Collection[str]) -> Iterator[str]:
    """The files that a service's variables name."""
    beside = (name for found in parts(variables, servers) for names in found for name in names)
    yield from (variables[name + END] for name in (*VARIABLES, *beside) if variables.get(name + END))
    for name, value in variables.items():
        if value and (name.endswith(ADDRESSES) or name == PASSFILE):
            yield value
        with contextlib.suppress(ValueError):
            if urlsplit(value).scheme == "rediss":
                found = options(value)
                yield from (found[name] for name in TLS if found.get(name))
