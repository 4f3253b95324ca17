"""The logins of this host's user at registries: Docker's own configuration and its credential helpers."""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
from pathlib import Path

from switchyard.core import image_names
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Json, WireError
from switchyard.core.wire.section import Section
from switchyard.host.adapters import process
from switchyard.host.adapters.files import DamagedFile, read_json

HUB_KEY = "https://index.docker.io/v1/"
"""The name of Docker Hub in Docker's configuration."""
HELPER_WITHIN = 5.0
"""Seconds for a credential helper."""
IDENTITY = "<token>"
"""The user name that stands for an identity token."""


def login(registry: str) -> dict[str, Json] | None:
    """Return the login of this user at a registry, as the engine reads it; None where there is none. Secret."""
    try:
        config = Section.of(read_json(Path.home() / ".docker" / "config.json"), "config.json")
        helper = config.pairs("credHelpers").get(_key(registry)) or config.text("credsStore")
        entry = _from_helper(helper, _key(registry)) if helper else _from_file(config, _key(registry))
    except (DamagedFile, ValueError, WireError):
        return None
    return {**entry, "serveraddress": _key(registry)} if entry else None


def header(login: dict[str, Json]) -> str:
    """Return a login as the header ``X-Registry-Auth``."""
    return base64.urlsafe_b64encode(json.dumps(login).encode()).decode()


def _key(registry: str) -> str:
    return HUB_KEY if registry == image_names.HUB else registry


def _from_file(config: Section, registry: str) -> dict[str, Json]:
    auths = config.section("auths")
    for key in (registry, f"https://{registry}", f"http://{registry}"):
        entry = auths.section(key)
        token = entry.text("identitytoken")
        if token:
            return {"identitytoken": token}
        try:
            user, _, password = base64.b64decode(entry.text("auth") or "").decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if user:
            return {"username": user, "password": password.rstrip("\0")}
    return {}


def _from_helper(helper: str, registry: str) -> dict[str, Json]:
    """Ask a credential helper. One that does not know the registry ends with 1."""
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=registry.encode(),
            capture_output=True,
            timeout=HELPER_WITHIN,
            env=process.environment(),
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    entry = Section.of(json_text.parse(done.stdout), helper)
    user, secret = entry.text("Username") or "", entry.text("Secret") or ""
    return {"identitytoken": secret} if user == IDENTITY else {"username": user, "password": secret}
