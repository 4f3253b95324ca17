"""What a deploy refuses because it interrupts users: a verb applies it once the operator agrees to the outage."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from switchyard.control.attempts import cancel, interrupt, report
from switchyard.control.channel import Channel, require_app
from switchyard.control.commit import pick_commit
from switchyard.control.host_env import host_env
from switchyard.control.machine_attempt import Ended, MachineAttempt
from switchyard.control.release import CommitContents, application_of, prepare_release, read_commit
from switchyard.control.screen import Screen
from switchyard.core.errors import INTERRUPTED, Refused
from switchyard.core.wire.events import Confirm, End, Hello
from switchyard.core.wire.request import Word
from switchyard.settings import load


def apply_commit(checkout: Path, host_name: str, verb: str, *, rev: str | None, yes: bool) -> int:
    """Apply a part of a commit on one machine after the other. Return the exit code."""
    host = load.host(checkout, host_name)
    commit = pick_commit(host.app_folder, rev, allow_dirty=False)
    app = application_of(host, commit)
    screen = Screen(as_json=False)
    contents = read_commit(host_env(host), app, commit, host)
    attempts = []
    for machine in host.setting.machines:
        with closing(Channel(host, machine, require_app(app.name, host.name))) as channel:
            attempts.append(MachineAttempt(host, channel, screen))
            _apply(attempts[-1], verb, contents, yes=yes)
        if (end := attempts[-1].end) is not None and end.exit == INTERRUPTED:
            break
    return report(attempts, screen)


def _apply(attempt: MachineAttempt, verb: str, contents: CommitContents, *, yes: bool) -> None:
    """Follow one machine from its lease through the operator's consent to its end."""
    try:
        attempt.start(attempt.channel.request(verb))
        attempt.follow_to(Hello)
        assert attempt.facts is not None
        attempt.send(prepare_release(contents, attempt.facts, attempt.screen), checks=None)
        attempt.follow_to(Confirm)
        _confirm(attempt, yes=yes)
        attempt.channel.say(Word("go"))
        attempt.follow_to(End)
    except Ended:
        pass
    except KeyboardInterrupt:
        interrupt([attempt], attempt.screen)
    finally:
        cancel([attempt])


def _confirm(attempt: MachineAttempt, *, yes: bool) -> None:
    """State the outage, and ask about it on a terminal; elsewhere require ``--yes``."""
    attempt.screen.say(f"{attempt.name}:\n{attempt.confirm_text}", "yellow")
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("this interrupts running services. Add --yes where nobody can answer a question")
    if input("Continue? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused("not confirmed: nothing changed")
