"""What cannot be split safely. Each problem names the service, the key and what to do instead."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from switchyard.core import edge
from switchyard.core.compose_document import Service
from switchyard.core.split.inputs import Inputs, is_outside, is_relative_path
from switchyard.core.split.meeting_names import name_problems
from switchyard.core.split.named_volumes import volume_problems
from switchyard.core.split.ports import spans
from switchyard.core.state_keeping import server_of_state, written_state

TIES = ("network_mode", "links", "external_links", "volumes_from", "pid", "ipc", "provider", "models", "extends")
"""Keys that tie a service to another container or to the host's network."""
FIXED_ADDRESSES = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address")
"""Keys of a network attachment that only one container can have."""


def refusals(inputs: Inputs) -> Iterator[str]:
    """Yield every problem that the services and the settings have, before anything is placed."""
    for service in inputs.services.values():
        yield from _ties(service)
        if service.name in inputs.kinds:
            yield from _against_its_kind(inputs, service)
        yield from _networks(inputs, service)
        yield from _build(inputs, service)
    yield from _unknown_names(inputs)
    if inputs.services.keys() <= inputs.kinds.keys():
        yield from volume_problems(inputs)
        yield from name_problems(inputs)


def _ties(service: Service) -> Iterator[str]:
    for key in TIES:
        value = service.setting(key)
        if value and not (key == "network_mode" and value == "none"):
            yield (
                f"service {service.name}: {key} is not handled: two colours of it cannot run side by side. "
                "Remove it, or give the service a network of the application"
            )
    if service.deploy.mode == "global":
        yield f"service {service.name}: deploy.mode global is not handled: give a number of replicas"


def _against_its_kind(inputs: Inputs, service: Service) -> Iterator[str]:
    kind = inputs.kind(service)
    if service.ports and not kind.may_publish:
        yield (
            f"service {service.name}: ports: both colours cannot hold a published port of a {kind.name} service. "
            f"Leave it out with app.ignored_ports.{service.name}: [{', '.join(spans(service.ports))}], or make the "
            f"service routed with app.kinds.{service.name}: routed"
        )
    replicas = inputs.replicas(service)
    reason = server_of_state(service, inputs.app, inputs.facts) if replicas > 1 else ""
    if reason and written_state(service, inputs.app, inputs.facts) and not kind.runs_once:
        yield (
            f"service {service.name}: deploy.replicas: {reason}, and {replicas} of it would write to one place: two "
            "servers on one directory ruin it. Set 1"
        )
    if kind.is_held and replicas != 1:
        yield f"service {service.name}: deploy.replicas: {replicas} of it: it is exclusive, so at most one runs. Set 1"
    elif kind.behind_edge and not edge.serves(replicas):
        yield (
            f"service {service.name}: deploy.replicas: {replicas}: the edge reaches 1 to {edge.SERVERS} containers of "
            f"a {kind.name} service. Set deploy.replicas (or scale) to at most {edge.SERVERS}"
        )
    if service.image is None and service.build is None:
        yield f"service {service.name}: image: the service names neither an image nor a build"


def _networks(inputs: Inputs, service: Service) -> Iterator[str]:
    networks = inputs.document.networks
    for name, attachment in service.networks.items():
        if name in networks and networks[name].external:
            yield (
                f"service {service.name}: networks: {name} is external, and a colour has only a network of its own, so "
                "the service cannot reach what is there. Reach it by an address of the host instead"
            )
        for key in FIXED_ADDRESSES:
            if attachment.sets(key):
                yield (
                    f"service {service.name}: networks.{name}.{key}: two colours cannot hold one address. "
                    f"Use the name {service.name}"
                )


def _build(inputs: Inputs, service: Service) -> Iterator[str]:
    build = service.build
    if build is None:
        return
    for key in build.ssh:
        if key not in inputs.app.build_ssh:
            yield (
                f"service {service.name}: build.ssh: {key}: the host builds the images. Name the key file on it in "
                f"invoke.yaml: hosts.NAME.build_ssh: {{{key}: /home/USER/.ssh/KEY}}"
            )
    for key, context in {"context": build.context, **build.additional_contexts}.items():
        if is_relative_path(context) and is_outside(posixpath.join(inputs.folder, context)):
            yield f"service {service.name}: build: {key} {context} lies outside the repository"


def _unknown_names(inputs: Inputs) -> Iterator[str]:
    """Yield the settings that name nothing: a slip of the pen, and what they were meant for would go without them."""
    mounted = inputs.document.mounted
    for name in inputs.app.volumes.keys() - inputs.document.volumes.keys():
        yield f"app.volumes.{name}: no service of the compose file uses a volume of this name"
    for setting, sources in (("data", inputs.app.data), ("writable", inputs.app.writable)):
        for source in sources:
            if posixpath.normpath(source) not in mounted and ":/" not in source:
                yield f"app.{setting}: {source} is no bind source of the compose file"
