"""What a person reads while a verb runs, and at its end."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from rich.console import Console
from rich.markup import escape

WORDS = {
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
}


SLOW = 2.0
"""Seconds from which on it is told how long a step usually takes."""


class Screen:
    """Progress on a terminal, one line a step elsewhere, nothing but JSON with ``--json``."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(stderr=as_json, highlight=False, soft_wrap=True)
        self.quiet = as_json and not sys.stderr.isatty()
        self.steps: dict[str, list[dict[str, Any]]] = {}
        """Each machine's steps so far."""
        self._usual: dict[str, float] = {}

    def say(self, text: str, style: str = "") -> None:
        """One line for a person."""
        if not self.quiet:
            self.console.print(f"[{style}]{escape(text)}[/]" if style else escape(text))

    def event(self, machine: str, event: dict[str, Any]) -> None:
        """A step's beginning or end, or what it does meanwhile."""
        if event["event"] == "hello":
            self._usual = event["usual"]
        if event["event"] == "progress":
            self.say(f"  {machine}: {event['text']}", "dim")
        if event["event"] != "step":
            return
        name = WORDS.get(event["step"], event["step"]) + (f" {event['colour']}" if event["colour"] else "")
        if event["state"] == "begins":
            if self.console.is_terminal:
                usual = self._usual.get(event["step"], 0.0)
                self.say(f"  {machine}: {name} …" + (f" (usually {usual:.0f} s)" if usual >= SLOW else ""), "dim")
            return
        self.steps.setdefault(machine, []).append(
            {
                "name": event["step"],
                "colour": event["colour"],
                "seconds": event["seconds"],
                "outcome": event["state"],
                "commands": event["commands"],
            }
        )
        self.say(
            f"  {machine}: {name:<34} {event['seconds']:6.2f} s" + ("" if event["state"] == "done" else "  FAILED"),
            "" if event["state"] == "done" else "red",
        )

    def finish(self, value: dict[str, Any]) -> None:
        """The one object that a program reads."""
        if self.as_json:
            print(json.dumps(value))


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
