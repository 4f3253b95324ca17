"""What a person reads while a verb runs, and at its end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

WORDS = {
    "predeploy": "checks of the commit",
    "build": "building images",
    "shared": "shared services",
    "edge": "the edge",
    "oneshots": "oneshots",
    "retire": "retiring the old colour",
    "up": "starting",
    "prove": "proving healthy",
    "smoke": "smoke through the preview",
    "switch": "switching traffic",
    "stop_singletons": "stopping singletons",
    "start_singletons": "starting singletons",
    "prove_singletons": "proving singletons",
    "look": "looking through the edge",
    "seen": "looking from here",
    "cancel": "taking the new colour down",
    "standby": "ending the standby of",
    "restart": "restarting",
    "scale": "scaling",
    "apply_shared": "the changed shared services",
    "apply_edge": "the edge's new addresses",
}


SLOW = 2.0
"""Seconds from which on it is told how long a step usually takes."""


class Screen:
    """Progress on a terminal, one line a step elsewhere, nothing but JSON with ``--json``."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(stderr=as_json, highlight=False, emoji=False, soft_wrap=True)
        self.quiet = as_json and not sys.stderr.isatty()
        self.steps: dict[str, list[dict[str, Any]]] = {}
        """Each machine's steps so far."""
        self.open: dict[str, list[str]] = {}
        """Each machine's connections that did not finish where they began, as sentences."""
        self._usual: dict[str, float] = {}

    def say(self, text: str, style: str = "") -> None:
        """One line for a person."""
        if not self.quiet:
            self.console.print(Text(text, style))

    def event(self, machine: str, event: dict[str, Any]) -> None:
        """A step's beginning or end, or what it does meanwhile."""
        if event["event"] == "hello":
            self._usual = event["usual"]
        if event["event"] == "progress":
            self.say(f"  {machine}: {event['text']}", "dim")
            self._count(machine, event.get("cut"), "open connections of the colour that stopped were cut")
        if event["event"] == "switched":
            self._count(machine, event.get("left"), "connections stayed open on what was left: uploads there are lost")
        if event["event"] != "step":
            return
        if event["state"] == "begins":
            if self.console.is_terminal:
                usual = self._usual.get(event["step"], 0.0)
                name = _called(event["step"], event["colour"])
                self.say(f"  {machine}: {name} …" + (f" (usually {usual:.0f} s)" if usual >= SLOW else ""), "dim")
            return
        told = {"colour": event["colour"], "outcome": event["state"], "commands": event["commands"]}
        self.step(machine, event["step"], event["seconds"], **told)

    def step(
        self,
        machine: str,
        name: str,
        seconds: float,
        *,
        colour: str | None = None,
        outcome: str = "done",
        commands: Sequence[str] = (),
    ) -> None:
        """One step that ended, for the screen and the receipt."""
        told = {"name": name, "colour": colour, "seconds": seconds, "outcome": outcome, "commands": list(commands)}
        self.steps.setdefault(machine, []).append(told)
        line = f"  {machine}: {_called(name, colour):<34} {seconds:6.2f} s"
        self.say(line if outcome == "done" else f"{line}  FAILED", "" if outcome == "done" else "red")

    def _count(self, machine: str, number: int | None, what: str) -> None:
        if number:
            self.open.setdefault(machine, []).append(f"{number} {what}")

    def told(self, machine: str) -> None:
        """The connections that did not finish where they began, for the receipt."""
        for sentence in self.open.get(machine, []):
            self.say(f"{machine}: {sentence}", "yellow")

    def finish(self, value: dict[str, Any]) -> None:
        """The one object that a program reads."""
        if self.as_json:
            print(json.dumps(value))


def _called(step: str, colour: str | None) -> str:
    return WORDS.get(step, step) + (f" {colour}" if colour else "")


def ago(stamp: float | None) -> str:
    """How long ago, for people."""
    if stamp is None:
        return "?"
    seconds = int(time.time() - stamp)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def probes(found: dict[str, int | None]) -> str:
    """Probes through the public address, or that nothing was measured."""
    if found["sent"] is None:
        return "not measured"
    return f"{found['sent']} sent, {found['failed']} failed"
