"""What the checks look at: one tree of an application, and one host or none."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import NotChecked
from switchyard.settings.predeploy import PredeploySetting

if TYPE_CHECKING:
    from switchyard.control.channel import Line
    from switchyard.settings.load import HostSetting

T = TypeVar("T")


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
    resolve: Callable[[], tuple[Document | None, str]] = lambda: (None, "")
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
    def document(self) -> Document | None:
        """The compose document with its variables filled in; None where it could not be resolved."""
        return cast("Document | None", self.once("document", self.resolve)[0])

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
