"""``inv unlock``: take over the lease of a machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from switchyard.control.act import act_on_host
from switchyard.control.channel import Channel
from switchyard.core.errors import BadInput
from switchyard.core.wire.request import Request


def unlock(checkout: Path, host_name: str, *, reason: str, force: bool) -> int:
    """Take over the lease, from a living owner only with ``force``. Return the exit code."""
    if not reason:
        raise BadInput("unlock: say why with --reason; the journal keeps it")

    def request(channel: Channel) -> Request:
        return replace(channel.request("unlock"), force=force, reason=reason)

    return act_on_host(checkout, host_name, request)
