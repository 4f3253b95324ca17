"""A client of Kalshi's trade API. It signs requests with the account's RSA key.

``python3 -m betting.kalshi`` prints the state of the exchange and, with a key, the balance of the account.
"""

import base64
import email.utils
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SANDBOX = "https://external-api.demo.kalshi.co/trade-api/v2"
SECONDS = 10.0
"""How long to wait for a connection, and for the next bytes of an answer."""
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)


class KalshiError(Exception):
    """A request failed. The text says why and what to do next, and contains no key."""


class WrongKey(KalshiError):
    """The key is unreadable, or Kalshi does not accept it."""


class ClockSkew(KalshiError):
    """This machine's clock is too far from Kalshi's."""


class Unreachable(KalshiError):
    """Kalshi did not answer."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuse redirects: a signature is for one host and one path."""

    def redirect_request(self, *request: Any) -> None:
        return None


class Client:
    """An account at an address; ``url`` ends with the version of the API, as ``SANDBOX`` does."""

    def __init__(
        self,
        url: str = SANDBOX,
        key_id: str = "",
        private_key: RSAPrivateKey | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url.rstrip("/")
        self.host = urllib.parse.urlsplit(self.url).netloc
        self.key_id, self.private_key, self.clock = key_id, private_key, clock

    @classmethod
    def from_environment(cls) -> "Client":
        """Build a client from the environment; by default it uses the sandbox, without a key."""
        file = os.environ.get("KALSHI_PRIVATE_KEY_FILE", "")
        private_key = read_key(Path(file)) if file else None
        return cls(os.environ.get("KALSHI_URL") or SANDBOX, os.environ.get("KALSHI_KEY_ID", ""), private_key)

    def status(self) -> dict[str, Any]:
        """Return the state of the exchange, which needs no key."""
        return self.send(urllib.request.Request(f"{self.url}/exchange/status"))

    def balance(self) -> int:
        """Return the balance of the account, in cents."""
        return int(self.get("/portfolio/balance")["balance"])

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Send a signed request and return the answer."""
        url = self.url + path
        headers = self.sign("GET", urllib.parse.urlsplit(url).path)
        if query:
            url += f"?{urllib.parse.urlencode(query)}"
        return self.send(urllib.request.Request(url, headers=headers))

    def sign(self, method: str, path: str) -> dict[str, str]:
        """Return the headers that sign a request: its time, its method, and its path without the query."""
        if not self.key_id or self.private_key is None:
            raise WrongKey("this needs an account: set KALSHI_KEY_ID and KALSHI_PRIVATE_KEY_FILE")
        now = str(int(self.clock() * 1000))
        signature = self.private_key.sign(f"{now}{method}{path}".encode(), PSS, hashes.SHA256())
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": now,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    def send(self, request: urllib.request.Request) -> dict[str, Any]:
        try:
            with urllib.request.build_opener(NoRedirect).open(request, timeout=SECONDS) as answer:
                value = json.load(answer)
        except urllib.error.HTTPError as error:
            raise self.refused(error) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Unreachable(f"{self.host} did not answer ({reason}): check KALSHI_URL and the network") from None
        except ValueError:
            raise KalshiError(f"{self.host} did not answer with JSON: check KALSHI_URL") from None
        if not isinstance(value, dict):
            raise KalshiError(f"{self.host} did not answer with a JSON object: check KALSHI_URL")
        return value

    def refused(self, answer: urllib.error.HTTPError) -> KalshiError:
        """Return the error that an answer other than 200 stands for."""
        code = reason(answer)
        if code == "header_timestamp_expired":
            return ClockSkew(f"{self.host} refuses this machine's time, {self.skew(answer)}: set the clock with NTP")
        if code == "NOT_FOUND" and answer.code == 401:
            return WrongKey(f"{self.host} does not know KALSHI_KEY_ID: a sandbox key works in the sandbox alone")
        if answer.code == 401:
            return WrongKey(
                f"{self.host} refuses the signature ({code}): KALSHI_PRIVATE_KEY_FILE belongs to another key"
            )
        return KalshiError(f"{self.host} answered {answer.code} ({code})")

    def skew(self, answer: urllib.error.HTTPError) -> str:
        """Say how far apart the clocks are, by the date in the answer."""
        try:
            server_time = email.utils.parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        except ValueError:
            return "and does not send its own"
        seconds = round(self.clock() - server_time)
        return f"{abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} its own"


def reason(answer: urllib.error.HTTPError) -> str:
    """Return the reason in ``{"error": {"code": ..., "details": ...}}``: the details, or else the code."""
    try:
        error = json.load(answer)["error"]
        return str(error.get("details") or error["code"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError):
        return "no reason given"


def read_key(file: Path) -> RSAPrivateKey:
    """Read a private key as Kalshi issues it: RSA, in PEM, without a password."""
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise WrongKey(f"KALSHI_PRIVATE_KEY_FILE {file}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise WrongKey(f"KALSHI_PRIVATE_KEY_FILE {file}: not a private key in PEM without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise WrongKey(f"KALSHI_PRIVATE_KEY_FILE {file}: not an RSA key")
    return key


def main() -> None:
    try:
        client = Client.from_environment()
        print(f"{client.host}: exchange {'open' if client.status().get('exchange_active') else 'closed'}")
        if client.key_id:
            print(f"balance: {client.balance() / 100:.2f} USD")
    except KalshiError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
