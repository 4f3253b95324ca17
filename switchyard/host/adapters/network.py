"""Networks of the engine, and the ranges of addresses that it cuts them from."""

from __future__ import annotations

from typing import NamedTuple

from switchyard.core import names
from switchyard.core.edge_clients import Subnet
from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section


class Network(NamedTuple):
    """A network of the engine."""

    driver: str
    app: str | None
    """The application of Switchyard that it belongs to."""
    name: str = ""
    subnets: tuple[Subnet, ...] = ()

    @classmethod
    def decode(cls, value: Json, at: str) -> Network:
        network = Section.of(value, at)
        subnets = network.section("IPAM").each("Config", _subnet)
        app = network.pairs("Labels").get(names.APP)
        return cls(network.text("Driver") or "", app, network.text("Name") or "", subnets)


def _subnet(value: Json, at: str) -> Subnet:
    """Read a range of a network. Older engines write the gateway of IPv6 with the length of its prefix."""
    subnet = Section.of(value, at)
    return Subnet(subnet.text("Subnet") or "", (subnet.text("Gateway") or "").partition("/")[0])


class AddressPool(NamedTuple):
    """A range of addresses that the engine cuts its networks from."""

    bits: int
    """The prefix length of the range."""
    size: int
    """The prefix length of one network."""

    @classmethod
    def decode(cls, value: Json, at: str) -> AddressPool:
        pool = Section.of(value, at)
        return cls(int((pool.text("Base") or "/0").rpartition("/")[2]), pool.number("Size") or 0)
