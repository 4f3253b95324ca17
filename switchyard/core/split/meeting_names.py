"""Names of services where two services, or two colours, answer to one: what Compose kept apart by networks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from switchyard.core import names
from switchyard.core.compose_document import Service
from switchyard.core.split.documents import names_of
from switchyard.core.split.inputs import Inputs

EDGE = "edge"
"""The name of the edge's own service, which every network of a colour knows."""
WAITS = ("service_healthy", "service_completed_successfully")
"""Conditions of ``depends_on`` that a shared service cannot wait for: it starts before its release's colour."""


def name_problems(inputs: Inputs) -> Iterator[str]:
    """Yield a problem for each name that would lead to another service than in the compose file."""
    for name, first, second in _claimed_twice(inputs):
        if not _common_networks(first, second, name):
            yield (
                f"services {first.name} and {second.name}: both are called {name}, on different networks of the file. "
                f"A colour has one network, where {name} would lead to either. Give one of them another alias"
            )
    yield from _names_of_the_edge(inputs)
    for service in inputs.shared().values():
        for needed, dependency in service.depends_on.items():
            if needed in inputs.in_colours() and dependency.condition in WAITS:
                yield (
                    f"service {service.name}: depends_on: {needed}: a shared service starts before any colour, so it "
                    f"cannot wait for {needed}, which each colour runs. Set app.kinds.{needed}: shared or ignored, or "
                    f"app.kinds.{service.name}: handover"
                )


def _names_of_the_edge(inputs: Inputs) -> Iterator[str]:
    """Yield a problem for each name that the edge uses itself, and for each that it cannot use."""
    routed = [service.name for service in inputs.in_colours().values() if inputs.kind(service).behind_edge]
    known = {
        alias.lower(): name
        for name in routed
        for colour in names.COLOURS
        for alias in names.aliases(name, colour, inputs.app.name)
    }
    spelled: dict[str, str] = {}
    for name in routed:
        if (first := spelled.setdefault(name.lower(), name)) != name:
            yield (
                f"services {first} and {name}: DNS knows no upper case, so the edge would take one for the other. "
                "Rename one of them"
            )
    for service in inputs.services.values():
        for key, name in _answers_to(service):
            at = f"service {service.name}: {key}{name} is"
            if name.lower() in known:
                yield f"{at} the name by which the edge knows one colour of {known[name.lower()]}. Give it another name"
            elif names.is_reserved(name):
                yield f"{at} reserved: the edge knows services by names that end in {names.RESERVED}. Give it another"
            if name.lower() == EDGE:
                yield f"{at} the edge's name in each colour's network. Rename it"
    lengthy = {known[alias]: alias for alias in known if not names.is_host_name(alias)}
    for name, alias in lengthy.items():
        yield (
            f"service {name}: the edge would know it as {alias}, and a name has 1 to {names.LABEL_MOST} characters "
            f"between two dots and at most {names.HOST_NAME_MOST} in all. Give the service a shorter name without "
            "empty parts"
        )


def _answers_to(service: Service) -> Iterator[tuple[str, str]]:
    """Yield each name by which the engine's DNS knows a service's containers, after the key that gives it."""
    yield "", service.name
    for key, name in (("container_name", service.container_name), ("hostname", service.hostname)):
        if name:
            yield f"{key}: ", name
    for network, attachment in service.networks.items():
        yield from ((f"networks.{network}.aliases: ", alias) for alias in attachment.aliases)


def name_notes(inputs: Inputs) -> Iterator[str]:
    """Yield the names that lead to more than one service, or to both colours."""
    for name, first, second in _claimed_twice(inputs):
        if _common_networks(first, second, name):
            yield f"the name {name} leads to either of {first.name} and {second.name}, as in the compose file"
    for service in inputs.shared().values():
        for name in inputs.in_colours():
            if name in service.depends_on or _mentions(service, name):
                yield (
                    f"{service.name} is shared and refers to {name}, which each colour runs: it starts before {name}, "
                    f"and from it the name {name} leads to both colours. Use an address of the edge instead"
                )


def _claimed_twice(inputs: Inputs) -> Iterator[tuple[str, Service, Service]]:
    """Yield each name that two services have, with both."""
    owners: dict[str, Service] = {}
    for service in inputs.services.values():
        for name in dict.fromkeys(names_of(service)):
            if name in owners:
                yield name, owners[name], service
            owners.setdefault(name, service)


def _common_networks(first: Service, second: Service, name: str) -> set[str]:
    """Return the networks of the file on which both services have the name."""
    return _networks_with(first, name) & _networks_with(second, name)


def _networks_with(service: Service, name: str) -> set[str]:
    if name in (service.name, service.container_name):
        return {*service.networks} or {"default"}
    return {network for network, attachment in service.networks.items() if name in attachment.aliases}


def _mentions(service: Service, name: str) -> bool:
    """Return whether a service's environment or command has a name where an address begins."""
    address = re.compile(rf"(?:^|//|@|[\s=,;\"'])(?:{re.escape(name)})(?::\d|/|$)")
    texts = [*service.environment.values(), *service.command, *service.entrypoint]
    return any(address.search(text) for text in texts if text != name or _is_host(text, service))


def _is_host(text: str, service: Service) -> bool:
    """Return whether a value that is a name alone stands in a variable that holds a host."""
    return any(value == text and key.upper().endswith("HOST") for key, value in service.environment.items())
