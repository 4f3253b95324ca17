"""Files in the services' containers on the host that hold passwords and addresses: which there are, and their text."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

from switchyard.core.compose_document import Service
from switchyard.core.errors import NotChecked
from switchyard.core.wire.answers import ContainerFiles
from switchyard.predeploy.engine.subject import Subject

VARIABLES = {"POSTGRES_PASSWORD": "password", "POSTGRES_USER": "user", "POSTGRES_DB": "dbname"}
"""Variable of PostgreSQL's image to libpq's parameter. A ``_FILE`` variable names a file with the value instead."""
FILE_SUFFIX = "_FILE"
PARTS = (("USER", "USERNAME"), ("PASSWORD", "PASS", "PWD"), ("DATABASE", "DB", "NAME", "DBNAME"))
"""Ends of the variables for a user, a password and a database, beside one that ends in HOST."""
ADDRESS_FILES = ("URL_FILE", "URI_FILE", "DSN_FILE")
"""Ends of the variables that name a file with an address."""
PASSFILE = "PGPASSFILE"
"""libpq's variable for a file of passwords."""
TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Options in an address of Redis that name files of the client."""


def read_files(subject: Subject, service: str, paths: Iterable[str]) -> dict[str, str]:
    """Return the text of each file as the running container sees it. Raise ``NotChecked`` if it has no such file.

    One request asks the machine for every file that the Compose document names. A Compose secret is the same file in
    every service that has it, so a oneshot, which does not run now, gets it from another service.
    """
    names = set(paths)
    if not names:
        return {}
    services = _services(subject)
    containers = subject.once(f"files in {subject.machine}", lambda: _ask(subject, services)).held
    texts = {}
    for path in names:
        secret = _secret(services[service], path)
        same_secret = [name for name in containers if secret and _secret(services[name], path) == secret]
        copies = [containers[name][path] for name in (service, *same_secret) if path in containers.get(name, {})]
        text = next((copy.text for copy in copies if copy.text is not None), None)
        if text is None:
            why = copies[0].why if copies else "only an address in another file names it"
            raise NotChecked(f"{path} of service {service} could not be read on {subject.machine}: {why}")
        texts[path] = text
    return texts


def _ask(subject: Subject, services: Mapping[str, Service]) -> ContainerFiles:
    paths = {name: sorted(set(_paths(service.environment, services))) for name, service in services.items()}
    files = {name: tuple(named) for name, named in paths.items() if named}
    request = subject.channel.request("held")
    return subject.channel.ask(replace(request, container_files=files), ContainerFiles)


def _secret(service: Service, path: str) -> str | None:
    """Return the Compose secret that a service has at a path."""
    for grant in service.secrets:
        if PurePosixPath("/run/secrets", grant.target) == PurePosixPath(path):
            return grant.source
    return None


def with_file_values(
    subject: Subject, service: str, variables: Mapping[str, str], names: Iterable[str]
) -> dict[str, str]:
    """Return a service's variables, and the values of ``names`` that are in files which ``_FILE`` variables name."""
    in_files = {
        name: variables[name + FILE_SUFFIX]
        for name in names
        if variables.get(name + FILE_SUFFIX) and not variables.get(name)
    }
    texts = read_files(subject, service, in_files.values())
    return {**variables, **{name: texts[path] for name, path in in_files.items()}}


def companions(variables: Mapping[str, str], servers: Collection[str]) -> Iterator[tuple[tuple[str, ...], ...]]:
    """Yield for each variable such as ``DB_HOST`` that names a server the possible names of those beside it.

    These are the names for the user, for the password and for the database.
    """
    for variable, value in variables.items():
        start = variable.removesuffix("HOST")
        if start != variable and value.partition(":")[0] in servers:
            yield tuple(tuple(start + end for end in ends) for ends in PARTS)


def address_options(address: str) -> dict[str, str]:
    """Return the options in an address, the last of each name. Raise ``ValueError`` for text that is no address."""
    return {name.lower(): values[-1] for name, values in parse_qs(urlsplit(address).query).items()}


def _services(subject: Subject) -> Mapping[str, Service]:
    return subject.document.services if subject.document is not None else {}


def _paths(variables: Mapping[str, str], servers: Collection[str]) -> Iterator[str]:
    """Yield the paths that a service's variables name."""
    beside = (name for spellings in companions(variables, servers) for names in spellings for name in names)
    for name in (*VARIABLES, *beside):
        if variables.get(name + FILE_SUFFIX):
            yield variables[name + FILE_SUFFIX]
    for name, value in variables.items():
        if value and (name.endswith(ADDRESS_FILES) or name == PASSFILE):
            yield value
        with contextlib.suppress(ValueError):
            if urlsplit(value).scheme == "rediss":
                options = address_options(value)
                yield from (options[option] for option in TLS if options.get(option))
