"""``inv doctor``: what would stop a deploy, on the control node and on the host, and how to fix it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from switchyard.control import edge_notes
from switchyard.control.admission import ask_admission
from switchyard.control.certificate_ends import describe_end, is_near
from switchyard.control.channel import Channel, require_app
from switchyard.control.commit import Commit, pick_commit
from switchyard.control.deploy_options import DeployOptions
from switchyard.control.host_env import host_env
from switchyard.control.refusals import judgement_of_release, unfit
from switchyard.control.release import application_of, prepare_release, read_commit
from switchyard.control.screen import Screen
from switchyard.core.app import App
from switchyard.core.errors import FAILED, OK, SwitchyardError
from switchyard.core.wire.answers import DoctorAnswer
from switchyard.settings import load
from switchyard.settings.model import Host, Machine

DISK_LOW = 2 << 30
"""Bytes of free disk below which there is a finding."""
CLOCK_OFF = 5.0
"""Seconds between two clocks from which on there is a finding."""
NETWORKS_NEEDED = 3
"""Networks of an application: one for each colour, and one for its edge."""


def doctor(checkout: Path, host_name: str) -> int:
    """Print each finding. Without a host, look at the control node and its settings only. Return the exit code."""
    findings = list(look_here())
    if not host_name:
        _, hosts = load.load(checkout)
        names = ", ".join(sorted(hosts)) or "none yet"
        return show(findings, f"this machine. Look at a host with --host: {names}")
    host = load.host(checkout, host_name)
    notes: list[str] = []
    for machine in host.setting.machines:
        findings += look_at(host, machine, notes)
    return show(findings, f"this machine and on {host.name}", notes)


def show(findings: list[str], where: str, notes: Iterable[str] = ()) -> int:
    """Print the findings. Return the exit code. ``notes``: what nobody can tell, or should know. It stops no deploy."""
    screen = Screen(as_json=False)
    for note in notes:
        screen.say(f"note: {note}", "yellow")
    for finding in findings:
        screen.say(f"✗ {finding}", "red")
    if not findings:
        screen.say(f"all is well on {where}", "green")
    return FAILED if findings else OK


def look_here() -> Iterator[str]:
    """Find what the control node lacks."""
    for tool, package in (("git", "git"), ("docker", "docker.io or docker-ce-cli")):
        if shutil.which(tool) is None:
            yield f"{tool} is not installed on this machine (Debian: apt-get install {package})"
    if shutil.which("docker") is not None:
        process = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False, timeout=30)
        if process.returncode != 0:
            yield (
                "docker compose is not installed on this machine. Install Compose v2 (Debian: python3 "
                "scripts/engine.py); it needs no engine here"
            )


def look_at(host: Host, machine: Machine, notes: list[str]) -> list[str]:
    """Find what one machine lacks, and what a deploy of the commit that is checked out would be refused for.

    Append to ``notes`` what nobody can tell, and what people should know of its edge.
    """
    findings: list[str] = []
    try:
        with closing(Channel(host, machine, require_app(host.app_setting.name, host.name))) as channel:
            began = time.time()
            answer = channel.ask(channel.request("doctor"), DoctorAnswer)
            notes += [f"{machine.name}: journal: {channel.journal}"] if channel.journal else []
            findings += [f"{machine.name}: {text}" for text in look_there(answer, began)]
            commit = pick_commit(host.app_folder, None, allow_dirty=True)
            app = application_of(host, commit)
            notes += [f"{machine.name}: {note}" for note in edge_notes.notes(host.name, app, answer)]
            findings += _refusals_of_a_deploy(host, channel, answer, commit, app)
    except SwitchyardError as error:
        findings.append(str(error))
    return findings


def look_there(answer: DoctorAnswer, began: float) -> Iterator[str]:
    """Find what a machine lacks. ``began`` is when it was asked, by the control node's clock."""
    for place, free in answer.disks.items():
        if free < DISK_LOW:
            yield f"the disk of {place} has {free >> 20} MiB free. Free some with docker builder prune"
    if abs(answer.clock - began) > CLOCK_OFF:
        yield (
            f"its clock is {answer.clock - began:.0f} s off this machine's, so the times on the screen will be wrong. "
            "Run a time service on both, such as chrony"
        )
    if answer.compose is None:
        yield "docker compose is not installed there. Install Compose v2"
    if answer.git is None:
        yield "git is not installed there. Install it (Debian: apt-get install git)"
    for other in answer.plain:
        yield (
            f"{other.service} of the plain project {other.project} in {other.folder} is {other.state}. The first "
            "deploy will refuse it and print how to take it over"
        )
    if answer.networks_free < NETWORKS_NEEDED:
        yield (
            f"its engine has {answer.networks_free} address ranges left, and an application needs {NETWORKS_NEEDED}. "
            "Remove unused networks, or set default-address-pools in /etc/docker/daemon.json"
        )
    for certificate in answer.certificates:
        if is_near(certificate.ends, answer.clock):
            yield describe_end(certificate.name, certificate.ends, answer.clock)
    for problem in answer.journal:
        yield f"journal: {problem}"


def _refusals_of_a_deploy(host: Host, channel: Channel, answer: DoctorAnswer, commit: Commit, app: App) -> list[str]:
    """Return what a deploy would be refused for. Raise what it would raise about settings, env or documents."""
    contents = read_commit(host_env(host), app, commit, host)
    release = prepare_release(contents, answer, Screen(as_json=True))
    sources = judgement_of_release(channel, release, answer.root)
    machine, problems = channel.machine.name, (*sources.problems, *sources.unknown)
    admission = ask_admission(channel, release, answer.live, DeployOptions())
    refusals = [] if admission.is_live else [*unfit(machine, answer, release, host), *admission.reasons]
    return [*dict.fromkeys(refusals), *(f"{machine}: {problem}" for problem in problems)]
