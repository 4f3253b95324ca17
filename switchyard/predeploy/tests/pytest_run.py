"""What a run of pytest reports of its tests: the lines that the plugin ``each_test`` writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from switchyard.core.wire import json_text
from switchyard.core.wire.message import Foreign, message

SLOWEST = 5
"""How many of the slowest tests a result names."""


@message(frozen=True)
class Event(Foreign):
    """One line of the plugin. Which of the first six fields it has tells what happened."""

    root: str | None = None
    """pytest's root folder; the run starts."""
    collected: tuple[str, ...] | None = None
    broken: str | None = None
    """A file that could not be collected."""
    begun: str | None = None
    """A test that starts."""
    test: str | None = None
    """A test whose setup, call or teardown ended."""
    finished: bool = False
    pytest: str = ""
    """pytest's version."""
    when: str = ""
    """setup, call or teardown."""
    outcome: str = ""
    seconds: float = 0.0
    why: str = ""
    file: str = ""
    line: int | None = None


@dataclass
class PytestRun:
    """The tests of one run."""

    root: str = ""
    version: str = ""
    collected: tuple[str, ...] = ()
    broken: dict[str, str] = field(default_factory=dict)
    """File that could not be collected to the reason."""
    begun: list[str] = field(default_factory=list)
    outcome: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, Event] = field(default_factory=dict)
    """Each test that failed, even if a plugin of the application ran it again until it passed."""
    finished: bool = False

    @classmethod
    def read(cls, text: str) -> PytestRun:
        """Read the lines up to the first that is torn."""
        run = cls()
        for line in text.splitlines():
            try:
                content = json_text.parse(line)
            except ValueError:
                break
            run._add(Event.decode(content, "each_test"))
        return run

    def _add(self, event: Event) -> None:
        if event.root is not None:
            self.root, self.version = event.root, event.pytest
        elif event.collected is not None:
            self.collected = self.collected or event.collected
        elif event.broken is not None:
            self.broken[event.broken] = event.why
        elif event.begun is not None:
            self.begun.append(event.begun)
        elif event.test is not None:
            self._add_phase(event.test, event)
        elif event.finished:
            self.finished = True

    def _add_phase(self, test: str, phase: Event) -> None:
        self.seconds[test] = self.seconds.get(test, 0.0) + phase.seconds
        if phase.outcome == "rerun":
            self.failures.setdefault(test, phase)
        elif phase.outcome == "failed":
            self.outcome[test] = "failed"
            self.failures.setdefault(test, phase)
        elif self.outcome.get(test) != "failed" and (phase.outcome == "skipped" or phase.when == "call"):
            self.outcome[test] = phase.outcome

    @property
    def running(self) -> list[str]:
        """Tests that started and did not end."""
        return [name for name in self.begun if name not in self.outcome]

    @property
    def slowest(self) -> dict[str, float]:
        """Seconds of the slowest tests, with setup and teardown."""
        longest = sorted(self.seconds.items(), key=lambda item: -item[1])[:SLOWEST]
        return {name: round(seconds, 3) for name, seconds in longest}
