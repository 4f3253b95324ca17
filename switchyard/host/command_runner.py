"""The commands of an attempt that change the host: run, logged with the release, and told with their step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from switchyard.core import commands
from switchyard.host.adapters import process
from switchyard.host.wanted_release import WantedRelease


class CommandRunner:
    """Runs commands for the wanted release."""

    def __init__(self, release: WantedRelease, tick: Callable[[], None]) -> None:
        self._release = release
        self._tick = tick
        self._shown: list[str] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        shown: Sequence[str] | None = None,
        within: float = process.RUN_WITHIN,
        cwd: str | None = None,
        check: bool = True,
        extra: Mapping[str, str] | None = None,
        tick: Callable[[], None] | None = None,
    ) -> tuple[int, str]:
        """Run a command; return its exit code and output. ``shown`` stands for it in events and plans."""
        self.show(shown or argv)
        return process.run(
            argv, within=within, cwd=cwd, check=check, extra=extra, log=self._release.log, tick=tick or self._tick
        )

    def show(self, argv: Sequence[str]) -> None:
        """Add a command to those of the current step, in the form that the plan shows."""
        self._shown.append(commands.shown(argv, self._release.id))

    def begin_step(self) -> None:
        """Forget the commands of the step before."""
        self._shown = []

    @property
    def of_step(self) -> tuple[str, ...]:
        """The commands of the current step, as the plan shows them."""
        return tuple(self._shown)
