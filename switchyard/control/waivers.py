"""What the operator's own settings let a release reach of its host. A commit's settings waive nothing of that."""

from __future__ import annotations

from collections.abc import Iterator

from switchyard.control.allowances import is_separate
from switchyard.core.host_reach import PATH
from switchyard.core.wire.request import Waiver
from switchyard.settings import allow_file
from switchyard.settings.model import Host


def waivers_of(host: Host) -> tuple[Waiver, ...]:
    """Return the waivers of a separate checkout's settings, and of the person's own file.

    A place of state that a separate checkout names is one too.
    """
    return tuple(dict.fromkeys(_waivers(host)))


def _waivers(host: Host) -> Iterator[Waiver]:
    settings = allow_file.waivers(host.app_folder)
    own = host.app_setting
    if is_separate(host):
        settings = [
            *settings,
            *(own.allow.waive if own.allow is not None else ()),
            *(own.predeploy.waive if own.predeploy is not None else ()),
        ]
        for place in (own.data or {}).values():
            if place.startswith("/"):
                yield Waiver(PATH, f"*:{place.rstrip('/')}")
    for setting in settings:
        yield Waiver(setting.rule, setting.where)
