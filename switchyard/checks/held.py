"""What stands in files of services' containers on the host, which their variables and addresses name."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from switchyard.checks import written
from switchyard.checks.check import Subject
from switchyard.core.errors import NotChecked

VARIABLES = {"POSTGRES_PASSWORD": "password", "POSTGRES_USER": "user", "POSTGRES_DB": "dbname"}
"""What PostgreSQL's image takes from a file as well, named by the variable with this end; and libpq's word for it."""
END = "_FILE"
TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Options of an address of Redis that name files of the client."""


def files(subject: Subject, service: str, paths: Iterable[str]) -> dict[str, str]:
    """The text of each file as the container that runs now sees it. Raises ``NotChecked`` where it has none.

    A machine is asked once, for all files that anything in the compose document names.
    """
    wanted = set(paths)
    if not wanted:
        return {}
    line = subject.line
    assert line is not None
    asked = {name: sorted(_named(environment(each))) for name, each in _services(subject).items()}
    every = {name: found for name, found in asked.items() if found}
    held = subject.once(f"held {subject.machine}", lambda: line.ask("held", files=every)["held"])
    for path in wanted:
        if "why" in held[service][path]:
            why = held[service][path]["why"]
            raise NotChecked(f"{path} of service {service} could not be read on {subject.machine}: {why}")
    return {path: str(held[service][path]["is"]) for path in wanted}


def given(subject: Subject, service: str, variables: Mapping[str, str], known: Collection[str] = ()) -> dict[str, str]:
    """A PostgreSQL service's variables, with what is in the files that some of them name; not of what is ``known``."""
    named = {
        name: variables[name + END]
        for name, word in VARIABLES.items()
        if variables.get(name + END) and word not in known
    }
    held = files(subject, service, named.values())
    return {**variables, **{name: held[path] for name, path in named.items()}}


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """A service's variables as its processes see them."""
    return {name: value.replace("$$", "$") for name, value in written.pairs(service.get("environment")).items()}


def options(address: str) -> dict[str, str]:
    """Those of an address, the last of each name. Raises ``ValueError`` where it is none."""
    return {name.lower(): values[-1] for name, values in parse_qs(urlsplit(address).query).items()}


def _services(subject: Subject) -> Mapping[str, Mapping[str, Any]]:
    return (subject.document or {}).get("services") or {}


def _named(variables: Mapping[str, str]) -> Iterator[str]:
    """The files that a service's variables name."""
    yield from (variables[name + END] for name in VARIABLES if variables.get(name + END))
    for value in variables.values():
        if value.startswith("rediss:"):
            with contextlib.suppress(ValueError):
                found = options(value)
                yield from (found[name] for name in TLS if found.get(name))
