"""One question to every machine of a host, for verbs that only look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from switchyard.control.channel import Channel, require_app
from switchyard.control.journal_heads import LACKS
from switchyard.control.machines import at_once
from switchyard.control.screen import Screen
from switchyard.core.errors import DRIFT, NOT_CHECKED, OK, SwitchyardError
from switchyard.core.wire.message import Message
from switchyard.core.wire.receipt import Unanswered
from switchyard.settings import load
from switchyard.settings.model import Host, Machine

A = TypeVar("A", bound=Message)
Question: TypeAlias = Callable[[Channel], A]
"""Asks one machine."""


@dataclass(frozen=True)
class HostAnswers(Generic[A]):
    """The answers of a host's machines."""

    host: Host
    app: str
    answers: Mapping[str, A]
    """By the machine's name."""
    errors: Mapping[str, SwitchyardError]
    """Why the other machines did not answer."""
    journals: Mapping[str, str] = field(default_factory=dict)
    """What nobody can tell of the journals of machines."""

    @property
    def exit(self) -> int:
        """``NOT_CHECKED`` where a machine did not answer, ``DRIFT`` where a journal lacks what this checkout saw."""
        return NOT_CHECKED if self.errors else DRIFT if LACKS in self.journals.values() else OK

    @property
    def unanswered(self) -> tuple[Unanswered, ...]:
        """The machines that did not answer, for a report."""
        return tuple(Unanswered(name, str(error)) for name, error in self.errors.items())

    def show_errors(self, screen: Screen) -> None:
        """Show why machines did not answer, and what nobody can tell of the journals of those that did."""
        for name, text in self.journals.items():
            screen.say(f"{name}: journal: {text}", "yellow")
        for error in self.errors.values():
            screen.say(str(error), "red")


def ask_host(checkout: Path, host_name: str, question: Question[A], *, in_turn: bool = False) -> HostAnswers[A]:
    """Ask every machine, all at once unless ``in_turn``. Raise the first error if no machine answers."""
    host = load.host(checkout, host_name)
    app = require_app(host.app_setting.name, host.name)

    journals: dict[str, str] = {}

    def ask(machine: Machine) -> A | SwitchyardError:
        with closing(Channel(host, machine, app)) as channel:
            try:
                return question(channel)
            except SwitchyardError as error:
                return error
            finally:
                if channel.journal:
                    journals[machine.name] = channel.journal

    machines = host.setting.machines
    results = [ask(machine) for machine in machines] if in_turn else at_once(ask, machines)
    by_name = {machine.name: result for machine, result in zip(machines, results, strict=True)}
    answers = {name: result for name, result in by_name.items() if not isinstance(result, SwitchyardError)}
    errors = {name: result for name, result in by_name.items() if isinstance(result, SwitchyardError)}
    if not answers:
        raise next(iter(errors.values()))
    return HostAnswers(host, app, answers, errors, journals)
