"""Names and reach at the edge: no question leaves the host, no colour reaches the other, older edges go on."""

from __future__ import annotations

import time
from pathlib import Path

from switchyard.core.names import COLOURS, other
from tests.harness.history import export
from tests.harness.library import TOP
from tests.harness.site import SECONDS, Site

BEFORE = "306bc53"
"""A commit whose edges ask for ``web-green`` and refuse no container."""
COUNTER = """table inet questions {
  counter leaving { }
  chain out { type filter hook output priority 0; oifname != "lo" udp dport 53 counter name leaving; }
  chain through { type filter hook forward priority 0; udp dport 53 counter name leaving; }
}"""
"""Counts what leaves the host, from itself and from containers, to any name server."""
REACH = """import sys, socket
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 3) as connection:
        connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        print((connection.makefile("rb").read().decode().split() or ["nothing"])[-1])
except OSError as error:
    print(type(error).__name__)"""
"""Prints the last word of what an address answers, or why it does not."""
REFUSED = ("nothing", "ConnectionResetError", "BrokenPipeError")
RESOLVE = "import sys, socket; socket.gethostbyname(sys.argv[1])"
OTHER = "web.green.other.switchyard"
"""A name that nothing has."""


def configuration(site: Site) -> str:
    return site.read("edge/cfg/haproxy.cfg")


def asked(site: Site, colour: str) -> str:
    """Return the name by which the edge asks for ``web`` in a colour."""
    (line, *_) = [line for line in configuration(site).splitlines() if "server-template" in line and colour in line]
    return line.split()[3].rpartition(":")[0]


def edge_address(site: Site, colour: str) -> str:
    """Return the address of the edge's container in a colour's network."""
    (edge,) = site.containers("edge")
    form = f'{{{{(index .NetworkSettings.Networks "{site.name}-{colour}").IPAddress}}}}'
    return site.docker("inspect", "--format", form, edge)


def inside(site: Site, colour: str, address: str, port: int) -> str:
    """Return what a container of a colour gets from an address."""
    return site.docker("exec", f"{site.name}-{colour}-web-1", "python3", "-c", REACH, address, str(port))


def bound_ports(site: Site) -> list[int]:
    """Return the ports that the edge's container listens on."""
    lines = [line.split() for line in configuration(site).splitlines()]
    return [int(words[1][1:]) for words in lines if words[:1] == ["bind"]]


def public(site: Site) -> dict[str, str]:
    """Return what the public address answers to the host, and to a container of each colour."""
    return {
        "host": site.run("python3", "-c", REACH, site.host.ip, str(site.port)),
        "loopback": site.run("python3", "-c", REACH, "127.0.0.1", str(site.port)),
        **{colour: inside(site, colour, site.host.ip, site.port) for colour in COLOURS},
    }


def questions(site: Site, what: str) -> int:
    """Return how many answers of one kind HAProxy has got, or how many questions it sent."""
    ask = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
        "s.sendall(b'show resolvers engine\\n'); print(s.makefile().read())"
    )
    lines = site.run("python3", "-c", ask, f"{site.root}/edge/run/edge.sock").splitlines()
    return next(int(line.split()[1]) for line in lines if line.split()[:1] == [f"{what}:"])


def left(site: Site) -> int:
    """Return how many questions left the host since the counter was set up."""
    words = site.run("nft", "list", "counter", "inet", "questions", "leaving").split()
    return int(words[words.index("packets") + 1])


def test_no_question_of_the_edge_leaves_the_host_for_a_colour_that_does_not_run(site):
    site.commit("1")
    site.receipt("deploy")
    assert asked(site, "green") == f"web.green.{site.name}.switchyard"
    assert site.containers("green") == {}
    site.run("nft", COUNTER)
    try:
        before, deadline = questions(site, "other"), time.monotonic() + SECONDS
        while questions(site, "other") < before + 50:
            assert time.monotonic() < deadline, "the engine does not answer the edge"
        assert left(site) == 0 and questions(site, "timeout") == 0
        site.docker("exec", f"{site.name}-blue-web-1", "sh", "-c", f"timeout 5 python3 -c '{RESOLVE}' {OTHER} || true")
        assert left(site) > 0, "the counter counts: a container without the edge's name server asks outside"
    finally:
        site.run("nft", "delete", "table", "inet", "questions")


def test_no_colour_reaches_the_other_through_the_edge_and_all_else_does(site):
    site.commit("1")
    site.receipt("deploy")
    with site.load() as load:
        site.commit("2")
        site.receipt("deploy")
        assert len(bound_ports(site)) == 3, "the route and its previews"
        for colour in COLOURS:
            for port in bound_ports(site):
                assert inside(site, colour, edge_address(site, colour), port) in REFUSED, (colour, port)
            across = inside(site, colour, edge_address(site, other(colour)), 10000)
            assert across == "TimeoutError", "the engine itself keeps networks apart"
        site.receipt("rollback")
        summary = load.stop()
    assert summary.failed == 0, summary.errors
    assert site.answer() == "1", "from another machine"


def test_an_edge_of_an_older_version_keeps_its_names_until_edge_apply_without_a_failed_request(
    site: Site, tmp_path: Path
):
    site.library = [export(BEFORE, tmp_path / "earlier")]
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.commit("2")
    site.receipt("deploy")
    reached = public(site)
    assert inside(site, "blue", edge_address(site, "blue"), 10000) == "2", (
        "a colour that is not live reaches the live one"
    )
    (edge,) = site.containers("edge")
    site.library = [TOP]
    with site.load() as load:
        site.commit("3")
        site.receipt("deploy")
        assert site.answer() == "3" and list(site.containers("edge")) == [edge]
        assert [asked(site, colour) for colour in COLOURS] == ["web-blue", "web-green"]
        assert public(site) == {who: what.replace("2", "3") for who, what in reached.items()}
        assert inside(site, "blue", edge_address(site, "blue"), 10000) in REFUSED
        site.receipt("rollback")
        assert site.answer() == "2"
        site.commit("4")
        site.receipt("deploy")
        summary = load.stop()
    assert summary.failed == 0, summary.errors
    assert site.inv("edge.apply", "--yes").returncode == 0
    live, idle = [asked(site, colour) for colour in COLOURS]
    assert (live, idle) == (f"web.blue.{site.name}.switchyard", "web-green"), "its release has no other name"
    with site.load() as load:
        assert site.answer() == "4"
        site.commit("5")
        site.receipt("deploy")
        assert asked(site, "green") == f"web.green.{site.name}.switchyard"
        site.receipt("rollback")
        site.receipt("rollback", "--to", first)
        assert site.answer() == "1" and "web-green" in (asked(site, "blue"), asked(site, "green"))
        assert public(site)["host"] == "1"
        summary = load.stop()
    assert summary.failed == 0, summary.errors
