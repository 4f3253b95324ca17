"""An API takes the application's credentials: each is tried with one real request that changes nothing."""

from __future__ import annotations

import base64
import os
import re
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.engine import waivers as waive
from switchyard.predeploy.engine.check import Check, Finding, Result, Subject, never, skipped
from switchyard.settings.predeploy import CredentialSetting

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric import rsa

RULES = ("credential-missing", "credential-key", "credential-refused", "credential-clock", "credential-answer")
ANSWERS_WITHIN = 10.0
"""Seconds in which an API must answer."""
CLOCK_OFF = 5.0
"""Seconds between this clock and the server's from which a refusal may be the clock's."""
KALSHI = "/trade-api/v2"
BALANCE = "/portfolio/balance"
UNAUTHORIZED, FORBIDDEN, TOO_MANY, BROKEN = 401, 403, 429, 500
VARIABLE = re.compile(r"\$\{(\w+)\}")


def run(subject: Subject) -> Result:
    """Every credential of the settings."""
    settings = subject.setting.credentials
    if not settings:
        return skipped("no API is named: set app.predeploy.credentials to have its credentials tried")
    found, tried, left, problems = [], [], [], []
    for name, setting in settings.items():
        try:
            why_not = _left_out(subject, setting)
            if why_not:
                left.append(f"{name}: {why_not}")
                continue
            findings = _tried(subject, name, setting)
            found += [(name, finding) for finding in findings]
            tried.append(f"{name} at {_host(subject, name, setting)}")
        except NotChecked as error:
            problems.append(f"{name}: {error}")
    if not tried and not problems:
        return skipped("; ".join(left))
    asked = [f"one request each: {', '.join(tried)}"] if tried else []
    return waive.judge(subject, RULES, found, [*asked, *left], problems)


def _names(setting: CredentialSetting) -> list[str]:
    """The variables that a credential is made of."""
    given = [None if setting.url else setting.url_from, setting.key_id_from, setting.key_from]
    return [name for name in given if name] + [
        name for value in setting.headers.values() for name in VARIABLE.findall(value)
    ]


def value_of(subject: Subject, name: str) -> str:
    """A variable of the host's env; without a host, of the process's."""
    return (subject.env if subject.host else os.environ).get(name, "")


def _left_out(subject: Subject, setting: CredentialSetting) -> str:
    names = _names(setting)
    if not names or any(value_of(subject, name) for name in names):
        return ""
    if setting.optional:
        return f"optional, and {', '.join(names)} not set"
    if subject.host is None:
        return f"{', '.join(names)} not set here: with --host those of its env are tried"
    return ""


def _tried(subject: Subject, name: str, setting: CredentialSetting) -> list[Finding]:
    missing = [each for each in _names(setting) if not value_of(subject, each)]
    if missing:
        where = f"the env of {subject.host}" if subject.host else "the environment"
        return [_found("credential-missing", name, f"{', '.join(missing)} not set in {where}", "set it")]
    url = _url(subject, name, setting)
    if setting.kind == "kalshi":
        key = _key(subject, name, setting)
        if isinstance(key, Finding):
            return [key]
        parts = urlsplit(url)
        path = f"{parts.path.rstrip('/') or KALSHI}{BALANCE}"
        url = f"{parts.scheme}://{parts.netloc}{path}"
        headers = _signed(key, value_of(subject, setting.key_id_from or ""), path)
    else:
        headers = {
            header: VARIABLE.sub(lambda found: value_of(subject, found[1]), value)
            for header, value in setting.headers.items()
        }
    answer = _asked(name, url, headers)
    return _judged(name, setting, answer)


def _url(subject: Subject, name: str, setting: CredentialSetting) -> str:
    url = value_of(subject, setting.url_from or "") or setting.url or ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(
            f"app.predeploy.credentials.{name}: {setting.url_from or 'url'} is not an address with http(s)://"
        )
    return url


def _host(subject: Subject, name: str, setting: CredentialSetting) -> str:
    """Where it was tried: the host, if the settings say it, else the variable that does."""
    is_written = setting.url and not value_of(subject, setting.url_from or "")
    return str(urlsplit(_url(subject, name, setting)).hostname) if is_written else f"{setting.url_from}"


def _key(subject: Subject, name: str, setting: CredentialSetting) -> rsa.RSAPrivateKey | Finding:
    """The private key that a variable holds, or the file that it names."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    held = setting.key_from or ""
    text = value_of(subject, held).replace("\\n", "\n")
    if "-----BEGIN" not in text:
        path = Path(text).expanduser()
        path = path if path.is_absolute() else subject.checkout / path
        if len(text.splitlines()) != 1 or not path.is_file():
            what = f"{held} holds no key, and names no file of this machine"
            return _found("credential-key", name, what, "give it the PEM of the private key, or the path of its file")
        text = path.read_text(errors="replace")
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        what = f"{held} is no private key that can be read: damaged, or under a password"
        return _found("credential-key", name, what, "give it the PEM as Kalshi showed it, with its line ends")
    if not isinstance(key, rsa.RSAPrivateKey):
        return _found("credential-key", name, f"{held} is no RSA key", "Kalshi signs with RSA; make a key there")
    return key


def _signed(key: rsa.RSAPrivateKey, key_id: str, path: str) -> dict[str, str]:
    """RSA-PSS over time in milliseconds, method and path without its query, as Kalshi verifies it."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    stamp = str(int(time.time() * 1000))
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    signature = key.sign(f"{stamp}GET{path}".encode(), pss, hashes.SHA256())
    return {
        "KALSHI-ACCESS-KEY": key_id,
        "KALSHI-ACCESS-TIMESTAMP": stamp,
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
    }


def _asked(name: str, url: str, headers: dict[str, str]) -> httpx.Response:
    """The answer. Raises ``NotChecked`` where there is none, or none that says anything of credentials."""
    import httpx

    host = urlsplit(url).hostname
    try:
        answer = httpx.get(url, headers=headers, timeout=ANSWERS_WITHIN, follow_redirects=False)
    except httpx.TimeoutException:
        raise NotChecked(f"{host} did not answer within {ANSWERS_WITHIN:.0f} s") from None
    except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError):
        raise BadInput(f"app.predeploy.credentials.{name}: the address or a header cannot be sent as it is") from None
    except httpx.HTTPError as error:
        raise NotChecked(f"{host} does not answer: {type(error).__name__}") from None
    if answer.status_code == TOO_MANY or answer.status_code >= BROKEN:
        raise NotChecked(f"{host} answered {answer.status_code}, which says nothing of the credentials")
    return answer


def _judged(name: str, setting: CredentialSetting, answer: httpx.Response) -> list[Finding]:
    status = answer.status_code
    if status == setting.status:
        return []
    if status not in (UNAUTHORIZED, FORBIDDEN):
        what = f"{answer.url.host} answered {status}, not {setting.status}"
        return [_found("credential-answer", name, what, "correct the address of the setting, or its status")]
    off = _clock_off(answer)
    if setting.kind == "kalshi" and off is not None and abs(off) > CLOCK_OFF:
        what = (
            f"{answer.url.host} answered {status}, and this clock is {off:+.0f} s off its: a signature holds the time"
        )
        return [_found("credential-clock", name, what, "set this machine's clock (timedatectl), then try again")]
    what = f"{answer.url.host} answered {status}: it does not take them"
    do = "is the key of this environment (demo and production have their own), and is it still valid there?"
    return [_found("credential-refused", name, what, do)]


def _clock_off(answer: httpx.Response) -> float | None:
    """Seconds that this clock is ahead of the server's; None where it does not say its time."""
    try:
        return time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None


def _found(rule: str, name: str, what: str, do: str) -> Finding:
    return Finding(rule, f"{name}: {what}", place=name, do=do, text=f"{name} {rule}")


CHECK = Check(
    name="credentials",
    group="configuration",
    proves="each API of the settings takes the application's credentials: Kalshi a signed request, others an HTTP one",
    needs="app.predeploy.credentials; with --host its env, else the variables of the process",
    run=run,
    source=Path(__file__),
    lasts=never,
    waits=True,
)
