"""What a deploy and a plan start from: a commit, the host that it goes to, and a channel to each machine."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from switchyard.control.channel import Channel, require_app
from switchyard.control.commit import Commit, pick_commit
from switchyard.control.host_env import host_env
from switchyard.control.machines import MachineReport, at_once, in_background, open_channels_to, report_of
from switchyard.control.refusals import refuse_busy, refuse_unfit
from switchyard.control.release import CommitContents, Release, application_of, prepare_release, read_commit
from switchyard.control.screen import Screen
from switchyard.core.app import App
from switchyard.core.errors import Refused
from switchyard.settings import load
from switchyard.settings.model import Host


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

    @property
    def overrides(self) -> list[str]:
        """The flags that override a refusal."""
        flags = {
            "--allow-downgrade": self.allow_downgrade,
            "--shared-unchanged": self.shared_unchanged,
            "--force": self.force,
        }
        return [flag for flag, is_set in flags.items() if is_set]


@dataclass(frozen=True)
class Shipment:
    """A commit on its way to a host."""

    host: Host
    app: App
    commit: Commit
    channels: list[Channel]
    screen: Screen

    def read_machines_and_commit(self) -> tuple[list[MachineReport], CommitContents]:
        """Ask the machines while the commit is read. Refuse a machine that cannot take a deploy now."""
        contents = in_background(self._read_commit, host_env(self.host))
        machines = at_once(report_of, self.channels)
        refuse_busy({machine.name: machine.answer for machine in machines})
        return machines, contents.result()

    def prepare_release(self, machines: list[MachineReport], contents: CommitContents) -> Release:
        """Make a release of the commit. Refuse a machine that could not hold it."""
        release = prepare_release(contents, machines[0].answer.facts, self.screen)
        refuse_unfit({machine.name: machine.answer.facts for machine in machines}, release, self.host)
        return release

    def _read_commit(self, env: str) -> CommitContents:
        return read_commit(env, self.app, self.commit)


@contextlib.contextmanager
def open_shipment(checkout: Path, host_name: str, options: DeployOptions) -> Iterator[Shipment]:
    """Pick the commit and connect to every machine of the host."""
    host = load.host(checkout, host_name)
    commit = pick_commit(host.app_folder, options.rev, allow_dirty=options.allow_dirty)
    screen = Screen(as_json=options.json)
    if commit.dirty and options.rev is None:
        screen.say(f"shipping {commit.id[:10]} without the uncommitted changes of the work tree", "yellow")
    app = application_of(host, commit)
    with open_channels_to(host, require_app(app.name, host.name)) as channels:
        yield Shipment(host, app, commit, channels, screen)


def confirm_overrides(options: DeployOptions) -> None:
    """Ask before an override on a terminal; elsewhere require ``--yes``."""
    if not options.overrides or options.yes:
        return
    flags = " ".join(options.overrides)
    if not sys.stdin.isatty():
        raise Refused(f"{flags} overrides a refusal. Add --yes where nobody can answer a question")
    if input(f"Deploy with {flags}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused("not confirmed: nothing changed")
