"""The flags of ``inv deploy``, and the question before those that override a refusal."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from switchyard.control.channel import Channel
from switchyard.core.errors import Refused
from switchyard.core.wire.request import Request


@dataclass(frozen=True)
class DeployOptions:
    """The flags of ``inv deploy``; ``inv plan`` has some of them."""

    rev: str | None = None
    allow_downgrade: bool = False
    allow_dirty: bool = False
    shared_unchanged: bool = False
    force: bool = False
    json: bool = False
    yes: bool = False
    back: bool = False
    """Whether this is a way back to an older commit: no check and no oneshot runs, and the live release becomes bad."""
    skip: tuple[str, ...] = ()
    """Checks of predeploy that do not run."""
    allow_unknown: tuple[str, ...] = ()
    """Checks of predeploy that may be unknown."""
    reason: str = ""
    """Why checks are skipped or may be unknown; the receipt and the journal keep it."""
    drop_env: tuple[str, ...] = ()
    """Variables of the live release that this one must not have."""

    @property
    def overrides(self) -> list[str]:
        """The flags that override a refusal."""
        flags = {
            "--allow-downgrade": self.allow_downgrade,
            "--shared-unchanged": self.shared_unchanged,
            "--force": self.force,
        }
        return [flag for flag, is_set in flags.items() if is_set]

    def request(self, channel: Channel, verb: str) -> Request:
        """Return a request of a channel with the flags that its machine hears of."""
        return replace(
            channel.request(verb),
            allow_downgrade=self.allow_downgrade,
            shared_unchanged=self.shared_unchanged,
            force=self.force,
            back=self.back,
            drop_env=self.drop_env,
        )


def confirm_overrides(options: DeployOptions) -> None:
    """Ask before an override on a terminal; elsewhere require ``--yes``."""
    if not options.overrides or options.yes:
        return
    flags = " ".join(options.overrides)
    if not sys.stdin.isatty():
        raise Refused(f"{flags} overrides a refusal. Add --yes where nobody can answer a question")
    if input(f"Deploy with {flags}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused("not confirmed: nothing changed")
