"""What a round sees of a host from outside."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from switchyard.core.wire.message import Foreign, Json, WireError, message
from tests.harness.site import Site

BACK_SECONDS = 60.0
"""The time limit in which a struck engine, proxy or host must be back by itself."""
POLL_SECONDS = 0.1
NO_RECORD_SECONDS = 0.5
"""The assumed duration of a step without a record in the journal."""


class Problem(Exception):
    """Something that must not be."""


@message(frozen=True)
class Entry(Foreign):
    """A record of the host's journal."""

    wall: float
    """Seconds since the epoch."""
    what: str
    step: str = ""
    release: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Standing:
    """What a deploy would change."""

    release: str
    """The release that users get."""
    containers: tuple[str, ...]
    """Each running container with its start time."""


def journal(site: Site) -> list[Entry]:
    """Return the host's journal without records that a kill tore."""
    entries = []
    for line in site.read("journal.jsonl").splitlines():
        try:
            entries.append(Entry.decode(parse(line)))
        except (ValueError, WireError):
            continue
    return entries


def parse(text: str) -> Json:
    value: Json = json.loads(text)
    return value


def usual_seconds(site: Site, step: str) -> float:
    """Return how long a step took the last time, according to the journal."""
    seconds = [entry.seconds for entry in journal(site) if (entry.step, entry.what) == (step, "done")]
    return seconds[-1] if seconds else NO_RECORD_SECONDS


def serving(site: Site) -> tuple[str, str]:
    """Return the release that answers users, and its page. Ask again until there is an answer."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        try:
            with urllib.request.urlopen(site.url, timeout=5) as answer:
                return answer.headers["X-Switchyard-Release"], answer.read().decode().strip()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def standing(site: Site) -> Standing:
    running = site.docker("ps", "--quiet").split()
    containers = site.docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", *running).split()
    return Standing(serving(site)[0], tuple(sorted(containers)))


def shared_services(site: Site, *, may_restart: bool) -> list[str]:
    """Return the containers of the shared services with their volumes and, unless they may restart, start times."""
    labels = ["--filter", f"label=switchyard.app={site.name}", "--filter", "label=switchyard.kind=shared"]
    containers = site.docker("ps", *labels, "--quiet").split()
    started = "" if may_restart else "{{.State.StartedAt}}"
    fields = "{{.Id}} {{range .Mounts}}{{.Name}} {{end}}" + started
    return sorted(site.docker("inspect", "--format", fields, *containers).splitlines()) if containers else []


def answers_again(site: Site) -> bool:
    """Return whether both the application and the engine answer."""
    try:
        return bool(site.answer()) and bool(site.docker("ps", "--quiet"))
    except (OSError, subprocess.CalledProcessError):
        return False


def wait_until(holds: Callable[[], bool], problem: str) -> None:
    """Wait until ``holds``. Raise ``Problem`` after ``BACK_SECONDS``."""
    deadline = time.monotonic() + BACK_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise Problem(f"{problem} after {BACK_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
