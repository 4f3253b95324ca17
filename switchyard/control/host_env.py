"""The env of a host, from its settings or from its live release."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing

from switchyard.control.channel import Channel, require_app
from switchyard.control.compose import env_file_text, env_values
from switchyard.core.wire.answers import Env
from switchyard.settings.env import env_text
from switchyard.settings.model import Host


def env_without(text: str, names: Collection[str]) -> str:
    """Return the text of an env file without some variables."""
    if not names:
        return text
    return env_file_text({name: value for name, value in env_values(text).items() if name not in names})


def host_env(host: Host) -> str:
    """Return the env file's text; with ``env: {host: true}`` the one of the live release."""
    if host.setting.env is None or not host.setting.env.host:
        return env_text(host)
    channel = Channel(host, host.setting.machines[0], require_app(host.app_setting.name, host.name))
    with closing(channel):
        return channel.ask(channel.request("env"), Env).env
