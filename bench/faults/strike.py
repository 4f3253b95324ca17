"""Wait on a host for the intent of a step in the journal, and strike. ``round.py`` runs this there.

``strike.py APP STEP SECONDS ACTOR`` prints ``ready``, and later as JSON when the step began and when it struck, that
many seconds after. Actors that do not strike on the host wait for that line. Standard library only.
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

BEGIN_SECONDS = 90.0
"""The time limit in which the step must begin; it includes the build before it."""
POLL_SECONDS = 0.002


def main() -> int:
    app, step, after, actor = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
    root = Path("/home/deploy/apps") / app
    arm = ACTORS.get(actor)
    strike = arm(app, root) if arm else None
    watch = lease_taken(root) if step == "receive" else intent(root, step)
    print("ready", flush=True)
    deadline = time.monotonic() + BEGIN_SECONDS
    while (began := watch()) is None:
        if time.monotonic() > deadline:
            return 1
        time.sleep(POLL_SECONDS)
    time.sleep(max(0.0, began + after - time.time()))
    struck = time.time()
    if strike is not None:
        strike()
    print(json.dumps({"began": began, "struck": struck}), flush=True)
    return 0


def intent(root: Path, step: str) -> Callable[[], float | None]:
    """Return a function that returns when the step's next intent was recorded, in seconds since the epoch."""
    path = root / "journal.jsonl"
    size = path.stat().st_size

    def began() -> float | None:
        with open(path, "rb") as file:
            file.seek(size)
            text = file.read()
        for line in text[: text.rfind(b"\n") + 1].splitlines():
            entry = json.loads(line)
            if (entry.get("step"), entry.get("what")) == (step, "intent"):
                return float(entry["wall"])
        return None

    return began


def lease_taken(root: Path) -> Callable[[], float | None]:
    """Return a function that returns when the next attempt took the lease, in seconds since the epoch.

    From then on the host waits for the release, which has no record in the journal.
    """
    before = json.loads((root / "lease.json").read_text())["number"]

    def began() -> float | None:
        lease = json.loads((root / "lease.json").read_text())
        return float(lease["since"]) if lease["number"] > before else None

    return began


def program(app: str, root: Path) -> Callable[[], None]:
    """Kill the host program that holds the lease, and its children."""

    def strike() -> None:
        pid = json.loads((root / "lease.json").read_text()).get("pid")
        if pid is None or not Path(f"/proc/{pid}").exists():
            return
        session = os.getsid(pid)
        kill(lambda process: os.getsid(process) == session)

    return strike


def engine(app: str, root: Path) -> Callable[[], None]:
    """Kill the engine, which its service manager starts again."""
    return lambda: kill(lambda process: Path(f"/proc/{process}/comm").read_text().strip() == "dockerd")


def proxy(app: str, root: Path) -> Callable[[], None]:
    """Kill the edge's first process; the engine starts its container again."""
    labels = ["--filter", f"label=switchyard.app={app}", "--filter", "label=switchyard.kind=edge"]
    container = output("docker", "ps", "--quiet", *labels)
    pid = int(output("docker", "inspect", "--format", "{{.State.Pid}}", container))
    return lambda: os.kill(pid, 9)


def map_file(app: str, root: Path) -> Callable[[], None]:
    """Make the map file name the colour that the running map does not name."""

    def strike() -> None:
        link = socket.socket(socket.AF_UNIX)
        link.connect(str(root / "edge" / "run" / "edge.sock"))
        link.sendall(b"show map /etc/edge/maps/live.map\n")
        live = link.makefile().read().split()[-1]
        new = root / "edge" / "maps" / ".struck"
        new.write_text("live blue\n" if live == "green" else "live green\n")
        os.chmod(new, 0o644)
        os.chown(new, root.stat().st_uid, root.stat().st_gid)
        os.replace(new, root / "edge" / "maps" / "live.map")

    return strike


def by_hand(app: str, root: Path) -> Callable[[], None]:
    """Kill the containers of the colour that is live before the deploy, as somebody may by hand."""
    live = (root / "edge" / "maps" / "live.map").read_text().split()[1]
    labels = ["--filter", f"label=switchyard.app={app}", "--filter", f"label=switchyard.colour={live}"]
    containers = output("docker", "ps", "--quiet", *labels).split()

    def strike() -> None:
        for container in containers:  # some have ended where the strike comes after the handover
            subprocess.run(["docker", "kill", container], capture_output=True)

    return strike


def kill(is_chosen: Callable[[int], bool]) -> None:
    """SIGKILL every chosen process, and pass over one that has ended meanwhile."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if is_chosen(int(entry.name)):
                os.kill(int(entry.name), 9)
        except (ProcessLookupError, FileNotFoundError):
            continue


def output(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


ACTORS = {"program": program, "engine": engine, "proxy": proxy, "map": map_file, "by-hand": by_hand}
"""The actors that strike on the host itself. Each prepares its strike and returns it."""

if __name__ == "__main__":
    sys.exit(main())
