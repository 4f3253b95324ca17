"""What a port speaks instead of HTTP is named, and HTTP that fails is still HTTP."""

from __future__ import annotations

import socket
import ssl

import pytest

from switchyard.host.adapters.protocol import spoken
from tests.harness.answering_service import Serve, answers, listening
from tests.harness.predeploy_configuration import certificate


def tls(tmp_path, plain_answer: bytes) -> Serve:
    """Serve TLS, and this answer to a client that asks without it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for name, content in zip(("cert.pem", "key.pem"), certificate(days=1), strict=True):
        (tmp_path / name).write_bytes(content)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    def serve(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) != b"\x16":
            connection.recv(1024)
            connection.sendall(plain_answer)
            return
        context.wrap_socket(connection, server_side=True).close()

    return serve


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", None),
        (b"HTTP/1.0 400 Bad Request\r\n\r\n", None),
        (b"SSH-2.0-OpenSSH_9\r\n", "SSH"),
        (b"220 mail ESMTP\r\n", "SMTP or FTP"),
        (b"-ERR unknown command\r\n", "Redis"),
        (b"\x00\x00\x06\x04\x00", "another protocol"),
        (b"", "a protocol that leaves HTTP unanswered"),
    ],
)
def test_a_service_is_known_by_its_answer(answer, name):
    with listening(answers(answer)) as port:
        assert spoken("127.0.0.1", port) == name


@pytest.mark.parametrize(
    "plain", [b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent HTTP to HTTPS", b"\x15\x03\x01\x00\x02", b""]
)
def test_tls_is_known_by_its_handshake_whatever_it_answers_without(tmp_path, plain):
    with listening(tls(tmp_path, plain)) as port:
        assert spoken("127.0.0.1", port) == "TLS"


def test_of_a_port_that_nobody_listens_on_nothing_is_said():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert spoken("127.0.0.1", port) is None
