"""``inv history``: the attempts on a host, and how each ended."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from switchyard.control.channel import Channel
from switchyard.control.host_answers import HostAnswers, ask_host
from switchyard.control.screen import Screen
from switchyard.core.errors import BadInput
from switchyard.core.journal import EndEntry
from switchyard.core.wire.answers import History
from switchyard.core.wire.receipt import HistoryReport, MachineHistory


def history(checkout: Path, host_name: str, *, count: int, as_json: bool) -> int:
    """Show the last ``count`` attempts of each machine. Return the exit code."""
    if count < 1:
        raise BadInput(f"history: --count {count}: give 1 attempt or more")

    def attempts(channel: Channel) -> History:
        return channel.ask(replace(channel.request("history"), count=count), History)

    machines = ask_host(checkout, host_name, attempts)
    screen = Screen(as_json=as_json)
    if as_json:
        screen.finish(report(machines))
        return machines.exit
    for name, answer in machines.answers.items():
        for entry in answer.attempts:
            screen.say(f"{name}: {describe(entry)}")
        for problem in answer.problems:
            screen.say(f"{name}: journal: {problem}", "yellow")
    machines.show_errors(screen)
    return machines.exit


def report(machines: HostAnswers[History]) -> HistoryReport:
    """Return what ``--json`` prints."""
    hosts = [MachineHistory(name, answer.attempts, answer.problems) for name, answer in machines.answers.items()]
    return HistoryReport(machines.app, tuple(hosts), machines.unanswered)


def describe(entry: EndEntry) -> str:
    """Return one attempt as a line, in the control node's time zone, with the first line of its reason."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.wall))
    why = f": {entry.why.splitlines()[0]}" if entry.why else ""
    return f"{stamp}  {entry.step:<9} {entry.what:<11} {entry.release or '-'}  by {entry.who}{why}"
