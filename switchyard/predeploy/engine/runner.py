"""Run checks side by side, each to a result."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from switchyard.predeploy.engine import cache, durations
from switchyard.predeploy.engine.check import GROUPS, Check
from switchyard.predeploy.engine.look import look
from switchyard.predeploy.engine.redaction import redacted, secrets
from switchyard.predeploy.engine.result import Result, unknown
from switchyard.predeploy.engine.subject import Subject

COMPUTING = max(2, os.cpu_count() or 1)
"""Checks that compute at one time. With more than there are cores the longest, for which all wait, takes longer."""
FIRST = 5.0
"""The expected seconds of a check that never ran."""


class Show(Protocol):
    """Receives the start and the end of each check."""

    def begins(self, check: Check, usual: float | None) -> None:
        """Show that a check starts. ``usual``: the seconds of its last run."""

    def ends(self, check: Check, result: Result) -> None:
        """Show how a check ended."""


def run(checks: Sequence[Check], subject: Subject, *, fresh: bool, show: Show) -> dict[str, Result]:
    """Return each check's result by name. The longest check starts first, each after those that it waits for."""
    secrets(subject)  # known from here on: a check that cuts a text removes them first
    usual = durations.load(subject)
    cores = threading.Semaphore(COMPUTING)
    running: dict[str, Future[Result]] = {}
    left = {group: list(range(sum(check.group == group for check in checks))) for group in GROUPS}
    try:
        with ThreadPoolExecutor(len(checks) or 1) as pool:
            try:
                for check in _ordered(checks, usual):
                    before = [running[name] for name in check.after if name in running]
                    core = contextlib.nullcontext() if check.waits else cores
                    future = pool.submit(_run, check, subject, before, core, fresh, usual.get(check.name), show)
                    running[check.name] = future
                    future.add_done_callback(functools.partial(_ended, subject, left, check.group))
                results = {check.name: running[check.name].result() for check in checks}
            except KeyboardInterrupt:
                subject.cancelled.set()
                raise
    finally:
        subject.closing.close()
    durations.save(subject, usual, results)
    return results


def _ended(subject: Subject, left: Mapping[str, list[int]], group: str, _: Future[Result]) -> None:
    """Close what a group opened once its last check ends; other groups may take much longer."""
    if left[group].pop() == 0:
        subject.closing_after(group).close()


def _ordered(checks: Sequence[Check], usual: Mapping[str, float]) -> list[Check]:
    """Sort the checks: the longest first, and none before those that it runs after."""
    left = sorted(checks, key=lambda check: -usual.get(check.name, FIRST))
    ordered: list[Check] = []
    names = {check.name for check in checks}
    while left:
        free = [c for c in left if not (set(c.after) & names) - {done.name for done in ordered}]
        ordered += free
        left = [check for check in left if check not in free]
    return ordered


def _run(
    check: Check,
    subject: Subject,
    before: list[Future[Result]],
    core: contextlib.AbstractContextManager[bool | None],
    fresh: bool,
    usual: float | None,
    show: Show,
) -> Result:
    for future in before:
        future.result()
    with core:
        if subject.cancelled.is_set():
            return unknown("interrupted")
        cached = None if fresh else cache.get(check, subject)
        if cached is not None:
            show.ends(check, cached)
            return cached
        show.begins(check, usual)
        began = time.monotonic()
        result = redacted(look(check, subject), subject)
        result = replace(result, seconds=round(time.monotonic() - began, 3))
        cache.put(check, subject, result)
        show.ends(check, result)
        return result
