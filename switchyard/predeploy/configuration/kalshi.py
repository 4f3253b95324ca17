"""A signed request to Kalshi's API, as its servers verify it."""

from __future__ import annotations

import base64
import os
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from switchyard.core.regular_file import read_regular
from switchyard.predeploy.configuration.findings import named_finding
from switchyard.predeploy.configuration.local_files import local_path
from switchyard.predeploy.engine.result import Finding
from switchyard.predeploy.engine.subject import Subject

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

BASE_PATH = "/trade-api/v2"
BALANCE = "/portfolio/balance"
KEY_RULE = "credential-key"


def balance_url(url: str) -> str:
    """Return the address of the account's balance; an address without a path gets the API's own."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or BASE_PATH}{BALANCE}"


def private_key(subject: Subject, name: str, variable: str, text: str) -> rsa.RSAPrivateKey | Finding:
    """Load the key of the credential ``name`` from the text of a variable: PEM, or the path of a PEM file.

    Return a finding where there is no usable key.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = text.replace("\\n", "\n")
    if "-----BEGIN" not in pem:
        path = local_path(subject, pem)
        if len(pem.splitlines()) != 1 or not path.is_file():
            what = f"{name}: {variable} is neither a key nor the path of a file on this machine"
            return named_finding(KEY_RULE, name, what, "set it to the private key in PEM format, or to its file's path")
        pem = read_regular(str(path), os).decode(errors="replace")
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        what = f"{name}: the private key in {variable} is damaged or encrypted"
        return named_finding(KEY_RULE, name, what, "set it to the PEM that Kalshi issued, with its line breaks")
    if not isinstance(key, rsa.RSAPrivateKey):
        what = f"{name}: {variable} is not an RSA key"
        return named_finding(KEY_RULE, name, what, "create an API key at Kalshi, which issues RSA keys")
    return key


def signed_headers(key: rsa.RSAPrivateKey, key_id: str, path: str) -> dict[str, str]:
    """Sign a GET request with RSA-PSS over the time in milliseconds, the method and the path without its query."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    timestamp = str(int(time.time() * 1000))
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    signature = key.sign(f"{timestamp}GET{path}".encode(), pss, hashes.SHA256())
    return {
        "KALSHI-ACCESS-KEY": key_id,
        "KALSHI-ACCESS-TIMESTAMP": timestamp,
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
    }
