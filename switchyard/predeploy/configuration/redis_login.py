"""Log in to Redis as the application's services do."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from itertools import pairwise

from switchyard.control.tunnel import Tunnel
from switchyard.core.compose_document import Service
from switchyard.core.errors import NotChecked
from switchyard.predeploy.configuration import redis_tls
from switchyard.predeploy.configuration.logins import Clients, Login, distinct, from_addresses, from_parts

PORT = 6379
ANSWER_LIMIT = 10
"""Seconds in which Redis must answer."""
PORT_FLAG, PASSWORD_FLAG = "--port", "--requirepass"
REFUSES = re.compile(r"-(?:WRONGPASS|NOAUTH|ERR .*(?:password|auth))", re.IGNORECASE)
"""Answers about credentials. -ERR alone is not one: Redis also uses it for too many clients."""


def logins(clients: Clients, name: str, server: Service) -> Iterator[Login]:
    """Yield the logins of each service that names Redis in variables or in an address, and of Redis's own command."""
    flags = {word: value for word, value in pairwise(server.command) if word.startswith("--")}
    port = int(flags[PORT_FLAG]) if flags.get(PORT_FLAG, "").isdigit() else None
    ways = list(distinct(_all(clients, name, flags, port)))
    # At port 0 Redis accepts TLS alone, and only an address says how.
    accepts_plain = port != 0 and not clients.problems
    yield from ways or ([Login("a client without a password", port=port)] if accepts_plain else [])


def _all(clients: Clients, name: str, flags: Mapping[str, str], port: int | None) -> Iterator[Login]:
    for client, variables in clients.variables():
        yield from from_addresses(clients, client, variables, name, "redis")
        yield from (login for _, login in from_parts(clients, client, variables, name))
    if PASSWORD_FLAG in flags and port != 0:
        yield Login(f"{name} ({PASSWORD_FLAG})", "", flags[PASSWORD_FLAG], port=port)


def try_login(tunnel: Tunnel, login: Login, texts: Mapping[str, str]) -> tuple[str, str]:
    """Send PING. Return why Redis refuses, empty if it does not, and what it is. ``texts`` are those of TLS files."""
    commands = [["AUTH", *([login.user] if login.user else []), login.password]] if login.password else []
    try:
        with _connect(tunnel, login.tls, texts) as connection:
            answers = connection.makefile("rb")
            for command in (*commands, ["PING"]):
                # A server that has already closed the connection has said why.
                with contextlib.suppress(OSError):
                    connection.sendall(_encoded(command))
                answer = answers.readline().decode(errors="replace").strip()
                # A user without the right to PING has logged in all the same.
                if not answer.startswith(("+", "-NOPERM")):
                    return refusal(answer), ""
    except ssl.SSLError as error:
        assert login.tls is not None
        return redis_tls.refusal(login.tls, error), ""
    except OSError as error:
        raise NotChecked(f"no answer to PING within {ANSWER_LIMIT} s: {error}") from None
    return "", "Redis"


def refusal(answer: str) -> str:
    """Return why Redis refuses a login. Raise ``NotChecked`` for any other answer, such as that it loads its data."""
    if REFUSES.match(answer):
        return answer[1:]
    raise NotChecked(f"it answered {answer or 'nothing'}")


def _encoded(command: list[str]) -> bytes:
    """Encode a command in Redis's protocol (RESP)."""
    words = [word.encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _connect(tunnel: Tunnel, tls: redis_tls.Tls | None, texts: Mapping[str, str]) -> socket.socket:
    """Connect to Redis as the client does."""
    plain = socket.socket(socket.AF_UNIX)
    plain.settimeout(ANSWER_LIMIT)
    plain.connect(str(tunnel.path))
    return redis_tls.context_of(tls, texts).wrap_socket(plain, server_hostname=tls.server) if tls else plain
