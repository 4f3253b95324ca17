"""What a check is, what it looks at, and what it says: plain values."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from switchyard.core.app import App
from switchyard.core.errors import NotChecked
from switchyard.settings.predeploy import PredeploySetting

if TYPE_CHECKING:
    from switchyard.control.channel import Line
    from switchyard.settings.load import HostSetting

GROUPS = ("code", "tests", "database", "configuration")
"""The four parts of the protocol's validation, in its order."""
PASS, FAIL, UNKNOWN, SKIPPED = "pass", "fail", "unknown", "skipped"
"""How a check ends. Unknown: it could not look. Skipped: it was not asked to, and says why. Neither is a pass."""

FOREVER = float("inf")
T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """One thing that a check found."""

    rule: str
    what: str
    """The sentence."""
    place: str = ""
    """A file, table, service or variable."""
    line: int | None = None
    """The line in the file, counted from 1."""
    do: str = ""
    """What to do about it."""
    severity: str = "error"
    """error, or warn: a warning is shown and fails nothing."""
    text: str = ""
    """The source line; with rule and place it tells one finding from another, whatever its line's number is."""
    machine: str = ""
    """The one of several machines on which it was found; what is the same on two is no worse than on one."""

    @property
    def where(self) -> str:
        """The place, with its line."""
        return f"{self.place}:{self.line}" if self.line else self.place

    @property
    def identity(self) -> tuple[str, str, str]:
        """What stays the same when lines move."""
        return self.rule, self.place, re.sub(r"\s+", " ", self.text or self.what).strip()


@dataclass(frozen=True)
class Result:
    """How a check ended."""

    outcome: str
    reason: str = ""
    """Why it is unknown or skipped; of the others one sentence that says what was looked at."""
    findings: tuple[Finding, ...] = ()
    tests: Mapping[str, str] = field(default_factory=dict)
    """Each collected test with passed, failed, flaky or skipped."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Each tool with its version: results of other versions do not compare."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Figures beside the outcome: server and version of a database, coverage, the slowest tests."""
    output: str = ""
    """The last lines of what a tool printed, for a check that did not pass."""
    log: str = ""
    """The file with all that it printed."""
    seconds: float = 0.0
    cached: float | None = None
    """Since when this result stands, in seconds of wall time; None where the check ran now."""


@dataclass
class Subject:
    """What the checks look at: one tree of an application, and one host or none."""

    app: App
    setting: PredeploySetting
    top: Path
    """The repository's top, or that of a clean export of the commit."""
    repository: Path
    """The repository that the tree is of."""
    tree: str
    """The git tree that ``top`` holds."""
    clean: bool
    """Whether it is the export of a commit; else it is the work tree."""
    state: Path
    """A folder of the application's own for virtual environments, reports and caches; it outlives the run."""
    checkout: Path
    """Where the settings and relative paths of the env stand."""
    resolve: Callable[[], tuple[Mapping[str, Any] | None, str]] = lambda: (None, "")
    """Makes ``document`` and ``unresolved``, for the first check that asks."""
    changed: Callable[[], bool] = lambda: False
    """Whether the folder has another content by now than that of ``tree``."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The variables of the host's env; none without a host. They are secrets: no finding shows a value."""
    host: str | None = None
    entry: HostSetting | None = None
    """The host's entry of the settings."""
    line: Line | None = None
    """The connection to the host's first machine, for forwarded channels."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What that machine said of itself: ``shared`` services with their addresses, ``live``, ``baseline``."""
    others: tuple[tuple[Line, Mapping[str, Any]], ...] = ()
    """The same of the host's other machines."""
    fix: bool = False
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    """What is closed once every check has ended."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set by Ctrl-C: a check that waits for something ends what it started."""
    _once: dict[str, Future[Any]] = field(default_factory=dict)
    _ends: dict[str, contextlib.ExitStack] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def folder(self) -> Path:
        """The application's folder."""
        return self.top / self.app.path

    @property
    def document(self) -> Mapping[str, Any] | None:
        """The compose document with its variables filled in; None where it could not be resolved."""
        return cast("Mapping[str, Any] | None", self.once("document", self.resolve)[0])

    @property
    def unresolved(self) -> str:
        """Why the document could not be resolved."""
        return str(self.once("document", self.resolve)[1])

    @property
    def machine(self) -> str:
        """The machine of the host that is asked: the first of several; nothing without a host."""
        return self.line.machine.name if self.line is not None else ""

    @property
    def machines(self) -> tuple[Subject, ...]:
        """The same tree beside each machine of the host; what is shared and closed is one for all of them."""
        return tuple(
            replace(self, line=line, facts=facts, others=()) for line, facts in ((self.line, self.facts), *self.others)
        )

    def of_machines(self, read: Callable[[Subject], T]) -> tuple[list[tuple[Subject, T]], list[str]]:
        """What is read of each machine, and why nothing of those that do not answer."""
        found, problems = [], []
        for each in self.machines:
            try:
                found.append((each, read(each)))
            except NotChecked as error:
                problems.append(str(error))
        return found, problems

    @property
    def reports(self) -> Path:
        """Where tools leave their reports and logs."""
        return self.state / "reports"

    def closing_after(self, group: str) -> contextlib.ExitStack:
        """What is closed as soon as every check of a group has ended."""
        with self._lock:
            if group not in self._ends:
                self._ends[group] = self.closing.enter_context(contextlib.ExitStack())
            return self._ends[group]

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What several checks share, made by the first that asks; the others wait. What it raises, they all get."""
        with self._lock:
            first = name not in self._once
            shared = self._once.setdefault(name, Future())
        if first:
            try:
                shared.set_result(make())
            except BaseException as error:
                shared.set_exception(error)
        return shared.result()


@dataclass(frozen=True)
class Check:
    """One box of the protocol's validation."""

    name: str
    group: str
    proves: str
    """What a pass means, as a sentence."""
    needs: str
    """What must be there or set for it to run."""
    run: Callable[[Subject], Result]
    source: Path
    """The file whose change makes cached passes stale."""
    lasts: Callable[[Subject], float] = lambda subject: FOREVER
    """Seconds for which a pass may be taken from the cache; what talks to the outside is ``never``."""
    after: tuple[str, ...] = ()
    """Checks that must have ended before it begins."""
    waits: bool = False
    """Whether it waits for others' answers more than it computes, so that it takes no core from the others."""
    machines: Callable[[Subject], tuple[Subject, ...]] = lambda subject: (subject,)
    """The machines that it runs for, each with what is its own; others look at what all machines share."""


def never(subject: Subject) -> float:
    """No pass is taken from the cache."""
    return 0.0


def skipped(reason: str) -> Result:
    """Not asked for; the reason names the setting that asks for it."""
    return Result(SKIPPED, reason)


def unknown(reason: str, **more: Any) -> Result:
    """Could not be looked at."""
    return Result(UNKNOWN, reason, **more)


def not_checked(words: str) -> Finding:
    """What could not be looked at beside a failure: an error, so that no comparison with the live release loses it."""
    return Finding("not-checked", f"could not be looked at: {words}")


def judged(findings: list[Finding], reason: str, **more: Any) -> Result:
    """Fails for every finding that is an error; warnings are shown."""
    outcome = FAIL if any(finding.severity == "error" for finding in findings) else PASS
    return Result(outcome, reason, tuple(findings), **more)
