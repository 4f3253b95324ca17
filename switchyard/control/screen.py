"""The terminal: what a person reads while a verb runs and at its end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from switchyard.control import terminal
from switchyard.core.steps import STEPS
from switchyard.core.wire.events import Event, Hello, Hold, LetThrough, Progress, StepBegins, StepEnds, Switched
from switchyard.core.wire.message import Message
from switchyard.core.wire.receipt import Probes, StepReceipt

Cell: TypeAlias = "str | tuple[str, str]"
"""A text, or a text with its style."""
PHRASES = {"predeploy": "checks of the commit"} | {str(name): step.phrase for name, step in STEPS.items()}
"""What a person reads for each step; predeploy is the control node's own."""
SLOW_FROM = 2.0
"""Seconds from which on the screen shows how long a step usually takes."""


class Screen:
    """Shows progress on a terminal, one line a step elsewhere, and only JSON with ``--json``."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(stderr=as_json, highlight=False, emoji=False, soft_wrap=True)
        self.steps: dict[str, list[StepReceipt]] = {}
        """The steps that ended on each machine."""
        self.is_quiet = as_json and not sys.stderr.isatty()
        """Whether nobody reads what a person would."""
        self._open_connections: dict[str, list[str]] = {}
        """For each machine a sentence about connections that did not finish on their colour."""
        self.holds: dict[str, list[Hold]] = {}
        """For each machine the times that requests to exclusive services waited."""
        self._usual_seconds: Mapping[str, float] = {}

    def say(self, text: str, style: str = "") -> None:
        """Print one line for a person."""
        if not self.is_quiet:
            self.console.print(self._cell((text, style)))

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Print a table for a person."""
        table = Table(*titles, box=None)
        for row in rows:
            table.add_row(*map(self._cell, row))
        if not self.is_quiet:
            self.console.print(table)

    def event(self, machine: str, event: Event) -> None:
        """Show what the host program reports."""
        if isinstance(event, Hello):
            self._usual_seconds = event.usual
        elif isinstance(event, Progress):
            self.say(f"  {machine}: {event.text}", "dim")
            self._count(
                machine, event.cut, "open connections of the colour that stopped were cut: uploads on them are lost"
            )
        elif isinstance(event, Switched):
            self._count(machine, event.left, "connections stay open on the old colour and may finish there")
        elif isinstance(event, LetThrough):
            self.holds.setdefault(machine, []).append(event.hold)
            self.say(f"  {machine}: {describe_hold(event.hold)}", "yellow" if event.hold.refused else "dim")
        elif isinstance(event, StepBegins):
            self._begin(machine, event)
        elif isinstance(event, StepEnds):
            self.step(machine, StepReceipt(event.step, event.colour, event.seconds, event.state, tuple(event.commands)))

    def step(self, machine: str, step: StepReceipt) -> None:
        """Show a step that ended, and keep it for the receipt."""
        self.steps.setdefault(machine, []).append(step)
        text = f"  {machine}: {_phrase(step.name, step.colour):<34} {step.seconds:6.2f} s"
        self.say(text if step.outcome == "done" else f"{text}  FAILED", "" if step.outcome == "done" else "red")

    def open_connections(self, machine: str) -> None:
        """Show which connections did not finish on their colour."""
        for sentence in self._open_connections.get(machine, []):
            self.say(f"{machine}: {sentence}", "yellow")

    def finish(self, report: Message) -> None:
        """Print the report that ``--json`` asks for; nothing without it."""
        if self.as_json:
            print(json.dumps(terminal.shown_report(report.encode())))

    def has_printed(self) -> bool:
        """Hand over what was printed, and return whether somebody took it: a closed pipe did not."""
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            return False
        return True

    def _cell(self, cell: Cell) -> Text:
        """Return a text as the terminal may show it. It is never read as markup."""
        text, style = (cell, "") if isinstance(cell, str) else cell
        return Text(terminal.shown(text), style)

    def _begin(self, machine: str, event: StepBegins) -> None:
        if self.console.is_terminal:
            usual = self._usual_seconds.get(event.step, 0.0)
            hint = f" (usually {usual:.0f} s)" if usual >= SLOW_FROM else ""
            self.say(f"  {machine}: {_phrase(event.step, event.colour)} …{hint}", "dim")

    def _count(self, machine: str, number: int | None, meaning: str) -> None:
        if number:
            self._open_connections.setdefault(machine, []).append(f"{number} {meaning}")


def _phrase(step: str, colour: str | None) -> str:
    return PHRASES.get(step, step) + (f" {colour}" if colour else "")


def ago(stamp: float | None) -> str:
    """Return how long ago a moment was, in seconds since the epoch; ``?`` for None."""
    if stamp is None:
        return "?"
    seconds = int(time.time() - stamp)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def describe_hold(hold: Hold) -> str:
    """Return how long requests to exclusive services waited, and how many of them in vain."""
    gap = "" if hold.seconds is None else f" for {hold.seconds:.1f} s"
    refused = f"; {hold.refused} waited in vain and got 503" if hold.refused else ""
    return f"requests to exclusive services were held{gap}, the longest waited {hold.longest:.1f} s{refused}"


def describe_probes(probes: Probes) -> str:
    """Return how many probes were sent and failed, or that nothing was measured."""
    return "not measured" if probes.sent is None else f"{probes.sent} sent, {probes.failed} failed"
