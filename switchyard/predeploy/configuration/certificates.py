"""Certificates in files and on servers remain valid for long enough."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from switchyard.core.errors import NotChecked
from switchyard.core.regular_file import read_regular
from switchyard.predeploy.configuration.findings import named_finding
from switchyard.predeploy.configuration.local_files import local_path, need_of_file
from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import CertificateSetting

if TYPE_CHECKING:
    from cryptography import x509

RULES = ("certificate-expired", "certificate-expires", "certificate-early", "certificate-none")
HANDSHAKE_LIMIT = 10.0
"""Seconds in which a server must complete the TLS handshake."""
DAY = 86400.0


def run(subject: Subject) -> Result:
    """Check each certificate in the settings, and the host's own ones, else the one at its https address."""
    settings = dict(_settings(subject))
    if not settings:
        return skipped(
            "the settings name no certificate: set app.predeploy.certificates, or give the host a url with https://"
        )
    findings, valid_for, problems = [], [], []
    for name, setting in settings.items():
        try:
            if setting.file and name in subject.setting.certificates:
                subject.allowances.require([need_of_file(subject, ("certificates", name), setting.file)])
            chain = _from_file(subject, setting.file) if setting.file else _from_server(setting)
        except NotChecked as error:
            problems.append(f"{name}: {error}")
            continue
        days_left = _days_left(chain)
        findings += [(name, finding) for finding in _judge(name, setting, chain)]
        valid_for.append(f"{name} {days_left:.0f} days")
    return waivers.judge(subject, RULES, findings, [f"valid for: {', '.join(valid_for)}"], problems)


def _settings(subject: Subject) -> Iterator[tuple[str, CertificateSetting]]:
    yield from subject.setting.certificates.items()
    if subject.entry is not None and subject.entry.certificates:  # the edge shows these at the url from the switch on
        yield from (
            (f"hosts.{name}", CertificateSetting(file=own.certificate))
            for name, own in subject.entry.certificates.items()
        )
        return
    url = urlsplit((subject.entry.url if subject.entry else None) or "")
    if url.scheme == "https" and url.hostname:
        servers = {(setting.address, setting.port) for setting in subject.setting.certificates.values()}
        if (url.hostname, url.port or 443) not in servers:
            yield url.hostname, CertificateSetting(address=url.hostname, port=url.port or 443)


def _from_file(subject: Subject, name: str) -> list[x509.Certificate]:
    """Return the certificates in a PEM file, or none if it has none that can be parsed."""
    from cryptography import x509

    path = local_path(subject, name)
    try:
        pem = read_regular(str(path), os)
    except OSError as error:
        raise NotChecked(f"{path}: {error.strerror}") from None
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []


def _from_server(setting: CertificateSetting) -> list[x509.Certificate]:
    """Return the certificate that a server presents, trusted or not: an expired one is what this check looks for."""
    from cryptography import x509

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address, port = setting.address or "", setting.port
    try:
        with (
            socket.create_connection((address, port), timeout=HANDSHAKE_LIMIT) as plain,
            context.wrap_socket(plain, server_hostname=address) as encrypted,
        ):
            der = encrypted.getpeercert(binary_form=True)
    except OSError as error:
        reason = error.strerror or error
        raise NotChecked(f"{address}:{port}: no TLS within {HANDSHAKE_LIMIT:.0f} s: {reason}") from None
    return [x509.load_der_x509_certificate(der)] if der else []


def _days_left(chain: list[x509.Certificate]) -> float:
    """Return the days until the first certificate of a chain expires."""
    if not chain:
        return 0.0
    expiry = min(certificate.not_valid_after_utc for certificate in chain)
    return (expiry - datetime.now(timezone.utc)).total_seconds() / DAY


def _judge(name: str, setting: CertificateSetting, chain: list[x509.Certificate]) -> Iterator[Finding]:
    if not chain:
        what = f"{name}: there is no readable certificate"
        yield named_finding("certificate-none", name, what, "provide a certificate in PEM format")
        return
    days_left = _days_left(chain)
    expiry = f"{min(certificate.not_valid_after_utc for certificate in chain):%Y-%m-%d %H:%M} UTC"
    start = max(certificate.not_valid_before_utc for certificate in chain)
    if days_left <= 0:
        yield named_finding("certificate-expired", name, f"{name}: expired at {expiry}", "renew it")
    elif days_left < setting.days:
        what = f"{name}: expires at {expiry}, in {days_left:.1f} days; the settings require {setting.days}"
        yield named_finding("certificate-expires", name, what, "renew it, and find out why no renewal ran by itself")
    elif start > datetime.now(timezone.utc):
        what = f"{name}: is not valid before {start:%Y-%m-%d %H:%M} UTC"
        yield named_finding("certificate-early", name, what, "wait until then, or correct this machine's clock")


CHECK = Check(
    name="certificates",
    group="configuration",
    proves="no certificate in the settings or at the host's https address is about to expire",
    needs="app.predeploy.certificates, or --host with an https url",
    run=run,
    source=Path(__file__),
    lasts=never,
    waits=True,
)
