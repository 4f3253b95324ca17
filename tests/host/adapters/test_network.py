"""What the engine tells of a network."""

from switchyard.core.edge_clients import Subnet
from switchyard.host.adapters.network import Network


def test_a_network_has_its_ranges_and_an_older_engine_writes_a_gateway_with_the_length_of_its_prefix():
    value = {
        "Name": "shop-blue",
        "Driver": "bridge",
        "Labels": {"switchyard.app": "shop"},
        "IPAM": {
            "Config": [
                {"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"},
                {"Subnet": "fd00::/64", "Gateway": "fd00::1/64"},
                {"Subnet": "10.1.0.0/16"},
            ]
        },
    }
    subnets = (Subnet("172.18.0.0/16", "172.18.0.1"), Subnet("fd00::/64", "fd00::1"), Subnet("10.1.0.0/16"))
    assert Network.decode(value, "network") == Network("bridge", "shop", "shop-blue", subnets)


def test_the_ranges_of_the_host_network_are_none():
    assert Network.decode({"Name": "host", "Driver": "host", "IPAM": {"Config": None}}, "") == Network(
        "host", None, "host"
    )
