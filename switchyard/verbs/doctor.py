"""``inv doctor``: what would stop a deploy, on this machine and on the host, each with what to do."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from switchyard import settings, source
from switchyard.core.errors import FAILED, SwitchyardError
from switchyard.line import Line, require_app
from switchyard.screen import Screen
from switchyard.verbs.deploy import make_ready, refuse

DISK_LOW = 2 << 30
CLOCK_OFF = 5.0
NETWORKS_FEW = 3
"""Networks of an application: one for each colour, and one for its edge."""


def doctor(checkout: Path, host_name: str) -> int:
    """Prints each finding; 0 only if there is none."""
    screen = Screen(as_json=False)
    host = settings.host(checkout, host_name)
    findings = list(_here(host))
    for machine in host.setting.machines:
        try:
            line = Line(host, machine, require_app(host.app_setting.name, host.name))
            asked = time.time()
            facts = line.ask("doctor")
            line.close()
            findings += [f"{machine.name}: {text}" for text in _there(facts, asked)]
            if not findings:
                _as_a_deploy(host, machine.name, facts)
        except SwitchyardError as error:
            findings.append(str(error))
    for finding in findings:
        screen.say(f"✗ {finding}", "red")
    if not findings:
        screen.say(f"all is well on this machine and on {host.name}", "green")
    return FAILED if findings else 0


def _here(host: settings.Host) -> Iterator[str]:
    for tool in ("git", "docker"):
        if shutil.which(tool) is None:
            yield f"{tool} is not installed on this machine"
    if shutil.which("docker") is not None:
        done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False, timeout=30)
        if done.returncode != 0:
            yield "docker compose is not here: install Compose v2 (Debian: python3 scripts/engine.py); no engine needed"


def _as_a_deploy(host: settings.Host, machine: str, facts: dict[str, Any]) -> None:
    """What a deploy of the commit that is checked out would be refused for: settings, env, documents, ports, memory."""
    picked = source.pick(host.app_folder, None, allow_dirty=True)
    app = settings.application(host, source.show(picked, "invoke.yaml"), picked.folder)
    ready = make_ready(host, facts, app, picked, Screen(as_json=True))
    refuse(machine, facts, ready, host)


def _there(facts: dict[str, Any], asked: float) -> Iterator[str]:
    if facts["disk_free"] < DISK_LOW:
        yield f"{facts['disk_free'] >> 20} MiB of disk are free; free some with docker builder prune"
    if abs(facts["clock"] - asked) > CLOCK_OFF:
        yield f"its clock is {facts['clock'] - asked:.0f} s off this machine's; times on the screen will be off"
    if facts["compose"] is None:
        yield "docker compose is not installed there: install Compose v2"
    if facts["git"] is None:
        yield "git is not installed there"
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
