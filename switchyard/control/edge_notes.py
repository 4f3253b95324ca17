"""Tell in ``doctor`` of an edge that works: what stands in front of it, around it, and what to set for that."""

from __future__ import annotations

from collections.abc import Iterator

from switchyard.core import edge_container
from switchyard.core.app import App
from switchyard.core.wire.answers import DoctorAnswer

LOOPBACK = ("127.", "::1")
SEES_FORWARDED = "nftables"
"""The firewall whose rules may cover what Docker forwards. Only root sees whether they do."""


def notes(host: str, app: App, answer: DoctorAnswer) -> Iterator[str]:
    """Yield what people should know of the edge of a machine. Nothing of it stops a deploy."""
    if answer.edge is None:
        return
    if answer.place.lacks:
        yield edge_container.describe(answer.place.lacks, host)
    yield from _in_front(host, app, answer)
    yield from _around(answer)
    yield from _sources(host, app, answer)


def _in_front(host: str, app: App, answer: DoctorAnswer) -> Iterator[str]:
    """Propose to trust a proxy of this machine, which arrives from the bridge's address."""
    if not answer.place.in_front or app.trusted_proxies:
        return
    holders = ", ".join(f"{name} holds port {port}" for port, name in sorted(answer.place.in_front.items()))
    yield (
        f"{holders}. If it leads to the edge, services take its address for their client's, and nothing that it says "
        f"counts. Let its word count: hosts: {{{host}: {{trusted_proxies: [{', '.join(answer.place.gateways)}]}}}}"
    )
    if others := _open(answer):
        yield (
            f"others reach {others} by that address too, and could say who they are. Before you trust it, publish the "
            'edge on loopback, as in listen: "127.0.0.1:PORT"'
        )


def _around(answer: DoctorAnswer) -> Iterator[str]:
    """Tell which published addresses the firewall of the host does not guard."""
    firewall, others = answer.place.firewall, _open(answer)
    if not firewall or not others:
        return
    if firewall == SEES_FORWARDED:
        yield (
            f"whether {firewall} guards {others} is unknown, because only root sees its rules. Docker forwards "
            "published ports: rules of input do not cover them, and rules of forward may"
        )
    else:
        yield (
            f"{firewall} does not guard {others}: Docker forwards published ports before {firewall} is asked. Publish "
            'what nobody outside needs on loopback, as in listen: "127.0.0.1:PORT", or filter in the chain DOCKER-USER'
        )


def _sources(host: str, app: App, answer: DoctorAnswer) -> Iterator[str]:
    """Tell whether limits per source count one client each, by the addresses of those that are connected now."""
    if not app.limits.source_requests and not app.limits.source_connections:
        return
    seen = set(answer.place.sources)
    shared = ", ".join(sorted(seen & set(answer.place.gateways)))
    if app.real_addresses and shared:
        yield (
            f"clients arrive at the edge by one address, {shared}, and app.limits per source take them for one: they "
            "use IPv6 or loopback, run on this machine, or its engine is rootless. Remove "
            f"hosts.{host}.real_addresses"
        )
    elif not app.real_addresses:
        proof = f"some clients share the address {shared}" if shared else f"{len(seen)} addresses are connected now"
        yield (
            f"app.limits per source are off: {proof}. Where clients come from other machines, and over IPv4 alone, "
            f"they keep their own addresses. Then set hosts: {{{host}: {{real_addresses: true}}}}"
        )


def _open(answer: DoctorAnswer) -> str:
    """Return the addresses of the edge that other machines reach."""
    return ", ".join(each.public for each in answer.edge or () if not each.address.startswith(LOOPBACK))
