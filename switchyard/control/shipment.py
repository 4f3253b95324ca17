"""What a deploy and a plan start from: a commit, the host that it goes to, and a channel to each machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from switchyard.control.admission import ask_admission
from switchyard.control.channel import Channel, require_app
from switchyard.control.commit import Commit, pick_commit
from switchyard.control.deploy_options import DeployOptions
from switchyard.control.host_env import env_without, host_env
from switchyard.control.machines import MachineReport, at_once, in_background, open_channels_to, report_of
from switchyard.control.refusals import judgement_of_release, refuse_busy, unfit
from switchyard.control.release import CommitContents, Release, application_of, prepare_release, read_commit
from switchyard.control.screen import Screen
from switchyard.core.app import App
from switchyard.core.errors import refuse
from switchyard.settings import load
from switchyard.settings.model import Host


@dataclass(frozen=True)
class Shipment:
    """A commit on its way to a host."""

    host: Host
    app: App
    commit: Commit
    channels: list[Channel]
    screen: Screen
    drop_env: tuple[str, ...] = ()

    def read_machines_and_commit(self) -> tuple[list[MachineReport], CommitContents]:
        """Ask the machines while the commit is read. Refuse a machine that cannot take a deploy now."""
        contents = in_background(self.read_commit, self.env())
        machines = at_once(report_of, self.channels)
        refuse_busy({machine.name: machine.answer for machine in machines})
        return machines, contents.result()

    def prepare_release(self, machines: list[MachineReport], contents: CommitContents) -> Release:
        """Make a release of the commit."""
        return prepare_release(contents, machines[0].answer.facts, self.screen)

    def require_fit(self, machines: list[MachineReport], release: Release, options: DeployOptions) -> bool:
        """Refuse machines that cannot take a release, with every reason. Return whether it is live on all of them.

        A machine is asked for its own reasons where something stands against the release already, so that all come at
        once, and where its commit is live, since nothing stands against a release that ships nothing. Elsewhere the
        machine says them when the release arrives.
        """
        facts = [machine.answer.facts for machine in machines]
        own = [unfit(machine.name, its, release, self.host) for machine, its in zip(machines, facts, strict=True)]
        is_typed_again = any(its.live is not None and its.live.commit == self.commit.id for its in facts)
        if not any(own) and not is_typed_again:
            return False
        admissions = at_once(lambda each: ask_admission(each.channel, release, each.answer.live, options), machines)
        lacking = [case for case in zip(machines, own, admissions, strict=True) if not case[2].is_live]
        reasons = [reason for _, own, admission in lacking for reason in (*own, *admission.reasons)]
        if reasons:
            refuse(dict.fromkeys((*reasons, *self._absent_sources([machine for machine, *_ in lacking], release))))
        return not lacking

    def _absent_sources(self, machines: list[MachineReport], release: Release) -> Iterator[str]:
        """Yield the files and folders of machines that services mount and that are not there."""
        for machine in machines:
            for problem in judgement_of_release(machine.channel, release, machine.answer.facts.root).problems:
                yield f"{machine.name}: {problem}"

    def env(self) -> str:
        """Return the text of the env that ships."""
        return env_without(host_env(self.host), self.drop_env)

    def read_commit(self, env: str) -> CommitContents:
        """Read the commit as it ships with this env."""
        return replace(read_commit(env, self.app, self.commit, self.host), dropped=self.drop_env)


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
        yield Shipment(host, app, commit, channels, screen, options.drop_env)
