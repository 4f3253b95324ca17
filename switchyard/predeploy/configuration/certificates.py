"""Certificates that are not about to expire: of files, and as servers show them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from switchyard.core.errors import NotChecked
from switchyard.predeploy.engine import waivers as waive
from switchyard.predeploy.engine.check import Check, Finding, Result, Subject, never, skipped
from switchyard.settings.predeploy import CertificateSetting

if TYPE_CHECKING:
    from cryptography import x509

RULES = ("certificate-expired", "certificate-expires", "certificate-early", "certificate-none")
ANSWERS_WITHIN = 10.0
DAY = 86400.0


def run(subject: Subject) -> Result:
    """Every certificate of the settings, and the one that the host's https address shows."""
    asked = dict(_asked(subject))
    if not asked:
        return skipped("no certificate is named: set app.predeploy.certificates, or give the host a url with https://")
    found, looked, problems = [], [], []
    for name, setting in asked.items():
        try:
            held = _of_file(subject, setting.file) if setting.file else _of_server(setting.address or "", setting.port)
        except NotChecked as error:
            problems.append(f"{name}: {error}")
            continue
        findings, left = _judge(name, setting, held)
        found += [(name, finding) for finding in findings]
        looked.append(f"{name} {left:.0f} days")
    return waive.judge(subject, RULES, found, [f"valid for: {', '.join(looked)}"], problems)


def _asked(subject: Subject) -> Iterator[tuple[str, CertificateSetting]]:
    yield from subject.setting.certificates.items()
    parts = urlsplit((subject.entry.url if subject.entry else None) or "")
    if parts.scheme == "https" and parts.hostname:
        shown = {(each.address, each.port) for each in subject.setting.certificates.values()}
        if (parts.hostname, parts.port or 443) not in shown:
            yield parts.hostname, CertificateSetting(address=parts.hostname, port=parts.port or 443)


def _of_file(subject: Subject, name: str) -> list[x509.Certificate]:
    from cryptography import x509

    path = Path(name).expanduser()
    path = path if path.is_absolute() else subject.checkout / path
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotChecked(f"{path}: {error.strerror}") from None
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        return []


def _of_server(address: str, port: int) -> list[x509.Certificate]:
    """What a server shows, whether it is trusted or not: an expired one is shown too."""
    from cryptography import x509

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=ANSWERS_WITHIN) as plain,
            context.wrap_socket(plain, server_hostname=address) as wire,
        ):
            shown = wire.getpeercert(binary_form=True)
    except OSError as error:
        raise NotChecked(f"{address}:{port}: no TLS within {ANSWERS_WITHIN:.0f} s: {error.strerror or error}") from None
    return [x509.load_der_x509_certificate(shown)] if shown else []


def _judge(name: str, setting: CertificateSetting, held: list[x509.Certificate]) -> tuple[list[Finding], float]:
    """What is wrong with the first that ends, and the days that it has left."""
    if not held:
        return [_found("certificate-none", name, "holds no certificate that can be read", "give it one in PEM")], 0.0
    now = datetime.now(timezone.utc)
    first = min(held, key=lambda one: one.not_valid_after_utc)
    left = (first.not_valid_after_utc - now).total_seconds() / DAY
    until = f"{first.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if left <= 0:
        return [_found("certificate-expired", name, f"expired at {until}", "renew it")], left
    if left < setting.days:
        what = f"expires at {until}, in {left:.1f} days; {setting.days} are asked for"
        return [_found("certificate-expires", name, what, "renew it, and see why nothing did by itself")], left
    begins = max(one.not_valid_before_utc for one in held)
    if begins > now:
        what = f"is not valid before {begins:%Y-%m-%d %H:%M} UTC"
        return [_found("certificate-early", name, what, "wait, or set the clock")], left
    return [], left


def _found(rule: str, name: str, what: str, do: str) -> Finding:
    return Finding(rule, f"{name}: {what}", place=name, do=do, text=f"{name} {rule}")


CHECK = Check(
    name="certificates",
    group="configuration",
    proves="no certificate of the settings, nor that of the host's https address, is about to expire",
    needs="app.predeploy.certificates, or --host with a url of https",
    run=run,
    source=Path(__file__),
    lasts=never,
    waits=True,
)
