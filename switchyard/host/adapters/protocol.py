"""What a port of a container speaks, where it is not HTTP."""

from __future__ import annotations

import contextlib
import socket

ANSWER_WITHIN = 2.0
"""Seconds in which a service answers, or greets by itself."""
GREETINGS = {
    b"SSH-": "SSH",
    b"220": "SMTP or FTP",
    b"+OK": "POP3",
    b"* OK": "IMAP",
    b"-ERR": "Redis",
    b"RFB ": "VNC",
}
"""How protocols begin in which the server speaks first, or complains about HTTP."""
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def spoken(host: str, port: int) -> str | None:
    """Return what a port speaks instead of HTTP; None where it speaks HTTP or does not answer at all.

    Many servers that end TLS themselves answer plain HTTP with a 400 that says so.
    """
    try:
        answer = _answer(host, port)
    except OSError:  # nobody listens, or nobody answers in time
        return None
    is_http = answer.startswith(b"HTTP/")
    if (not is_http or b" 400" in answer[:14]) and _speaks_tls(host, port):
        return "TLS"
    if is_http:
        return None
    if not answer:
        return "a protocol that leaves HTTP unanswered"
    return next((name for start, name in GREETINGS.items() if answer.startswith(start)), "another protocol")


def _answer(host: str, port: int) -> bytes:
    """Return the first bytes that a port sends to a client that asks by HTTP; none where it closes the connection."""
    with socket.create_connection((host, port), ANSWER_WITHIN) as connection:
        connection.sendall(REQUEST)
        with contextlib.suppress(ConnectionResetError):
            return connection.recv(64)
    return b""


def _speaks_tls(host: str, port: int) -> bool:
    """Return whether a port answers a TLS handshake, be it with an alert. Nothing is sent over the connection."""
    import ssl  # takes 9 ms to load, and hardly any program needs it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), ANSWER_WITHIN) as connection,
            context.wrap_socket(connection, server_hostname="localhost"),
        ):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except OSError:
        return False
