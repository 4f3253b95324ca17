"""``inv predeploy``: the protocol's validation, before anything is shipped; and the same for a deploy."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from switchyard.control import commit as source
from switchyard.control import compose as resolve
from switchyard.control.channel import Away, Line, at_once, env_of, lines_to, require_app
from switchyard.control.release import Ready
from switchyard.control.screen import Screen
from switchyard.core.errors import BadInput, NotChecked, Refused
from switchyard.predeploy.engine import gate, report, runner, tree
from switchyard.predeploy.engine.check import GROUPS, Check
from switchyard.predeploy.engine.result import FAIL, PASS, UNKNOWN, Result
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings import load as settings


def every() -> tuple[Check, ...]:
    """All checks. What they need takes long to load, and a lease that is held is told before, a rollback without."""
    from switchyard.predeploy.all import CHECKS

    return CHECKS


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    allow_unknown: tuple[str, ...] = ()
    reason: str = ""
    fix: bool = False
    fresh: bool = False
    json: str = ""
    junit: str = ""


def predeploy(checkout: Path, host_name: str, app_folder: str, options: Options) -> int:
    """Every check on the work tree, with a host's env and database where one is named. Returns the exit code."""
    require_known(options)
    for flag, name in (("--json", options.json), ("--junit", options.junit)):
        if name:
            report.require_writable(flag, name)
    host = settings.host(checkout, host_name) if host_name else settings.nowhere(checkout, app_folder or None)
    screen = Screen(as_json=False)
    with looking(host) as seen:
        line, facts = seen[0] if seen else (None, {})
        others = tuple(seen[1:])
        env = resolve.env_values(env_of(host))
        subject = tree.of_work_tree(host, env, line, facts, others, fix=options.fix)
        if options.fix:
            screen.say(corrected(subject))
            subject = tree.of_work_tree(host, env, line, facts, others, fix=False)
        verdicts = check(subject, options, screen)
        report.show(verdicts, screen)
        if options.json:
            report.write_json(Path(options.json), verdicts, subject)
        if options.junit:
            report.write_junit(Path(options.junit), verdicts)
    return gate.EXITS[gate.outcome(verdicts)]


def of_commit(
    host: settings.Host,
    seen: Sequence[tuple[Line, Mapping[str, Any]]],
    picked: source.Source,
    ready: Ready,
    options: Options,
    screen: Screen,
) -> gate.Checked:
    """The checks on a clean export of the commit that ships, with the env, databases and live releases of the host.

    ``seen``: each machine with what it says of itself.
    """
    began = time.monotonic()
    (line, facts), *others = seen
    with tree.of_commit(host, picked, ready.values, line, facts, tuple(others)) as subject:
        verdicts = tuple(check(subject, options, screen))
    left_out = tuple(each.name for each in every() if _named(each, options.skip))
    checked = gate.Checked(subject.tree, verdicts, round(time.monotonic() - began, 2), left_out, options.reason)
    if checked.exit:
        report.show(verdicts, screen)
    else:
        screen.say(f"  {checked.sentence}")
        screen.step(line.machine.name, "predeploy", checked.seconds)
    return checked


def corrected(subject: Subject) -> str:
    """Corrects the work tree before anything looks at it; what was done, in the tool's words."""
    from switchyard.predeploy.code import tools as code

    with only_one(subject):
        return code.fix(subject)


def _named(each: Check, names: Sequence[str]) -> bool:
    """Whether one of the names is that of the check or of its group."""
    return not {each.name, each.group}.isdisjoint(names)


@contextlib.contextmanager
def looking(host: settings.Host) -> Iterator[list[tuple[Line, Mapping[str, Any]]]]:
    """A line to each machine of a host, with what it says of itself; none where no host is named.

    One that cannot be reached ends nothing here: what needs it is unknown, and the rest is checked all the same.
    """
    if not host.name:
        yield []
        return
    with lines_to(host, require_app(host.app_setting.name, host.name)) as lines:
        yield list(zip(lines, at_once(_said, lines), strict=True))


def _said(line: Line) -> Mapping[str, Any]:
    try:
        return line.ask("checks")
    except NotChecked as error:
        return Away(error)


def check(subject: Subject, options: Options, screen: Screen) -> list[gate.Verdict]:
    """Runs what is asked for and judges each result by its gate."""
    unknown = sorted(set(subject.setting.gates) - {each.name for each in every()})
    if unknown:
        raise BadInput(f"app.predeploy.gates: {_no_check(unknown[0])}")
    chosen = [each for each in every() if not options.only or _named(each, options.only)]
    left_out = [each for each in chosen if _named(each, options.skip)]
    asked = [each for each in chosen if each not in left_out]
    with only_one(subject):
        results = runner.run(asked, subject, fresh=options.fresh, show=report.Progress(screen))
        results.update({each.name: gate.not_run(f"left out: {options.reason}") for each in left_out})
        return [_verdict(each, subject, results[each.name], options) for each in chosen]


def _verdict(each: Check, subject: Subject, result: Result, options: Options) -> gate.Verdict:
    how = subject.setting.gates.get(each.name, "required")
    alone = result
    if how == gate.NO_WORSE and result.outcome in (PASS, FAIL):
        try:
            result = gate.no_worse(result, _of_live(each, subject, result), first=_facts(subject).get("live") is None)
        except NotChecked as error:
            result = replace(result, outcome=UNKNOWN, reason=f"not compared with the live release: {error}")
    allowed = options.reason if _named(each, options.allow_unknown) else ""
    return gate.Verdict(each.name, each.group, how, result, allowed if result.outcome == UNKNOWN else "", alone)


def _facts(subject: Subject) -> Mapping[str, Any]:
    """What the first machine said on which a release is live; a machine that is new has none to be compared with."""
    return next((each.facts for each in subject.machines if each.facts.get("live")), subject.facts)


def _of_live(each: Check, subject: Subject, result: Result) -> Any:
    """The same check's result that stands beside the live release; of other tools it is made again from its commit."""
    kept = ((_facts(subject).get("baseline") or {}).get("checks") or {}).get(each.name)
    if kept is None or kept["tools"] == dict(result.tools):
        return kept
    commit = _facts(subject)["live"]["commit"]
    if not source.has(subject.repository, commit):
        return None
    before = [other for other in every() if other.name in each.after]
    with tree.at(subject, commit) as live:
        again = [runner.redacted(runner.attempted(one, live), live) for one in (*before, each)][-1]
    found = gate.baseline([gate.Verdict(each.name, each.group, "required", again)], live.tree)
    return found["checks"].get(each.name)


@contextlib.contextmanager
def only_one(subject: Subject) -> Iterator[None]:
    """One run at a time in an application's folder of reports and virtual environments."""
    subject.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Where the application is the checkout and git does not ignore this, no tree would ever stay the same.
    (subject.state.parent / ".gitignore").write_text("*\n")
    with open(subject.state / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another predeploy of {subject.app.name} runs in this checkout; wait for its end") from None
        yield


def require_known(options: Options) -> None:
    """Every name is a check or a group, and what overrides has a reason."""
    for name in (*options.only, *options.skip, *options.allow_unknown):
        if name not in (*GROUPS, *(each.name for each in every())):
            raise BadInput(_no_check(name))
    if (options.skip or options.allow_unknown) and not options.reason:
        raise BadInput("--skip and --allow-unknown need --reason: why; the receipt and the journal keep it")


def _no_check(name: str) -> str:
    known = [*GROUPS, *(each.name for each in every())]
    near = difflib.get_close_matches(name, known, 1)
    return (
        f"no check is called {name!r}" + (f"; did you mean {near[0]}?" if near else ".") + f" Known: {', '.join(known)}"
    )


def listed() -> int:
    """Each check with what it proves and needs."""
    screen = Screen(as_json=False)
    table = Table("check", "proves", "needs", box=None)
    for group in GROUPS:
        table.add_row(f"[bold]{group}[/]")
        for each in (check for check in every() if check.group == group):
            table.add_row(f"  {each.name}", escape(each.proves), escape(each.needs))
    screen.console.print(table)
    return 0
