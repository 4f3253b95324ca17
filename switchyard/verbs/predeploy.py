"""``inv predeploy``: the whole validation before a deploy; and the same checks on the commit that a deploy ships."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from switchyard.control import compose
from switchyard.control.commit import Commit
from switchyard.control.host_env import host_env
from switchyard.control.screen import Screen
from switchyard.predeploy.engine import gate, host_machine, options, report, report_files, tree, validation
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.gate import CommitVerdicts
from switchyard.predeploy.engine.host_machine import HostMachine
from switchyard.predeploy.engine.options import CheckOptions
from switchyard.predeploy.engine.redaction import redactor
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings import load as settings
from switchyard.settings.model import Host


def predeploy(checkout: Path, host_name: str, app_folder: str, flags: CheckOptions) -> int:
    """Check the work tree, against a host where one is named. Return the exit code."""
    require_known(flags)
    report_files.require_writable(flags)
    host = settings.host(checkout, host_name) if host_name else settings.nowhere(checkout, app_folder or None)
    screen = Screen(as_json=False)
    with host_machine.connect(host) as machines:
        env = compose.env_values(host_env(host))
        if flags.fix:
            fix(tree.of_work_tree(host, env, machines), screen)
        subject = tree.of_work_tree(host, env, machines)
        flags = _told(flags, subject)
        verdicts = validation.validate(every_check(), subject, flags, screen)
        report.show(verdicts, screen)
        report_files.write(flags, verdicts, subject.tree)
    return gate.EXITS[gate.outcome(verdicts)]


def check_commit(
    host: Host,
    machines: Sequence[HostMachine],
    commit: Commit,
    env: Mapping[str, str],
    flags: CheckOptions,
    screen: Screen,
) -> CommitVerdicts:
    """Check a clean export of the commit that ships, with the env, databases and live releases of the host."""
    began = time.monotonic()
    with tree.of_commit(host, commit, env, tuple(machines)) as subject:
        subject.dropped = flags.drop_env
        flags = _told(flags, subject)
        verdicts = tuple(validation.validate(every_check(), subject, flags, screen))
    left_out = tuple(check.name for check in every_check() if options.is_named(check, flags.skip))
    result = CommitVerdicts(subject.tree, verdicts, round(time.monotonic() - began, 2), left_out, flags.reason)
    report.show_commit(result, machines[0].name, screen)
    return result


def _told(flags: CheckOptions, subject: Subject) -> CheckOptions:
    """Return the flags as reports, receipts, and the journal may hold them."""
    return replace(flags, reason=redactor(subject)(flags.reason)) if flags.reason else flags


def require_known(flags: CheckOptions) -> None:
    """Raise ``BadInput`` for a check that does not exist, and for an override without a reason."""
    if flags.only or flags.skip or flags.allow_unknown:
        options.require_known(flags, every_check())


def fix(subject: Subject, screen: Screen) -> None:
    """Correct the work tree before the checks look at it."""
    from switchyard.predeploy.code import lint

    with validation.only_one(subject, screen):
        screen.say(lint.fix(subject))


def list_checks() -> int:
    """Show what each check proves and needs."""
    report.show_list(every_check(), Screen(as_json=False))
    return 0


def every_check() -> tuple[Check, ...]:
    """Return all checks. Import them late: a held lease is reported, and a rollback runs, without them."""
    from switchyard.predeploy.all import CHECKS

    return CHECKS
