"""A client of Kalshi's trade API, whose requests are signed with the account's RSA key.

python3 -m betting.kalshi    the state of the exchange and, where a key is set, the balance of the account
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
"""How long Kalshi may take to connect, and to send the next bytes of its answer."""
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)


class KalshiError(Exception):
    """Kalshi did not do what it was asked; the text says why and what to do next, and holds no key."""


class WrongKey(KalshiError):
    """The key cannot be read, or Kalshi does not accept it."""


class ClockSkew(KalshiError):
    """This machine's clock is too far from Kalshi's."""


class Unreachable(KalshiError):
    """No answer came."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signature is for one path and one host: it is taken nowhere else."""

    def redirect_request(self, *request: Any) -> None:
        return None


class Client:
    """One account at one address; ``url`` ends in the version of the API, as in ``SANDBOX``."""

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
        """What KALSHI_URL, KALSHI_KEY_ID and KALSHI_PRIVATE_KEY_FILE say; the sandbox, without a key, by default."""
        file = os.environ.get("KALSHI_PRIVATE_KEY_FILE", "")
        private_key = read_key(Path(file)) if file else None
        return cls(os.environ.get("KALSHI_URL") or SANDBOX, os.environ.get("KALSHI_KEY_ID", ""), private_key)

    def status(self) -> dict[str, Any]:
        """Whether the exchange is open; needs no key."""
        return self.send(urllib.request.Request(f"{self.url}/exchange/status"))

    def balance(self) -> int:
        """What the account holds, in cents."""
        return int(self.get("/portfolio/balance")["balance"])

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The answer to a signed request."""
        url = self.url + path
        headers = self.sign("GET", urllib.parse.urlsplit(url).path)
        if query:
            url += f"?{urllib.parse.urlencode(query)}"
        return self.send(urllib.request.Request(url, headers=headers))

    def sign(self, method: str, path: str) -> dict[str, str]:
        """The headers of a request: the signature is over time, method and path, without the query."""
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
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise self.refused(error) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Unreachable(f"{self.host} did not answer ({reason}): look at KALSHI_URL and the network") from None
        except ValueError:
            raise KalshiError(f"{self.host} did not answer in JSON: look at KALSHI_URL") from None
        if not isinstance(found, dict):
            raise KalshiError(f"{self.host} did not answer with an object: look at KALSHI_URL")
        return found

    def refused(self, answer: urllib.error.HTTPError) -> KalshiError:
        """What an answer other than 200 means."""
        code = reason(answer)
        if code == "header_timestamp_expired":
            return ClockSkew(f"{self.host} refuses the time of this machine, {self.skew(answer)}: set its clock by NTP")
        if code == "NOT_FOUND" and answer.code == 401:
            return WrongKey(f"{self.host} does not know KALSHI_KEY_ID: a key of the sandbox is for the sandbox only")
        if answer.code == 401:
            return WrongKey(f"{self.host} refuses the signature ({code}): KALSHI_PRIVATE_KEY_FILE is another key's")
        return KalshiError(f"{self.host} answered {answer.code} ({code})")

    def skew(self, answer: urllib.error.HTTPError) -> str:
        """How far the clocks are apart, by the time in the answer."""
        try:
            theirs = email.utils.parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        except ValueError:
            return "and does not say its own"
        seconds = round(self.clock() - theirs)
        return f"{abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} its own"


def reason(answer: urllib.error.HTTPError) -> str:
    """The word for it: ``{"error": {"code": ..., "details": ...}}``, of which details say more where they are there."""
    try:
        error = json.load(answer)["error"]
        return str(error.get("details") or error["code"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError):
        return "no reason given"


def read_key(file: Path) -> RSAPrivateKey:
    """The private key as Kalshi hands it out: RSA, PEM, without a password."""
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
