"""Processes that ignore a request to end, and whether they are gone."""

from __future__ import annotations

import time
from pathlib import Path

from tests.harness.predeploy_case import python

HEAD = "import pathlib\nimport subprocess\nimport sys\nimport time\n\nFOLDER = {!r}\n"


def started(*, deaf: bool = True) -> str:
    """Return code that starts a process in the group and one outside it, and records both.

    ``deaf``: they ignore SIGTERM.
    """
    first = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if deaf else ""
    return f"WAIT = 'import signal, time; {first}time.sleep(600)'\n" + python("""
        pids = [subprocess.Popen([sys.executable, "-c", WAIT], start_new_session=new).pid for new in (False, True)]
        aside = pathlib.Path(FOLDER, "pids.part")
        aside.write_text(" ".join(map(str, pids)))
        aside.rename(aside.with_name("pids"))
    """)


def hanging(folder: Path) -> str:
    body = "".join(f"    {line}\n" for line in started().splitlines())
    return f"{HEAD.format(str(folder))}\n\ndef test_hangs():\n{body}    time.sleep(600)\n"


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)


def all_gone(folder: Path) -> bool:
    """Return whether every recorded process has ended. A zombie has."""
    pids = (folder / "pids").read_text().split() if (folder / "pids").exists() else []
    return not [pid for pid in pids if _state(pid) not in ("", "Z")]


def _state(pid: str) -> str:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
