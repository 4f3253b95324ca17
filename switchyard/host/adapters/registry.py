"""Registries, asked through the engine: it has this host's proxies, mirrors and certificates."""

from __future__ import annotations

import re
from urllib.parse import quote

from switchyard.core import image_names
from switchyard.core.errors import SwitchyardError
from switchyard.core.pull_policy import Answer, Failure
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Json, WireError
from switchyard.core.wire.section import Section
from switchyard.host.adapters import docker_login, engine

_DENIED = re.compile(r"unauthorized|authentication required|no basic auth|denied|forbidden|\b40[13]\b", re.IGNORECASE)
_ABSENT = re.compile(r"manifest unknown|not found|name unknown|no such manifest", re.IGNORECASE)


def ask(image: str, *, within: float) -> Answer:
    """Return what its registry says of an image within so many seconds."""
    login = docker_login.login(image_names.registry(image))
    headers = {"X-Registry-Auth": docker_login.header(login)} if login else {}
    try:
        digest = engine.digest_at_registry(quote(image, safe="/:@"), headers, within=within)
    except engine.Away:
        return Answer(failure="unreachable", text=f"no answer within {within:.0f} s")
    except SwitchyardError as error:
        failure = _failure(str(error))
        if failure == "denied" and login and not _is_accepted(login, within):
            failure = "login"
        return Answer(failure=failure, text=_short(str(error)))
    return Answer(digest=digest) if digest else Answer(failure="absent")


def _failure(text: str) -> Failure:
    if _DENIED.search(text):
        return "denied"
    return "absent" if _ABSENT.search(text) else "unreachable"


def _is_accepted(login: dict[str, Json], within: float) -> bool:
    """Return whether a registry accepts a login. A denial of one image does not tell: it may not be there at all."""
    try:
        engine.log_in(login, within=within)
    except engine.Away:
        return True
    except SwitchyardError as error:
        return _failure(str(error)) != "denied"
    return True


def _short(text: str) -> str:
    """Return the registry's own words in an engine's refusal."""
    text = text.partition(": ")[2]
    try:
        words = Section.of(json_text.parse(text), "answer").text("message") or text
    except (ValueError, WireError):
        words = text
    return " ".join(words.split())
