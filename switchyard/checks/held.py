"""What stands in files of a service's container on the host, which its variables or its addresses name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from switchyard.checks.check import Subject
from switchyard.core.errors import NotChecked

VARIABLES = {"POSTGRES_PASSWORD": "password", "POSTGRES_USER": "user", "POSTGRES_DB": "dbname"}
"""What PostgreSQL's image takes from a file as well, named by the variable with this end; and libpq's word for it."""
END = "_FILE"


def files(subject: Subject, service: str, paths: Iterable[str]) -> dict[str, str]:
    """The text of each file as the container that runs now sees it. Raises ``NotChecked`` where it has none."""
    wanted = sorted(set(paths))
    if not wanted:
        return {}
    assert subject.line is not None
    line = subject.line
    name = f"held {subject.machine} {service} {wanted}"
    found: dict[str, dict[str, str]] = subject.once(
        name, lambda: line.ask("held", service=service, files=wanted)["held"]
    )
    for path, said in found.items():
        if "why" in said:
            raise NotChecked(f"{path} of service {service} could not be read on {subject.machine}: {said['why']}")
    return {path: said["is"] for path, said in found.items()}


def given(subject: Subject, service: str, variables: Mapping[str, str], known: Collection[str] = ()) -> dict[str, str]:
    """A PostgreSQL service's variables, with what is in the files that some of them name; not of what is ``known``."""
    named = {
        name: variables[name + END]
        for name, word in VARIABLES.items()
        if variables.get(name + END) and word not in known
    }
    held = files(subject, service, named.values())
    return {**variables, **{name: held[path] for name, path in named.items()}}
