"""Each API accepts the application's credentials: the check sends one real request that changes nothing."""

from __future__ import annotations

import os
import re
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from switchyard.control.allowances import Need
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.wire.allowance import NOTHING, Allowance, origin
from switchyard.predeploy.configuration import kalshi
from switchyard.predeploy.configuration.findings import named_finding
from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import CredentialSetting

if TYPE_CHECKING:
    import httpx

RULES = ("credential-missing", kalshi.KEY_RULE, "credential-refused", "credential-clock", "credential-answer")
ANSWER_LIMIT = 10.0
"""Seconds in which an API must answer."""
CLOCK_TOLERANCE = 5.0
"""Seconds by which this machine's clock may differ from the server's before a refusal may be the clock's fault."""
UNAUTHORIZED, FORBIDDEN, TOO_MANY, SERVER_ERROR = 401, 403, 429, 500
DATE = "Date"
VARIABLE = re.compile(r"\$\{(\w+)\}")


def run(subject: Subject) -> Result:
    """Send one request with each credential in the settings."""
    settings = subject.setting.credentials
    if not settings:
        return skipped("the settings name no API: set app.predeploy.credentials to try its credentials")
    findings, tried, left_out, problems = [], [], [], []
    for name, setting in settings.items():
        try:
            reason = _reason_to_leave_out(subject, setting)
            if reason:
                left_out.append(f"{name}: {reason}")
                continue
            findings += [(name, finding) for finding in _try(subject, name, setting)]
            tried.append(f"{name} at {_server(subject, name, setting)}")
        except NotChecked as error:
            problems.append(f"{name}: {error}")
    if not tried and not problems:
        return skipped("; ".join(left_out))
    requests = [f"one request each: {', '.join(tried)}"] if tried else []
    return waivers.judge(subject, RULES, findings, [*requests, *left_out], problems)


def variable_value(subject: Subject, name: str) -> str:
    """Return a variable of the host's env, or of the process's where no host is named; empty if it is not set."""
    return (subject.env if subject.host else os.environ).get(name, "")


def _variables(setting: CredentialSetting) -> list[str]:
    """Return the names of the variables that a credential needs."""
    names = [None if setting.url else setting.url_from, setting.key_id_from, setting.key_from]
    in_headers = [name for value in setting.headers.values() for name in VARIABLE.findall(value)]
    return [name for name in names if name] + in_headers


def _reason_to_leave_out(subject: Subject, setting: CredentialSetting) -> str:
    names = _variables(setting)
    if not names or any(variable_value(subject, name) for name in names):
        return ""
    if setting.optional:
        return f"optional, and {', '.join(names)} not set"
    if subject.host is None:
        return f"{', '.join(names)} not set here: to try the host's values, add --host"
    return ""


def _try(subject: Subject, name: str, setting: CredentialSetting) -> list[Finding]:
    missing = [variable for variable in _variables(setting) if not variable_value(subject, variable)]
    if missing:
        where = f"the env of {subject.host}" if subject.host else "the environment"
        what = f"{name}: {', '.join(missing)} not set in {where}"
        return [named_finding("credential-missing", name, what, "set it")]
    url = _url(subject, name, setting)
    subject.allowances.require([need(subject, name, setting)])
    if setting.kind == "kalshi":
        variable = setting.key_from or ""
        key = kalshi.private_key(subject, name, variable, variable_value(subject, variable))
        if isinstance(key, Finding):
            return [key]
        url = kalshi.balance_url(url)
        headers = kalshi.signed_headers(key, variable_value(subject, setting.key_id_from or ""), urlsplit(url).path)
    else:
        headers = {
            header: VARIABLE.sub(lambda match: variable_value(subject, match[1]), value)
            for header, value in setting.headers.items()
        }
    return _judge(name, setting, _get(name, url, headers))


def need(subject: Subject, name: str, setting: CredentialSetting) -> Need:
    """Return what a credential sends, and where: to an address, or to the one that a variable holds."""
    in_variable = setting.url_from if setting.url_from and variable_value(subject, setting.url_from) else None
    to = in_variable or origin(setting.url or "") or setting.url or ""
    sent = tuple(dict.fromkeys(variable for variable in _variables(setting) if variable != setting.url_from))
    is_public = subject.host is not None and not sent
    return Need(("credentials", name), NOTHING if is_public else Allowance(send={to: sent}))


def _url(subject: Subject, name: str, setting: CredentialSetting) -> str:
    from_variable = variable_value(subject, setting.url_from or "")
    url = from_variable or setting.url or ""
    parts = urlsplit(url)
    is_plain = bool(from_variable) or origin(url) is not None
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
        raise BadInput(
            f"app.predeploy.credentials.{name}: {setting.url_from or 'url'} is not an address that begins with "
            "http:// or https://, and the name of a server"
        )
    return url


def _server(subject: Subject, name: str, setting: CredentialSetting) -> str:
    """Return the host name of an address in the settings; of one in the env, which may be secret, the variable."""
    is_in_settings = setting.url and not variable_value(subject, setting.url_from or "")
    return str(urlsplit(_url(subject, name, setting)).hostname) if is_in_settings else f"{setting.url_from}"


def _get(name: str, url: str, headers: dict[str, str]) -> httpx.Response:
    """Send the request. Raise ``NotChecked`` where no answer arrives, or one that tells nothing about credentials."""
    import httpx

    host = urlsplit(url).hostname
    try:
        answer = httpx.get(url, headers=headers, timeout=ANSWER_LIMIT, follow_redirects=False)
    except httpx.TimeoutException:
        raise NotChecked(f"{host} did not answer within {ANSWER_LIMIT:.0f} s") from None
    except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError):
        raise BadInput(
            f"app.predeploy.credentials.{name}: the address or a header contains characters that HTTP does not allow"
        ) from None
    except httpx.HTTPError as error:
        raise NotChecked(f"{host} does not answer: {type(error).__name__}") from None
    if answer.status_code == TOO_MANY or answer.status_code >= SERVER_ERROR:
        raise NotChecked(f"{host} answered {answer.status_code}, which says nothing of the credentials")
    return answer


def _judge(name: str, setting: CredentialSetting, answer: httpx.Response) -> list[Finding]:
    status, server = answer.status_code, answer.url.host
    if status == setting.status:
        return []
    if status not in (UNAUTHORIZED, FORBIDDEN):
        what = f"{name}: {server} answered {status}, not {setting.status}"
        do = f"correct the address or the status under app.predeploy.credentials.{name}"
        return [named_finding("credential-answer", name, what, do)]
    clock_offset = _clock_offset(answer)
    if setting.kind == "kalshi" and clock_offset is not None and abs(clock_offset) > CLOCK_TOLERANCE:
        what = (
            f"{name}: {server} answered {status}, and this machine's clock differs from its clock by "
            f"{clock_offset:+.0f} s; a signature contains the time"
        )
        do = "set this machine's clock (timedatectl), then run the command again"
        return [named_finding("credential-clock", name, what, do)]
    what = f"{name}: {server} answered {status}: it does not accept the credentials"
    do = "make sure that the key is still valid and belongs to this environment: demo and production have their own"
    return [named_finding("credential-refused", name, what, do)]


def _clock_offset(answer: httpx.Response) -> float | None:
    """Return the seconds by which this machine's clock is ahead of the server's; None if the server sends no date."""
    try:
        return time.time() - parsedate_to_datetime(answer.headers[DATE]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None


CHECK = Check(
    name="credentials",
    group="configuration",
    proves="each API in the settings accepts the application's credentials: Kalshi a signed request, others HTTP",
    needs="app.predeploy.credentials; uses the host's env with --host, else the environment of the process",
    run=run,
    source=Path(__file__),
    lasts=never,
    waits=True,
)
