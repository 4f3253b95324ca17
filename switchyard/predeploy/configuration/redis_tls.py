"""TLS to Redis, as the options of a client's address ask for it."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from switchyard.core.errors import NotChecked
from switchyard.predeploy.reach import container_files

CA_FILE, CERTIFICATE_FILE, KEY_FILE = container_files.TLS
CHECK_HOSTNAME = "ssl_check_hostname"
OPTIONS = ("ssl_cert_reqs", CHECK_HOSTNAME, *container_files.TLS)
"""The options of an address that begin with ``ssl_`` and that this check obeys."""
UNVERIFIED = {"ssl_cert_reqs": ("none", "cert_none"), "skip_verify": ("true",), "insecure_skip_verify": ("true",)}
"""Options, each with the values with which a client accepts any certificate."""
HOSTNAME_MISMATCH = 62
"""OpenSSL's code for a certificate of another name (``X509_V_ERR_HOSTNAME_MISMATCH``)."""


@dataclass(frozen=True)
class Tls:
    """How a client speaks TLS to Redis. The files that its options name are in its container."""

    client: str
    """The service."""
    server: str
    """The name by which the client calls Redis."""
    options: tuple[tuple[str, str], ...] = ()

    def option(self, name: str) -> str:
        """Return the value of an option; empty if the address does not set it."""
        return dict(self.options).get(name, "")

    @property
    def verifies(self) -> bool:
        """Whether the client requires a certificate that it trusts."""
        return not any(self.option(name).lower() in values for name, values in UNVERIFIED.items())

    @property
    def files(self) -> list[str]:
        """The files that the options name."""
        return [self.option(name) for name in container_files.TLS if self.option(name)]


def context_of(tls: Tls, texts: Mapping[str, str]) -> ssl.SSLContext:
    """Build the client's TLS context from the texts of its files. Raise ``NotChecked`` for an option unknown here."""
    unknown = [name for name, _ in tls.options if name.startswith("ssl_") and name not in OPTIONS]
    if unknown:
        raise NotChecked(f"what {unknown[0]} asks of TLS is not known here; known are {', '.join(OPTIONS)}")
    context = ssl.create_default_context()
    context.check_hostname = tls.verifies and tls.option(CHECK_HOSTNAME).lower() not in ("false", "no", "0")
    context.verify_mode = ssl.CERT_REQUIRED if tls.verifies else ssl.CERT_NONE
    if tls.option(CA_FILE):
        context.load_verify_locations(cadata=texts[tls.option(CA_FILE)])
    if tls.option(CERTIFICATE_FILE):
        with tempfile.NamedTemporaryFile("w") as chain:  # readable for its owner alone
            chain.write("\n".join(texts[tls.option(name)] for name in (KEY_FILE, CERTIFICATE_FILE) if tls.option(name)))
            chain.flush()
            context.load_cert_chain(chain.name)
    return context


def refusal(tls: Tls, error: ssl.SSLError) -> str:
    """Say why client and server agree on no TLS. Raise ``NotChecked`` where only the client's own code could tell.

    What an address leaves open, such as the authorities that it trusts, the client may get from elsewhere.
    """
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        raise NotChecked("TLS: it closes the connection")
    if isinstance(error, ssl.SSLCertVerificationError):
        option = CHECK_HOSTNAME if error.verify_code == HOSTNAME_MISMATCH else CA_FILE
        reason = f"TLS: the certificate that it shows is not trusted: {error.verify_message}"
    elif "CERTIFICATE_REQUIRED" in str(error.reason) or "HANDSHAKE_FAILURE" in str(error.reason):
        option, reason = CERTIFICATE_FILE, "TLS: it asks for a certificate of the client's that it trusts"
    else:
        return f"TLS: {error.reason or error}"
    if not tls.option(option):
        raise NotChecked(f"{reason}; {option} in the address would say what the client has")
    return reason
