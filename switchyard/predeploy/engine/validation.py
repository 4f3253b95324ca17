"""The whole validation: run the checks, then judge each result by its gate."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from switchyard.control import checkout_lock
from switchyard.control.commit import has_commit
from switchyard.control.screen import Screen
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.wire.answers import ChecksAnswer
from switchyard.core.wire.checks import CheckRecord
from switchyard.predeploy.engine import gate, report, runner, tree
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.gate import Verdict
from switchyard.predeploy.engine.look import look
from switchyard.predeploy.engine.options import CheckOptions, chosen, is_named, not_known
from switchyard.predeploy.engine.redaction import redacted
from switchyard.predeploy.engine.result import FAIL, PASS, UNKNOWN, Result, skipped
from switchyard.predeploy.engine.subject import Subject


def validate(checks: Sequence[Check], subject: Subject, options: CheckOptions, screen: Screen) -> list[Verdict]:
    """Run the chosen checks and return the verdict on each."""
    _require_known_gates(checks, subject)
    shown = chosen(checks, options)
    runs = [check for check in shown if not is_named(check, options.skip)]
    with only_one(subject, screen):
        results = {check.name: skipped(f"left out: {options.reason}") for check in shown}
        results |= runner.run(runs, subject, fresh=options.fresh, show=report.Progress(screen))
        return [verdict(check, checks, subject, results[check.name], options) for check in shown]


def _require_known_gates(checks: Sequence[Check], subject: Subject) -> None:
    unknown_names = sorted(set(subject.setting.gates) - {check.name for check in checks})
    if unknown_names:
        raise BadInput(f"app.predeploy.gates: {not_known(unknown_names[0], checks)}")


def verdict(check: Check, checks: Sequence[Check], subject: Subject, result: Result, options: CheckOptions) -> Verdict:
    """Judge one result by the check's gate. ``checks``: every check, for those that it runs after."""
    how = subject.setting.gates.get(check.name, gate.REQUIRED)
    compared = result
    if how == gate.NO_WORSE and result.outcome in (PASS, FAIL):
        compared = _compared_with_live(check, checks, subject, result)
    allowed = is_named(check, options.allow_unknown) and compared.outcome == UNKNOWN
    return Verdict(check.name, check.group, how, compared, options.reason if allowed else "", result)


def _compared_with_live(check: Check, checks: Sequence[Check], subject: Subject, result: Result) -> Result:
    try:
        answer = _answer(subject)
        live = _record_of_live(check, checks, subject, answer, result) if answer else None
        return gate.no_worse(result, live, first=answer is None or answer.live is None)
    except NotChecked as error:
        return replace(result, outcome=UNKNOWN, reason=f"not compared with the live release: {error}")


def _answer(subject: Subject) -> ChecksAnswer | None:
    """Return the answer of the first machine with a live release; a new machine has none to compare with."""
    with_live = (each.answer for each in subject.per_machine() if each.live is not None)
    return next(with_live, subject.answer)


def _record_of_live(
    check: Check, checks: Sequence[Check], subject: Subject, answer: ChecksAnswer, result: Result
) -> CheckRecord | None:
    """Return the check's result that the host keeps beside the live release.

    If that result is of other tools, run the check again on the live release's commit.
    """
    record = answer.baseline.checks.get(check.name) if answer.baseline else None
    if record is None or answer.live is None or record.tools == result.tools:
        return record
    if not has_commit(subject.repository, answer.live.commit):
        return None
    before = [other for other in checks if other.name in check.after]
    with tree.at(subject, answer.live.commit) as live:
        results = [redacted(look(one, live), live) for one in (*before, check)]
    again = gate.record([Verdict(check.name, check.group, gate.REQUIRED, results[-1])], live.tree)
    return again.checks.get(check.name)


@contextlib.contextmanager
def only_one(subject: Subject, screen: Screen) -> Iterator[None]:
    """Lock the application's folder of reports and virtual environments. Wait for another run that has it."""
    holder = f"another predeploy of {subject.app.name} in this checkout"
    with checkout_lock.hold(subject.state / "lock", holder, lambda text: screen.say(f"  {text}", "dim")):
        # The application may be the checkout, and its git may not ignore this folder: the tree would change with every
        # run.
        (subject.state.parent / ".gitignore").write_text("*\n")
        yield
