"""What the checks look at: one tree of an application, and one host or none."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from switchyard.control.allowances import NOTHING_ALLOWED, Allowances
from switchyard.control.builds import image_facts
from switchyard.control.compose import env_values
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import NotChecked
from switchyard.core.state_keeping import NO_FACTS, ImageFacts
from switchyard.core.wire.answers import ChecksAnswer, ContainerAddress
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.request import Waiver
from switchyard.settings.predeploy import PredeploySetting

if TYPE_CHECKING:
    from switchyard.control.channel import Channel
    from switchyard.predeploy.engine.host_machine import HostMachine
    from switchyard.settings.model import HostSetting

T = TypeVar("T")


@dataclass
class Subject:
    """What the checks look at."""

    app: App
    setting: PredeploySetting
    top: Path
    """The top of the repository, or of a clean export of the commit."""
    repository: Path
    """The repository that the tree is of."""
    tree: str
    """The git tree at ``top``."""
    clean: bool
    """Whether ``top`` is the export of a commit; else it is the work tree."""
    state: Path
    """The application's own folder for virtual environments, reports and caches. It outlives the run."""
    checkout: Path
    """The folder of the settings. Relative paths of the env start here."""
    allowances: Allowances = NOTHING_ALLOWED
    """What the settings may take from this machine, and send."""
    waivers: tuple[Waiver, ...] = ()
    """What services may reach of a host, by the operator's own settings."""
    resolve: Callable[[], tuple[Document | None, str]] = lambda: (None, "")
    """Builds ``document`` and ``unresolved`` for the first check that asks."""
    changed: Callable[[], bool] = lambda: False
    """Tells whether the folder's content is no longer that of ``tree``."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The variables of the host's env; empty without a host. They are secrets: no finding shows a value."""
    named: Mapping[str, str] = field(default_factory=dict)
    """Env file of the compose file that git does not track to the text that stands for it. Secret."""
    dropped: tuple[str, ...] = ()
    """Variables of the live release that the one to deploy must not have."""
    host: str | None = None
    entry: HostSetting | None = None
    """The host's entry in the settings."""
    machines: tuple[HostMachine, ...] = ()
    """The host's machines; empty without a host. Checks look at the first; see ``per_machine``."""
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    """Closed once every check has ended."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set by Ctrl-C: a check that waits for a process ends that process."""
    _once: dict[str, Future[Any]] = field(default_factory=dict)
    _ends: dict[str, contextlib.ExitStack] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def folder(self) -> Path:
        """The application's folder."""
        return self.top / self.app.path

    @property
    def project_folder(self) -> Path:
        """The folder of the compose file, which its relative paths start from."""
        return self.top / self.app.project_folder

    @property
    def document(self) -> Document | None:
        """The Compose document with its variables filled in; None if it could not be resolved."""
        return self.once("document", self.resolve)[0]

    @property
    def unresolved(self) -> str:
        """Why the document could not be resolved."""
        return self.once("document", self.resolve)[1]

    @property
    def variables(self) -> list[Mapping[str, str]]:
        """The variables of the env, and of each env file that stands beside it."""
        texts = self.named.items()
        return [self.env, *self.once("beside the env", lambda: [env_values(text, name) for name, text in texts])]

    @property
    def images(self) -> ImageFacts:
        """What the tree tells of its images; nothing without a document."""
        document = self.document
        return self.once("images", lambda: image_facts(document, self.top, self.app)) if document else NO_FACTS

    @property
    def machine(self) -> str:
        """The name of the machine that the checks look at; empty without a host."""
        return self.machines[0].name if self.machines else ""

    @property
    def channel(self) -> Channel:
        """The channel to that machine. Only with a host."""
        return self.machines[0].channel

    @property
    def answer(self) -> ChecksAnswer | None:
        """What that machine reports of itself; None without a host. Raise ``NotChecked`` if it gave no answer."""
        if not self.machines:
            return None
        answer = self.machines[0].answer
        if isinstance(answer, NotChecked):
            raise NotChecked(str(answer))
        return answer

    @property
    def live(self) -> LiveRelease | None:
        """The live release of that machine."""
        return self.answer.live if self.answer else None

    @property
    def containers(self) -> tuple[ContainerAddress, ...]:
        """The application's containers on that machine."""
        return self.answer.shared if self.answer else ()

    def per_machine(self) -> tuple[Subject, ...]:
        """Return this subject once for each machine; they share everything else. Without a host, return this one."""
        if len(self.machines) < 2:
            return (self,)
        return tuple(replace(self, machines=(machine,)) for machine in self.machines)

    def read_machines(self, read: Callable[[Subject], T]) -> tuple[list[tuple[Subject, T]], list[str]]:
        """Return what ``read`` returns for each machine, and why some machines cannot be read."""
        values, problems = [], []
        for subject in self.per_machine():
            try:
                values.append((subject, read(subject)))
            except NotChecked as error:
                problems.append(str(error))
        return values, problems

    @property
    def reports(self) -> Path:
        """The folder for the tools' reports and logs."""
        return self.state / "reports"

    def closing_after(self, group: str) -> contextlib.ExitStack:
        """Return what is closed once every check of a group has ended."""
        with self._lock:
            if group not in self._ends:
                self._ends[group] = self.closing.enter_context(contextlib.ExitStack())
            return self._ends[group]

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what the first caller makes; the others wait for it. An exception goes to all of them."""
        with self._lock:
            is_first = name not in self._once
            shared: Future[T] = self._once.setdefault(name, Future())
        if is_first:
            try:
                shared.set_result(make())
            except BaseException as error:
                shared.set_exception(error)
        return shared.result()
