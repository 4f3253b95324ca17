"""A checkout with settings, for the tests that read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.errors import BadInput
from switchyard.settings import load
from switchyard.settings.model import Host

HOSTS = "hosts:\n  prod:\n    machines: [{name: a, address: 192.0.2.1}]\n"


def checkout(folder: Path, text: str, generated: str | None = None) -> Path:
    """Write ``invoke.yaml``, and the generated hosts if they are set."""
    (folder / "invoke.yaml").write_text(text)
    if generated is not None:
        (folder / ".switchyard").mkdir()
        (folder / ".switchyard" / "hosts.yaml").write_text(generated)
    return folder


def prod(folder: Path, text: str) -> Host:
    """Return the host ``prod`` of these settings."""
    return load.host(checkout(folder, text), "prod")


def error(folder: Path, text: str) -> str:
    """Return the message that these settings raise."""
    with pytest.raises(BadInput) as caught:
        load.load(checkout(folder, text))
    return str(caught.value)
