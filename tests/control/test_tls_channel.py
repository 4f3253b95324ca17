"""TLS inside a connection that is no socket: as it is on one, and ended as one."""

from __future__ import annotations

import http.client
import socket
import ssl

import pytest

from switchyard.control.tls_channel import TlsChannel
from tests.harness.certificates import Authority, authority, serves
from tests.harness.web_server import serving

NAME = "shop.example"


def trusting(by: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=by.text)


@pytest.mark.parametrize("size", [5, 200_000])
def test_an_answer_of_any_size_comes_through_whole(tmp_path, size):
    with serving(body="x" * size, tls=serves(tmp_path, NAME, authority())) as at:
        client = http.client.HTTPConnection(at.host, at.port)
        with socket.create_connection((at.host, at.port), 5) as channel:
            client.sock = TlsChannel(channel, trusting(authority()), NAME)  # type: ignore[arg-type]
            client.request("GET", "/", headers={"Connection": "close"})
            assert client.getresponse().read() == b"x" * size
            client.close()


def test_another_authority_and_another_name_are_refused(tmp_path):
    with serving(tls=serves(tmp_path, NAME, authority())) as at:
        for by, name in ((Authority(), NAME), (authority(), "other.example")):
            channel = socket.create_connection((at.host, at.port), 5)
            with channel, pytest.raises(ssl.SSLCertVerificationError):
                TlsChannel(channel, trusting(by), name)  # type: ignore[arg-type]


def test_a_side_that_goes_away_is_an_end_and_no_wait():
    here, there = socket.socketpair()
    there.close()
    with here, pytest.raises((EOFError, OSError)):
        TlsChannel(here, trusting(authority()), NAME)  # type: ignore[arg-type]
