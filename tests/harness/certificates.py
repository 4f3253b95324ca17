"""A private authority, and the certificates that it issues for tests."""

from __future__ import annotations

import functools
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


class Authority:
    """Issues certificates. Its own is ``text``."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _called("An authority for tests")
        self.certificate = _build(self.name, self.name, self.key, self, days=3650, is_authority=True)
        self.text = self.certificate.public_bytes(PEM).decode()

    def issue(self, *names: str, days: float = 90, begun: float = 1) -> tuple[str, str]:
        """Return a certificate for these names with its key. It ends in ``days``, and began ``begun`` days ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _build(_called(names[0]), self.name, key, self, names=names, days=days, begun=begun)
        return certificate.public_bytes(PEM).decode(), key_text(key)

    def lay(self, folder: Path, name: str, **more: float) -> dict[str, str]:
        """Write a certificate with its chain and its key into a folder. Return the setting that names both files."""
        certificate, key = self.issue(name, **more)
        stem = name.replace("*", "any")
        (folder / f"{stem}.pem").write_text(certificate + self.text)
        (folder / f"{stem}.key").touch(mode=0o600)
        (folder / f"{stem}.key").write_text(key)
        return {"certificate": f"{stem}.pem", "key": f"{stem}.key"}


def serves(folder: Path, name: str, by: Authority) -> ssl.SSLContext:
    """Return how a server speaks TLS that has a certificate of this name, without its chain."""
    certificate, key = by.issue(name)
    (folder / "served.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "served.pem")
    return context


@functools.cache
def authority() -> Authority:
    """Return the one authority of this process."""
    return Authority()


def key_text(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a key in PEM form."""
    plain = serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _build(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: Authority,
    *,
    names: tuple[str, ...] = (),
    days: float,
    begun: float = 1,
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=begun))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
    return builder.sign(by.key, hashes.SHA256())
