"""Who strikes, and how."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.faults.applications import Application
from bench.faults.observations import Problem, answers_again, standing, wait_until
from switchyard.control import sandbox
from switchyard.core.lease import LASTS
from tests.harness.relay import Relay
from tests.harness.web_with_worker import GRACE_SECONDS

ASLEEP_SECONDS = GRACE_SECONDS + 30.0
"""The time after which one worker must run although nobody is there: its grace period and 30 s."""
GIVE_UP_SECONDS = 60.0
"""The time limit in which a deploy whose connection stays away must give up."""
UNREACHABLE_SECONDS = 30.0
RESUMED_SECONDS = 120.0
"""The time limit in which a deploy that was frozen must end."""
TAIL = 400
"""How many characters of a deploy's output a problem quotes."""


@dataclass
class Round:
    """One deploy that an actor strikes."""

    site: Application
    relay: Relay
    process: subprocess.Popen[str]
    before: str
    """The release that served before."""
    output: str | None = None
    """What the struck process printed, once somebody has read it."""


@dataclass(frozen=True)
class Actor:
    """Who strikes. ``drops``: requests fail while the struck part is away; they are counted and no problem."""

    strike: Callable[[Round], None]
    drops: bool = False


def kill_operator(struck: Round) -> None:
    """SIGKILL the operator's process group."""
    os.killpg(struck.process.pid, signal.SIGKILL)


def cut_connection(struck: Round) -> None:
    """Cut the SSH connection once; a new one can be made."""
    struck.relay.cut()


def cut_connection_for_30_s(struck: Round) -> None:
    """Cut the SSH connection and refuse a new one for 30 s."""
    struck.relay.refuses = True
    struck.relay.cut()
    with contextlib.suppress(subprocess.TimeoutExpired):
        struck.process.wait(UNREACHABLE_SECONDS)
    struck.relay.refuses = False


def cut_connection_for_good(struck: Round) -> None:
    """Cut the SSH connection and refuse a new one for as long as the deploy tries."""
    struck.relay.refuses = True
    struck.relay.cut()
    try:
        struck.process.wait(GIVE_UP_SECONDS)
    except subprocess.TimeoutExpired:
        raise Problem(f"still trying {GIVE_UP_SECONDS:.0f} s after the connection was cut") from None
    finally:
        struck.relay.refuses = False


def put_laptop_to_sleep(struck: Round) -> None:
    """Freeze the operator and end its connection. One worker must run after its grace period and 30 s."""
    os.killpg(struck.process.pid, signal.SIGSTOP)
    struck.relay.refuses = True
    struck.relay.cut()
    time.sleep(ASLEEP_SECONDS)
    workers = struck.site.workers()
    struck.relay.refuses = False
    os.killpg(struck.process.pid, signal.SIGCONT)
    if len(workers) != 1:
        raise Problem(f"{len(workers)} workers {ASLEEP_SECONDS:.0f} s after the laptop fell asleep")


def freeze_operator(struck: Round) -> None:
    """Freeze the operator until another deploy is through. Resumed, it must change nothing and say so."""
    os.killpg(struck.process.pid, signal.SIGSTOP)
    deadline = time.monotonic() + LASTS
    while (other := struck.site.inv("deploy")).returncode == 75 and time.monotonic() < deadline:
        time.sleep(1)
    if other.returncode != 0:
        os.killpg(struck.process.pid, signal.SIGKILL)
        raise Problem(f"the deploy beside the frozen one exited with {other.returncode}: {other.stdout[-TAIL:]}")
    before = standing(struck.site)
    os.killpg(struck.process.pid, signal.SIGCONT)
    struck.output, _ = struck.process.communicate(timeout=RESUMED_SECONDS)
    if standing(struck.site) != before:
        raise Problem(f"the frozen deploy went on and changed what stands: {struck.output[-TAIL:]}")
    if ": cancelled:" in struck.output:
        raise Problem(f"the frozen deploy does not say that another took over: {struck.output[-TAIL:]}")
    if "live is" not in struck.output:
        raise Problem(f"the frozen deploy does not say how its attempt ended: {struck.output[-TAIL:]}")


def wait_for_engine(struck: Round) -> None:
    """Wait for the engine, which ``strike.py`` killed and its service manager starts again."""
    wait_until(lambda: answers_again(struck.site), "the engine is not back")


def cut_power(struck: Round) -> None:
    """Cut the host's power, which loses everything in memory, and start it again."""
    subprocess.run(["docker", "kill", struck.site.host.container], check=True, capture_output=True)
    sandbox.up(names=[struck.site.host.name], state=struck.site.state, say=lambda _: None)
    wait_until(lambda: answers_again(struck.site), "the host is not back")


def nothing_more(struck: Round) -> None:
    """Leave it at what ``strike.py`` did on the host."""


ACTORS = {
    "operator": Actor(kill_operator),
    "program": Actor(nothing_more),
    "line": Actor(cut_connection),
    "line-30s": Actor(cut_connection_for_30_s),
    "line-dead": Actor(cut_connection_for_good),
    "sleep": Actor(put_laptop_to_sleep),
    "freeze": Actor(freeze_operator),
    "engine": Actor(wait_for_engine, drops=True),
    "reboot": Actor(cut_power, drops=True),
    "proxy": Actor(nothing_more, drops=True),
    "map": Actor(nothing_more),
    "by-hand": Actor(nothing_more, drops=True),
}
