"""On a host that is to be struck: waits for the intent of a step in the journal, and strikes. ``faults.py`` runs it.

``strike.py APP STEP SECONDS ACTOR`` says ``ready``, and then, as JSON, when the step began and when it struck, so many
seconds after. An actor that does not strike on the host itself strikes when it reads that. Standard library only.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

BEGINS_WITHIN = 90.0
"""Seconds in which the step must begin; a little of it is the build before it."""
POLL = 0.002


def main() -> int:
    app, step, moment, actor = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
    home = Path("/home/deploy/apps") / app
    arm = ARMED.get(actor)
    strike = arm(app, home) if arm else None
    begun = lease_taken(home) if step == "receive" else intent(home, step)
    print("ready", flush=True)
    deadline = time.monotonic() + BEGINS_WITHIN
    while (began := begun()) is None:
        if time.monotonic() > deadline:
            return 1
        time.sleep(POLL)
    time.sleep(max(0.0, began + moment - time.time()))
    struck = time.time()
    if strike is not None:
        strike()
    print(json.dumps({"began": began, "struck": struck}), flush=True)
    return 0


def intent(home: Path, step: str) -> Callable[[], float | None]:
    """When the next intent of a step was written, in seconds of wall time."""
    path = home / "journal.jsonl"
    seen = path.stat().st_size

    def begun() -> float | None:
        with open(path, "rb") as file:
            file.seek(seen)
            text = file.read()
        for line in text[: text.rfind(b"\n") + 1].splitlines():
            entry = json.loads(line)
            if (entry.get("step"), entry.get("what")) == (step, "intent"):
                return float(entry["wall"])
        return None

    return begun


def lease_taken(home: Path) -> Callable[[], float | None]:
    """When the next attempt took the lease: the host then waits for the release, which has no line in the journal."""
    before = json.loads((home / "lease.json").read_text())["number"]

    def begun() -> float | None:
        lease = json.loads((home / "lease.json").read_text())
        return float(lease["since"]) if lease["number"] > before else None

    return begun


def program(app: str, home: Path) -> Callable[[], None]:
    """The host program that holds the lease, and its children."""

    def strike() -> None:
        pid = json.loads((home / "lease.json").read_text()).get("pid")
        if pid is None or not Path(f"/proc/{pid}").exists():
            return
        session = os.getsid(pid)
        kill(lambda one: os.getsid(one) == session)

    return strike


def engine(app: str, home: Path) -> Callable[[], None]:
    """The engine, which its service manager starts again."""
    return lambda: kill(lambda one: Path(f"/proc/{one}/comm").read_text().strip() == "dockerd")


def proxy(app: str, home: Path) -> Callable[[], None]:
    """The edge's first process, whose container the engine starts again."""
    labels = ["--filter", f"label=switchyard.app={app}", "--filter", "label=switchyard.kind=edge"]
    container = said("docker", "ps", "--quiet", *labels)
    pid = int(said("docker", "inspect", "--format", "{{.State.Pid}}", container))
    return lambda: os.kill(pid, 9)


def map_file(app: str, home: Path) -> Callable[[], None]:
    """The map file made to name the colour that the running map does not."""

    def strike() -> None:
        link = socket.socket(socket.AF_UNIX)
        link.connect(str(home / "edge" / "run" / "edge.sock"))
        link.sendall(b"show map /etc/edge/maps/live.map\n")
        running = link.makefile().read().split()[-1]
        aside = home / "edge" / "maps" / ".struck"
        aside.write_text("live blue\n" if running == "green" else "live green\n")
        os.chmod(aside, 0o644)
        os.chown(aside, home.stat().st_uid, home.stat().st_gid)
        os.replace(aside, home / "edge" / "maps" / "live.map")

    return strike


def kill(chosen: Callable[[int], bool]) -> None:
    """SIGKILL of every process that is chosen; one that has ended meanwhile is passed over."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if chosen(int(entry.name)):
                os.kill(int(entry.name), 9)
        except (ProcessLookupError, FileNotFoundError):
            continue


def said(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


ARMED = {"program": program, "engine": engine, "proxy": proxy, "map": map_file}
"""The actors that strike on the host itself, each made ready before."""

if __name__ == "__main__":
    sys.exit(main())
