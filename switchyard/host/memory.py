"""What an attempt learns and nobody can observe. It dies with the program."""

from __future__ import annotations

from dataclasses import dataclass, field

Proof = frozenset[tuple[str, str]]
"""The containers that were proven healthy: the id of each and when it started."""


@dataclass
class Memory:
    """What one program remembers of the machine. The keys are ``front blue``, ``single green`` and so on."""

    proven: dict[str, Proof] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """The reason of each failure."""
    started: set[str] = field(default_factory=set)
    """What the attempt started and did not stop. A container of it that has exited since has crashed."""
    held_since: float | None = None
    """When the attempt made requests to exclusive services wait, by the monotonic clock; None where none wait."""
    restored: set[str] = field(default_factory=set)
    """The services of the live release that the attempt started; ``the edge`` stands for itself."""
    smoke: str = "unknown"
    """unknown, ok or failed."""
    verdict: str = "unknown"
    """Of the wanted release once live: unknown, looked, ok, unverified or wrong."""
    passes_itself: bool = False
    """Whether an application without an HTTP route passed its own check through the edge."""
    reason: str = ""
    """Why the attempt fails or takes the release back."""
    is_mistake_of_settings: bool = False
    """Whether the settings, and not the commit or its env, are why the attempt takes the release back."""
    weak: set[str] = field(default_factory=set)
    """Services without a check, proven by their port and by time alone."""

    def forget_started(self) -> None:
        """Forget what the attempt started.

        An engine that was away may have left them down. That is no crash, so they get another start.
        """
        self.started.clear()
