"""How services log in to Redis, as their variables say, and what its answers mean."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.core.errors import NotChecked
from switchyard.predeploy.configuration import redis_login
from switchyard.predeploy.configuration.logins import Login
from switchyard.predeploy.configuration.redis_tls import Tls
from tests.harness.predeploy_configuration import certificate
from tests.harness.predeploy_logins import clients_of, service


@pytest.mark.parametrize(
    ("variables", "login"),
    [
        ({"REDIS_HOST": "redis", "REDIS_PASSWORD": "x"}, ("", "x")),
        ({"REDIS_HOST": "redis", "REDIS_USERNAME": "web", "REDIS_PASSWORD": "x"}, ("web", "x")),
        ({"REDIS_HOST": "redis", "REDIS_PASSWORD": ""}, ("", "")),
        ({"REDIS_HOST": "redis2", "REDIS_PASSWORD": "x"}, ("", "")),
        ({"REDIS_HOST": "redis", "REDIS_PASSWORD_FILE": "/u"}, ("", "held u")),
        ({"REDIS_HOST": "redis", "REDIS_PASSWORD_FILE": "/gone"}, None),
    ],
)
def test_a_client_logs_in_with_the_password_beside_the_host(variables, login):
    clients = clients_of(variables)
    logins = list(redis_login.logins(clients, "redis", service()))
    assert [(each.user, each.password) for each in logins] == ([login] if login else [])
    assert len(clients.problems) == (login is None)


def test_a_redis_that_accepts_tls_alone_is_not_asked_without_it():
    command = ["redis-server", "--port", "0", "--tls-port", "6379", "--requirepass", "x"]
    assert list(redis_login.logins(clients_of({}), "redis", service(command=command))) == []
    moved = service(command=["redis-server", "--port", "6390"])
    (login,) = redis_login.logins(clients_of({}), "redis", moved)
    assert login.port == 6390


@pytest.mark.parametrize(
    "answer",
    [
        "-WRONGPASS invalid username-password pair or user is disabled.",
        "-NOAUTH Authentication required.",
        "-ERR AUTH <password> called without any password configured for the default user. Are you sure?",
        "-ERR invalid password",
    ],
)
def test_an_answer_about_credentials_is_a_refusal(answer):
    assert redis_login.refusal(answer) == answer[1:]


@pytest.mark.parametrize("answer", ["-ERR max number of clients reached", "-LOADING Redis is loading", ""])
def test_an_answer_about_the_server_itself_is_no_refusal(answer):
    with pytest.raises(NotChecked, match="it answered"):
        redis_login.refusal(answer)


def test_a_server_that_requires_a_certificate_and_closed_early_is_still_reported_as_that(tmp_path, monkeypatch):
    for path, data in zip((tmp_path / "it.crt", tmp_path / "it.key"), certificate(days=9, name="cache"), strict=True):
        path.write_bytes(data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "it.crt", tmp_path / "it.key")
    context.verify_mode = ssl.CERT_REQUIRED
    tunnel: Any = SimpleNamespace(path=tmp_path / "redis.sock")
    closed, send = threading.Event(), ssl.SSLSocket.sendall
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tunnel.path))
    listener.listen()

    def refuse() -> None:
        accepted, _ = listener.accept()
        with listener, accepted, contextlib.suppress(ssl.SSLError):
            context.wrap_socket(accepted, server_side=True)
        closed.set()

    def send_late(*arguments: Any) -> None:
        assert closed.wait(10)
        send(*arguments)

    monkeypatch.setattr(ssl.SSLSocket, "sendall", send_late)
    threading.Thread(target=refuse, daemon=True).start()
    tls = Tls("web", "cache", (("ssl_cert_reqs", "none"),))
    with pytest.raises(NotChecked, match="ssl_certfile in the address would say"):
        redis_login.try_login(tunnel, Login("web (CACHE)", tls=tls), {})
