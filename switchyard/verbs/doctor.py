"""``inv doctor``: what would stop a deploy, on this machine and on the host, each with what to do."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from switchyard.control import commit as source
from switchyard.control.channel import Line, env_of, require_app
from switchyard.control.release import carried, make_ready, refuse
from switchyard.control.screen import Screen
from switchyard.core.errors import FAILED, SwitchyardError
from switchyard.settings import load as settings
from switchyard.settings.model import Host

DISK_LOW = 2 << 30
CLOCK_OFF = 5.0
NETWORKS_FEW = 3
"""Networks of an application: one for each colour, and one for its edge."""


def doctor(checkout: Path, host_name: str) -> int:
    """Prints each finding; 0 only if there is none. Without a host: of this machine and its settings."""
    screen = Screen(as_json=False)
    findings = list(_here())
    if not host_name:
        _, hosts = settings.load(checkout)
        return _told(
            screen, findings, f"this machine; look at a host with --host: {', '.join(sorted(hosts)) or 'none yet'}"
        )
    host = settings.host(checkout, host_name)
    for machine in host.setting.machines:
        try:
            line = Line(host, machine, require_app(host.app_setting.name, host.name))
            asked = time.time()
            facts = line.ask("doctor")
            line.close()
            findings += [f"{machine.name}: {text}" for text in _there(facts, asked)]
            _as_a_deploy(host, machine.name, facts)
        except SwitchyardError as error:
            findings.append(str(error))
    return _told(screen, findings, f"this machine and on {host.name}")


def _told(screen: Screen, findings: list[str], where: str) -> int:
    for finding in findings:
        screen.say(f"✗ {finding}", "red")
    if not findings:
        screen.say(f"all is well on {where}", "green")
    return FAILED if findings else 0


def _here() -> Iterator[str]:
    for tool, package in (("git", "git"), ("docker", "docker.io or docker-ce-cli")):
        if shutil.which(tool) is None:
            yield f"{tool} is not installed on this machine (Debian: apt-get install {package})"
    if shutil.which("docker") is not None:
        done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False, timeout=30)
        if done.returncode != 0:
            yield "docker compose is not here: install Compose v2 (Debian: python3 scripts/engine.py); no engine needed"


def _as_a_deploy(host: Host, machine: str, facts: dict[str, Any]) -> None:
    """What a deploy of the commit that is checked out would be refused for: settings, env, documents, ports, memory."""
    picked = source.pick(host.app_folder, None, allow_dirty=True)
    app = settings.application(host, source.show(picked, "invoke.yaml"), picked.folder)
    ready = make_ready(carried(env_of(host), app, picked), facts, picked, Screen(as_json=True))
    refuse(machine, facts, ready, host)


def _there(facts: dict[str, Any], asked: float) -> Iterator[str]:
    for place, free in facts["disks"].items():
        if free < DISK_LOW:
            yield f"{free >> 20} MiB of the disk of {place} are free; free some with docker builder prune"
    if abs(facts["clock"] - asked) > CLOCK_OFF:
        yield (
            f"its clock is {facts['clock'] - asked:.0f} s off this machine's, and times on the screen will be: run a "
            "time service on both, such as chrony"
        )
    if facts["compose"] is None:
        yield "docker compose is not installed there: install Compose v2"
    if facts["git"] is None:
        yield "git is not installed there: install it (Debian: apt-get install git)"
    for other in facts["plain"]:
        yield (
            f"{other['service']} of the plain project {other['project']} in {other['folder']} is {other['state']}: "
            "the first deploy will refuse and print how to take it over"
        )
    if facts["networks_free"] < NETWORKS_FEW:
        yield (
            f"its engine has {facts['networks_free']} ranges of addresses left, and an application needs "
            f"{NETWORKS_FEW}: remove unused networks, or set default-address-pools in /etc/docker/daemon.json"
        )
    for problem in facts["journal"]:
        yield f"journal: {problem}"
