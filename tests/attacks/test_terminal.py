"""Terminals: text from outside moves no cursor, reaches no clipboard, and is never read as markup."""

from __future__ import annotations

import contextlib
import io
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from invoke.exceptions import Exit

from switchyard.control import host_answers, terminal
from switchyard.control.screen import Screen
from switchyard.core import outside_text, redact
from switchyard.core.wire.answers import ExecResult, History, KeptRelease, Logs, Status
from switchyard.core.wire.events import Progress
from switchyard.core.wire.message import Message
from switchyard.predeploy.engine import report
from switchyard.predeploy.engine.gate import REQUIRED, Verdict
from switchyard.predeploy.engine.result import FAIL, Finding, Result
from switchyard.verbs.execute import execute
from switchyard.verbs.history import history
from switchyard.verbs.logs import logs
from switchyard.verbs.status import status
from tests.harness.answering_host import AnsweringChannel, replace_host
from tests.harness.attack import Attack, promises
from tests.harness.command_line import fail
from tests.harness.told_channel import NEW

MARKUP = "[bold red]fix [/nothing] the [link=https://evil.example]build[/link]"
Sink = Callable[[str], object]


def shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every control character through."""
    for owner in (outside_text, redact, terminal):
        monkeypatch.setattr(owner, "plain", lambda text: text)
    monkeypatch.setattr(terminal, "shown", lambda text: text)


def read_as_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give texts to rich as they are."""
    monkeypatch.setattr(Screen, "_cell", lambda self, cell: cell if isinstance(cell, str) else cell[0])


def output_of(sink: Sink, text: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            sink(text)
        except Exit as end:
            out.write(str(end.message))
    return out.getvalue()


def controls(text: str) -> set[str]:
    """Return the characters in a text that a terminal obeys."""
    kinds = {character: unicodedata.category(character) for character in text}
    turns = {"\u202a", "\u202b", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u200e", "\u200f", "\u200b"}
    return {each for each, kind in kinds.items() if (kind in ("Cc", "Cs") and each not in "\n\t") or each in turns}


def asking(verb: Callable[[], object], answer: Message) -> None:
    with pytest.MonkeyPatch.context() as patch:
        replace_host(patch, host_answers, AnsweringChannel("one", answer))
        verb()


def prints(text: str) -> None:
    """Have a command in a container print a text."""
    asking(lambda: execute(Path(), "prod", service="web", command="x"), ExecResult(0, text))


def sequence(name: str, text: str) -> Attack:
    """Return the attack that prints a sequence on the screen. Its twin prints what people write."""

    def gets_through(folder: Path) -> bool:
        sinks = (Screen(as_json=False).say, prints)
        return any(controls(output_of(sink, f"a{text}b")) for sink in sinks)

    def twin(folder: Path) -> bool:
        return output_of(Screen(as_json=False).say, "Größe 👩‍💻 [x] می‌خواهم") == "Größe 👩‍💻 [x] می‌خواهم\n"

    return Attack(name, gets_through, twin, shown_as_it_is)


SEQUENCES = [
    sequence("the clipboard (OSC 52)", "\x1b]52;c;ZXZpbA==\x07"),
    sequence("a link (OSC 8)", "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\"),
    sequence("the title (OSC 0)", "\x1b]0;title\x07"),
    sequence("an answer back (DSR)", "\x1b[6n"),
    sequence("a cleared screen", "\x1b[2J\x1b[H"),
    sequence("a line written over", "\x1b[1A\x1b[2K"),
    sequence("colours", "\x1b[31mred\x1b[0m"),
    sequence("a device string (DCS)", "\x1bP$q\x1b\\"),
    sequence("an application string (APC)", "\x1b_G\x1b\\"),
    sequence("a reset", "\x1bc"),
    sequence("one byte (C1 CSI)", "\x9b2J"),
    sequence("one byte (C1 OSC)", "\x9d52;c;ZXZpbA==\x9c"),
    sequence("a sequence in a sequence", "\x1b\x1b[2J[2J"),
    sequence("a sequence that never ends", "\x1b]52;c;ZXZpbA=="),
    sequence("a bell", "\x07"),
    sequence("backspaces", "rm\b\bls"),
    sequence("another character set", "\x0e"),
    sequence("a delete", "\x7f"),
    sequence("a line that turns", "\u202eevil\u202c"),
    sequence("a hidden turn", "\u2067evil\u2069"),
    sequence("half a character", "\udc9b2J"),
]
OSC = "\x1b]52;c;ZXZpbA==\x07"


def status_with(subject: str = "", *, drift: str = "") -> Status:
    kept = KeptRelease(NEW, 2, "c" * 40, "good", subject, ())
    return Status(None, None, (), "blue", "blue", None, (kept,), (drift,) if drift else (), ())


def verdicts(text: str) -> None:
    result = Result(FAIL, text, (Finding("R", text, place=text, text=text, do=text),), output=text)
    report.show([Verdict("lint", "code", REQUIRED, result)], Screen(as_json=False))


SINKS: dict[str, Sink] = {
    "status, a commit's subject": lambda text: asking(lambda: status(Path(), "prod", as_json=False), status_with(text)),
    "status, drift": lambda text: asking(lambda: status(Path(), "prod", as_json=False), status_with(drift=text)),
    "history, the journal's problems": lambda text: asking(
        lambda: history(Path(), "prod", count=1, as_json=False), History((), (text,))
    ),
    "logs": lambda text: asking(lambda: logs(Path(), "prod", service=None, tail=1), Logs({"web": text})),
    "logs, a container's name": lambda text: asking(
        lambda: logs(Path(), "prod", service=None, tail=1), Logs({text: "x"})
    ),
    "exec": prints,
    "an error": fail,
    "an event's progress": lambda text: Screen(as_json=False).event("one", Progress(text)),
    "a finding of predeploy": verdicts,
}


def reaching(name: str, sink: Sink) -> Attack:
    """Return the attack that reaches the terminal through one verb."""
    return Attack(
        f"{name}: the clipboard",
        lambda folder: bool(controls(output_of(sink, f"a{OSC}b"))),
        lambda folder: "harmless" in output_of(sink, "harmless"),
        shown_as_it_is,
    )


def marked(name: str, sink: Sink) -> Attack:
    """Return the attack that has a text read as markup: it crashes the verb, or changes what people read."""

    def gets_through(folder: Path) -> bool:
        try:
            return "[bold red]fix [/nothing]" not in " ".join(output_of(sink, MARKUP).split())
        except Exception:
            return True

    def twin(folder: Path) -> bool:
        return "harmless" in output_of(sink, "harmless")

    return Attack(f"{name}: markup", gets_through, twin, read_as_markup)


THROUGH_SCREEN = [name for name in SINKS if name not in ("exec", "an error")]
ATTACKS = [
    *SEQUENCES,
    *(reaching(name, sink) for name, sink in SINKS.items()),
    *(marked(name, SINKS[name]) for name in THROUGH_SCREEN),
]
test_refused, test_twin, test_defence = promises(ATTACKS)
