"""The env of a host, from its settings or from its live release."""

from __future__ import annotations

from contextlib import closing

from switchyard.control.channel import Channel, require_app
from switchyard.core.wire.answers import Env
from switchyard.settings.env import env_text
from switchyard.settings.model import Host


def host_env(host: Host) -> str:
    """Return the env file's text; with ``env: {host: true}`` the one of the live release."""
    if host.setting.env is None or not host.setting.env.host:
        return env_text(host)
    channel = Channel(host, host.setting.machines[0], require_app(host.app_setting.name, host.name))
    with closing(channel):
        return channel.ask(channel.request("env"), Env).env
