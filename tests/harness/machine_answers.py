"""A machine's answer to ``checks``, without a host."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from switchyard.control.channel import Channel
from switchyard.core.wire.answers import ChecksAnswer, ContainerAddress
from switchyard.core.wire.checks import CheckRecord, ChecksRecord
from switchyard.core.wire.facts import LiveRelease
from switchyard.predeploy.engine.host_machine import HostMachine
from tests.harness import facts

COMMIT = "c" * 40
FACTS = replace(facts.FACTS, root="/srv/shop")
"""The facts of a machine that has nothing."""


def host_machine(name: str = "prod1", answer: ChecksAnswer | None = None) -> HostMachine:
    """Return a machine that has a name and an answer, and no connection."""
    channel = cast("Channel", SimpleNamespace(machine=SimpleNamespace(name=name)))
    return HostMachine(channel, answer or checks_answer())


def checks_answer(
    commit: str = "", checks: dict[str, CheckRecord] | None = None, shared: tuple[ContainerAddress, ...] = ()
) -> ChecksAnswer:
    """Return the answer of a machine. ``commit``: that of its live release; ``checks``: that release's results."""
    live = live_release(commit) if commit else None
    reported = replace(FACTS, live=live, number=1 if commit else 0)
    baseline = None if checks is None else ChecksRecord(tree="t" * 40, checks=checks)
    return ChecksAnswer(facts=reported, held=None, live=live, baseline=baseline, tools={}, shared=shared)


def live_release(commit: str = COMMIT) -> LiveRelease:
    return LiveRelease(
        colour="blue",
        id="20260101T000000Z-" + commit[:7],
        number=1,
        commit=commit,
        subject="",
        state="good",
        since=None,
        env_keys=None,
        kinds=None,
        head=None,
    )
