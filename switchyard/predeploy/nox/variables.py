"""The environment of each session: what a commit's code sees of this machine's variables."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from switchyard.control.allowances import Need
from switchyard.core.errors import BadInput
from switchyard.core.wire.allowance import Allowance
from switchyard.predeploy.engine.subject import Subject

ALWAYS_PASSED = ("PATH", "TZ", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Environment variables that every tool and test sees; tests also see those of ``app.predeploy.passed``."""
INSTALLING = re.compile(
    r"PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|PROXY|CERT|CLIENT_CERT|CONFIG_FILE|TIMEOUT)"
    r"|UV_(INDEX|INDEX_URL|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|INDEX_STRATEGY|INSECURE_HOST|OFFLINE"
    r"|KEYRING_PROVIDER|CONFIG_FILE|NATIVE_TLS|SYSTEM_CERTS|HTTP_TIMEOUT|CACHE_DIR|INDEX_\w+_(USERNAME|PASSWORD))"
    r"|(?i:(HTTPS?|ALL|NO)_PROXY)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GIT_SSL_CAINFO|SSL_CLIENT_CERT"
)
"""Variables of this machine's package index, proxy, and certificates, which installing sees too."""
SETTINGS = ("uv/uv.toml", "pip/pip.conf")
"""The user's settings of the index, below the folder for settings."""
HOME = "home"
WITH_PASSWORD = re.compile(r"://[^/\s@]+@")


def of_tools(subject: Subject, temporary: Path) -> dict[str, str]:
    """Return the environment of a tool that reads files alone."""
    return clean(temporary)


def of_tests(subject: Subject, temporary: Path) -> dict[str, str]:
    """Return the environment of the application's tests. Raise ``NotChecked`` for a variable that nobody allows."""
    passed = tuple(subject.setting.passed)
    subject.allowances.require([Need(("passed",), Allowance(env=passed))])
    missing = [name for name in passed if name not in os.environ]
    if missing:
        raise BadInput(f"app.predeploy.passed: {', '.join(missing)} is not set in the environment")
    return clean(temporary, passed)


def of_installing(subject: Subject, temporary: Path) -> dict[str, str]:
    """Return the environment in which requirements are installed, build back ends among what runs, and audited."""
    env = clean(temporary, tuple(filter(INSTALLING.fullmatch, os.environ)))
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))
    for name in SETTINGS:
        if (settings / name).is_file():
            place = temporary / HOME / ".config" / name
            place.parent.mkdir(parents=True)
            shutil.copyfile(settings / name, place)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "uv"
    return {"UV_SYSTEM_CERTS": "true", "UV_CACHE_DIR": str(cache), **env}


def clean(temporary: Path, passed: Sequence[str] = ()) -> dict[str, str]:
    """Return an environment with a home and a temporary folder of its own, and the variables that pass."""
    home = temporary / HOME
    home.mkdir()
    env = {name: os.environ[name] for name in (*ALWAYS_PASSED, *passed) if name in os.environ}
    return {"LANG": "C.UTF-8", **env, "HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}


def secrets_of_installing() -> Iterator[str]:
    """Yield the passwords among the variables that installing sees."""
    for name, value in os.environ.items():
        if INSTALLING.fullmatch(name) and (name.endswith("_PASSWORD") or WITH_PASSWORD.search(value)):
            yield value
