"""The env of a host, as its settings name it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from switchyard.core.errors import BadInput
from switchyard.core.git_variables import without_repository
from switchyard.settings.model import Host
from switchyard.settings.yaml_file import read_text

COMMAND_WITHIN = 60
"""Seconds in which a command that prints the env must end."""


def env_text(host: Host) -> str:
    """Return the text of the env file; empty where the settings name no source on the control node."""
    env = host.setting.env
    if env is None:
        return ""
    if env.command is not None:
        return _output(host, env.command)
    return "\n".join(_text(host, name, "files") for name in env.files or ())


def named_texts(host: Host) -> dict[str, str]:
    """Return the text that stands for each env file of the compose file that git does not track."""
    env = host.setting.env
    return {} if env is None else {name: _text(host, file, f"as.{name}") for name, file in env.named.items()}


def _text(host: Host, name: str, key: str) -> str:
    where = f"hosts.{host.name}.env.{key}: "
    path = Path(os.path.expanduser(name))
    path = path if path.is_absolute() else host.checkout / path
    if not path.exists():
        raise BadInput(f"{where}{path} does not exist")
    return read_text(path, where)


def _output(host: Host, command: list[str]) -> str:
    """Return what the env command prints. It runs in the checkout."""
    where = f"hosts.{host.name}.env.command: {command[0]}"
    try:
        process = subprocess.run(
            command,
            capture_output=True,
            timeout=COMMAND_WITHIN,
            check=False,
            cwd=host.checkout,
            stdin=subprocess.DEVNULL,
            env=without_repository(os.environ),
        )
        if process.returncode != 0:
            lines = _told(process).strip().splitlines()
            raise BadInput(f"{where} ended with {process.returncode}{': ' + lines[-1] if lines else ''}")
        return process.stdout.decode()
    except OSError as error:
        raise BadInput(f"{where}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BadInput(f"{where} did not end within {COMMAND_WITHIN} s") from None
    except UnicodeDecodeError:
        raise BadInput(f"{where} printed output that is not UTF-8") from None


def _told(process: subprocess.CompletedProcess[bytes]) -> str:
    """Return what a command printed of its error, without what may be secret of it.

    That is whatever it printed of the env before, the operator's own secrets, and what looks like one.
    """
    from switchyard.core import secrecy
    from switchyard.core.redact import Redactor  # both load slowly, and a command that works needs neither

    printed, errors = (text.decode(errors="replace") for text in (process.stdout, process.stderr))
    pairs = (line.partition("=")[::2] for line in printed.splitlines())
    values = [value.strip().strip("'\"") for _, value in pairs]
    own = [value for name, value in os.environ.items() if secrecy.names_a_secret(name, value)]
    return Redactor([*values, *own, *secrecy.by_form(printed), *secrecy.by_form(errors)])(errors)
