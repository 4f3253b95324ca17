"""Tunnels to servers beside the application's containers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import paramiko
import pytest

from switchyard.core.errors import NotChecked
from switchyard.predeploy.engine.host_machine import HostMachine
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.reach.tunnel import socket_to, tunnel_to
from tests.harness.machine_answers import checks_answer


class Transport:
    """An SSH transport whose server is the other end of a socket pair, or refuses."""

    def __init__(self, refusal: int | None = None) -> None:
        self.refusal = refusal
        self.servers: list[socket.socket] = []
        self.is_closing = False
        """Whether the servers close each connection at once."""

    def is_active(self) -> bool:
        return True

    def open_channel(self, *_: object, timeout: float) -> object:
        """Open a channel, or refuse with the SSH failure code."""
        if self.refusal is not None:
            raise paramiko.ChannelException(self.refusal, "no")
        near, far = socket.socketpair()
        self.servers.append(far)
        return SimpleNamespace(
            recv=near.recv,
            sendall=near.sendall,
            shutdown_write=lambda: near.shutdown(socket.SHUT_WR),
            close=near.close,
            eof_received=self.is_closing,
        )


def reaching(subject: Subject, transport: Transport) -> Subject:
    channel = SimpleNamespace(machine=SimpleNamespace(name="prod1"), connection=SimpleNamespace(transport=transport))
    return replace(subject, host="prod", machines=(HostMachine(channel, checks_answer()),))  # type: ignore[arg-type]


@pytest.fixture
def reached(subject: Subject) -> Iterator[tuple[Subject, Transport]]:
    transport = Transport()
    subject = reaching(subject, transport)
    yield subject, transport
    subject.closing.close()
    for server in transport.servers:
        server.close()


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(reached):
    subject, transport = reached
    transport.is_closing = True
    tunnel = tunnel_to(subject, "10.0.0.2", 5432, by_port=True)
    transport.is_closing = False
    with socket.create_connection(("127.0.0.1", tunnel.port), 10) as client:
        client.sendall(b"hello")
        while len(transport.servers) < 2:
            assert client.fileno() > 0
        transport.servers[1].settimeout(10)
        assert transport.servers[1].recv(5) == b"hello"


def test_bytes_go_both_ways_and_the_servers_first_words_are_kept(reached):
    subject, transport = reached
    tunnel = tunnel_to(subject, "10.0.0.2", 5432)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(tunnel.path))
        client.sendall(b"hello")
        server = transport.servers[0]
        server.settimeout(10)
        assert server.recv(5) == b"hello"
        server.sendall(b"welcome")
        assert client.recv(7) == b"welcome"
    assert tunnel.heard == b"welcome"


def test_checks_share_one_tunnel_and_its_folder_is_gone_at_the_end(reached):
    subject, transport = reached
    path = socket_to(subject, "10.0.0.2", 5432)
    assert socket_to(subject, "10.0.0.2", 5432) == path and len(transport.servers) == 1
    subject.closing.close()
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("code", "hint"), [(1, "sshd there forwards nothing: AllowTcpForwarding"), (2, "nothing answers")]
)
def test_a_server_that_cannot_be_reached_is_not_checked_and_the_hint_says_why(subject, code, hint):
    with pytest.raises(NotChecked, match=f"prod1: 10.0.0.2:5432: {hint}"):
        tunnel_to(reaching(subject, Transport(code)), "10.0.0.2", 5432)
