"""The certificates of a host: read from files of the control node, and checked before anything ships."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from switchyard.control import terminal
from switchyard.core.errors import BadInput
from switchyard.core.regular_file import read_regular
from switchyard.core.route_names import covering_names
from switchyard.settings.model import Host

if TYPE_CHECKING:
    from cryptography import x509

OTHERS_MAY_READ = stat.S_IRWXG | stat.S_IRWXO


class Certificate(NamedTuple):
    """The certificate of a name, as an edge has it."""

    chain: str
    """The certificate, and those that lead to its authority."""
    key: str
    """Secret."""

    @property
    def text(self) -> str:
        """Both in one file. Secret."""
        return self.chain + self.key


def read_certificates(host: Host) -> dict[str, Certificate]:
    """Return the certificates that a host's entry names. Raise ``BadInput`` with everything that is wrong with them."""
    certificates, problems = {}, []
    for name, setting in host.setting.certificates.items():
        where = f"hosts.{host.name}.certificates.{name}"
        try:
            chain = _read(host, setting.certificate, f"{where}.certificate")
            key = _read(host, setting.key, f"{where}.key", is_secret=True)
            certificates[name] = _checked(name, chain, key, where)
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadInput("\n".join(problems))
    terminal.hide([each.key for each in certificates.values()])
    return certificates


def chain_for(host: Host, name: str) -> str:
    """Return the certificate that a host shows for a name, with its chain; empty where no file here has it."""
    setting = host.setting.certificates.get(covering(name, host.setting.certificates) or "")
    try:
        return "" if setting is None else _read(host, setting.certificate, "").decode(errors="replace")
    except BadInput:  # a rollback needs no file of this machine
        return ""


def covering(name: str, names: Collection[str]) -> str | None:
    """Return the name whose certificate is for a name: itself, else its wildcard; None where there is none."""
    return next((each for each in covering_names(name) if each in names), None)


def _read(host: Host, name: str, where: str, *, is_secret: bool = False) -> bytes:
    path = Path(os.path.expanduser(name))
    path = path if path.is_absolute() else host.checkout / path
    try:
        if is_secret and path.stat().st_mode & OTHERS_MAY_READ:
            raise BadInput(f"{where}: others may read {path}. Run chmod 600 {path}")
        return read_regular(str(path), os)
    except OSError as error:
        raise BadInput(f"{where}: {path}: {error.strerror}") from None


def _checked(name: str, chain: bytes, key: bytes, where: str) -> Certificate:
    """Return a certificate once it is one that browsers take for its name, if they trust its authority."""
    from cryptography import x509  # loads slowly, and most verbs need none of it
    from cryptography.hazmat.primitives import serialization as form

    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise BadInput(f"{where}.certificate: it holds no certificate in PEM form") from None
    try:
        private = form.load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        why = (
            "it is encrypted. Remove its passphrase" if isinstance(error, TypeError) else "it holds no key in PEM form"
        )
        raise BadInput(f"{where}.key: {why}") from None
    keys = (private.public_key(), certificates[0].public_key())
    if len({each.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo) for each in keys}) > 1:
        raise BadInput(f"{where}: the key is not that of the certificate, which must come first in its file")
    problems = [f"{where}.certificate: {problem}" for problem in _problems(name, certificates)]
    if problems:
        raise BadInput("\n".join(problems))
    texts = [each.public_bytes(form.Encoding.PEM).decode() for each in certificates]
    secret = private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    return Certificate("".join(texts), secret)


def _problems(name: str, certificates: Sequence[x509.Certificate]) -> Iterator[str]:
    """Yield why browsers refuse a certificate for a name, whichever authority they trust."""
    from cryptography import x509

    first, now = certificates[0], datetime.now(timezone.utc)
    try:
        names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except x509.ExtensionNotFound:
        names = []
    if covering(name, [each.lower() for each in names]) is None:
        yield f"it is not for {name}, but for {', '.join(names) or 'no name'}"
    if first.not_valid_after_utc < now:
        yield f"it ended on {first.not_valid_after_utc:%Y-%m-%d}. Renew it"
    if first.not_valid_before_utc > now:
        yield f"it begins only on {first.not_valid_before_utc:%Y-%m-%d}"
    for number, (each, issuer) in enumerate(itertools.pairwise(certificates), 1):
        try:
            each.verify_directly_issued_by(issuer)
        except Exception:  # of many types: another name, another kind of key, a wrong signature
            yield f"number {number + 1} in its file did not issue number {number}. Order them from the name up"
