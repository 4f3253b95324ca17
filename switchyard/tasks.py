"""The Invoke tasks: the flags of each verb. No verb loads before its task runs."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

COLLECT_AFTER = 50_000
"""New objects between two garbage collections. Python's default of 700 suits a program that has finished loading."""


@dataclass(frozen=True)
class Verb:
    """One verb: a function that takes the checkout and the flags and returns the exit code, and the flags' help."""

    function: Callable[..., int]
    help: Mapping[str, str]

    def task(self, checkout: Path) -> Task[Callable[..., None]]:
        """Return the Invoke task for a checkout."""

        @functools.wraps(self.function)  # Invoke reads the flags, and drops the first parameter
        def body(context: Context, **flags: str | bool) -> None:
            run(lambda: self.function(checkout, **flags), as_json=wants_json(**flags))

        return Task(body, positional=(), auto_shortflags=False, help=dict(self.help))


def verb(**help: str) -> Callable[[Callable[..., int]], Verb]:
    """Declare a verb with a help text for each flag."""
    return lambda function: Verb(function, help)


def run(verb: Callable[[], int], *, as_json: bool) -> None:
    """Run a verb and exit with its code. With ``as_json``, print an error as one object too, a bug's included."""
    # Invoke turns off bytecode files for tasks.py. What loads now is worth compiling once, unless the user says no.
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
    # Hardly anything is garbage while libraries load, and looking for it takes a fifth of the time.
    gc.set_threshold(COLLECT_AFTER)
    from switchyard.control import bug, interruption, keeper, terminal, typed
    from switchyard.core.errors import INTERRUPTED, SwitchyardError

    typed.begin()
    bug.listen()
    interruption.listen()
    keeper.begin()
    try:
        code = verb()
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, KeyboardInterrupt):
            interruption.await_children()
            failure = SwitchyardError("interrupted", exit=INTERRUPTED)
        else:
            failure = error if isinstance(error, SwitchyardError) else bug.failure(error)
        reason = terminal.shown(str(failure))
        if as_json:
            from switchyard.control.receipt import early_end_json

            print(early_end_json(failure.exit, reason))
        raise Exit(reason, failure.exit) from None
    finally:
        gc.freeze()  # saves the interpreter a last collection of everything when it exits
    if code:
        raise Exit(None, code)


def wants_json(json: str | bool = False, **others: str | bool) -> bool:
    """Return whether a verb prints one object. ``inv predeploy --json FILE`` writes a file instead."""
    return json is True


def names(text: str) -> tuple[str, ...]:
    """Split ``A,B`` into names."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def number(flag: str, value: str) -> int:
    """Return a flag's whole number. Invoke itself answers anything else with a traceback."""
    from switchyard.core.errors import BadInput

    if not value.removeprefix("-").isdecimal():
        raise BadInput(f"{flag} {value}: give a whole number" if value else f"give a number with {flag}")
    return int(value)


@verb(
    host="the host to deploy to, a name under hosts: in invoke.yaml",
    rev="the commit to ship; default HEAD",
    dry_run="print the plan and change nothing",
    yes="do not ask before an override; a deploy without overrides asks nothing",
    allow_downgrade="ship a commit that does not descend from the live one",
    allow_dirty="ship the commit without the uncommitted changes",
    shared_unchanged="leave changed shared services as they run",
    force="ship a release that is bad, or that is live already",
    skip="skip these checks of predeploy; needs --reason",
    allow_unknown="ship even if these checks of predeploy are unknown; needs --reason",
    reason="why; the receipt and the journal keep it",
    drop_env="env keys of the live release to go without, separated by commas; the journal keeps them",
    json="print one JSON object",
)
def deploy(
    checkout: Path,
    host: str = "",
    rev: str = "",
    dry_run: bool = False,
    yes: bool = False,
    allow_downgrade: bool = False,
    allow_dirty: bool = False,
    shared_unchanged: bool = False,
    force: bool = False,
    skip: str = "",
    allow_unknown: str = "",
    reason: str = "",
    drop_env: str = "",
    json: bool = False,
) -> int:
    """Ship a commit: check it, prepare it beside what is live, prove it healthy, switch without a dropped request."""
    from switchyard.control.deploy_options import DeployOptions
    from switchyard.verbs.deploy import deploy_and_remember
    from switchyard.verbs.plan import plan

    options = DeployOptions(
        rev or None,
        allow_downgrade,
        allow_dirty,
        shared_unchanged,
        force,
        json,
        yes,
        skip=names(skip),
        allow_unknown=names(allow_unknown),
        reason=reason,
        drop_env=names(drop_env),
    )
    return plan(checkout, host, options) if dry_run else deploy_and_remember(checkout, host, options)


@verb(
    host="the host; default: the only one that was deployed to",
    to="the kept release or commit to go back to",
    env="current: use today's env instead of the release's own",
    json="print one JSON object",
)
def rollback(checkout: Path, host: str = "", to: str = "", env: str = "", json: bool = False) -> int:
    """Go back to the release before, whole: files, images, env and documents."""
    from switchyard.core.errors import BadInput
    from switchyard.verbs.rollback import rollback, rollback_with_current_env

    if env not in ("", "current"):
        raise BadInput(f"--env {env}: the only choice is current. Without --env the release keeps its own env")
    go_back = rollback_with_current_env if env else rollback
    return go_back(checkout, host or None, to=to or None, as_json=json)


@verb(
    host="check with this host's env, database and live release; default: check the files alone",
    app="the application's folder; default: app.path of the settings",
    only="run only these checks or groups, separated by commas",
    skip="skip these checks; needs --reason",
    allow_unknown="accept these checks as unknown; needs --reason",
    reason="why; reports keep it",
    fix="let ruff fix what it can in the work tree",
    fresh="run also checks that passed before and whose inputs have not changed",
    list="list each check with what it proves and needs",
    json="write the results to this file as JSON",
    junit="write the results to this file as JUnit XML",
)
def predeploy(
    checkout: Path,
    host: str = "",
    app: str = "",
    only: str = "",
    skip: str = "",
    allow_unknown: str = "",
    reason: str = "",
    fix: bool = False,
    fresh: bool = False,
    list: bool = False,
    json: str = "",
    junit: str = "",
) -> int:
    """Run the whole validation before a deployment: code, tests, database, configuration."""
    from switchyard.predeploy.engine.options import CheckOptions
    from switchyard.verbs.predeploy import list_checks, predeploy

    options = CheckOptions(names(only), names(skip), names(allow_unknown), reason, fix, fresh, json=json, junit=junit)
    return list_checks() if list else predeploy(checkout, host, app, options)


@verb(
    host="the host",
    rev="the commit; default HEAD",
    drop_env="env keys of the live release to go without, separated by commas",
    json="print one JSON object",
)
def plan(checkout: Path, host: str = "", rev: str = "", drop_env: str = "", json: bool = False) -> int:
    """Show what a deploy would do now. The host receives the host program and nothing else."""
    from switchyard.control.deploy_options import DeployOptions
    from switchyard.verbs.plan import plan

    return plan(checkout, host, DeployOptions(rev or None, json=json, drop_env=names(drop_env)))


@verb(host="the host", json="print one JSON object")
def status(checkout: Path, host: str = "", json: bool = False) -> int:
    """Show what runs on a host now: colours, releases, health, lease, drift."""
    from switchyard.verbs.status import status

    return status(checkout, host, as_json=json)


@verb(host="the host", count="how many attempts", json="print one JSON object")
def history(checkout: Path, host: str = "", count: str = "20", json: bool = False) -> int:
    """Show the attempts on a host, and how each ended."""
    from switchyard.verbs.history import history

    return history(checkout, host, count=number("--count", count), as_json=json)


@verb(host="the host", service="only this service", tail="lines of each container")
def logs(checkout: Path, host: str = "", service: str = "", tail: str = "50") -> int:
    """Print the last lines of the live colour's containers."""
    from switchyard.verbs.logs import logs

    return logs(checkout, host, service=service or None, tail=number("--tail", tail))


@verb(host="the host", service="only this service of the live colour; default: all of them")
def restart(checkout: Path, host: str = "", service: str = "") -> int:
    """Restart the live colour's containers one after the other, each healthy before the next."""
    from switchyard.verbs.restart import restart

    return restart(checkout, host, service=service or None)


@verb(host="the host", service="a routed or plain service", count="how many containers")
def scale(checkout: Path, host: str = "", service: str = "", count: str = "") -> int:
    """Set how many containers of a service run, now and in every later release."""
    from switchyard.verbs.scale import scale

    return scale(checkout, host, service=service, count=number("--count", count))


APPLY = {
    "host": "the host",
    "rev": "the commit that says how it should be; default HEAD",
    "yes": "agree to the interruption without a question",
}


@verb(**APPLY)
def shared_apply(checkout: Path, host: str = "", rev: str = "", yes: bool = False) -> int:
    """Apply changed shared services, after stating what that interrupts."""
    from switchyard.verbs.shared_apply import shared_apply

    return shared_apply(checkout, host, rev=rev or None, yes=yes)


@verb(**APPLY)
def edge_apply(checkout: Path, host: str = "", rev: str = "", yes: bool = False) -> int:
    """Give the edge the addresses of a commit, after stating what that interrupts."""
    from switchyard.verbs.edge_apply import edge_apply

    return edge_apply(checkout, host, rev=rev or None, yes=yes)


@verb(host="the host")
def edge_certificates(checkout: Path, host: str = "") -> int:
    """Ship changed certificates without a deploy, and serve them at once."""
    from switchyard.verbs.edge_certificates import edge_certificates

    return edge_certificates(checkout, host)


@verb(host="the host", reason="why; the journal keeps it", force="take it even from a living owner")
def unlock(checkout: Path, host: str = "", reason: str = "", force: bool = False) -> int:
    """Take the lease over from whoever holds it."""
    from switchyard.verbs.unlock import unlock

    return unlock(checkout, host, reason=reason, force=force)


@verb(
    host="the host",
    env="variables of this machine's environment that tests and checks may see, separated by commas",
    send="ADDRESS=NAME,NAME: where checks may send the values of which variables; several separated by blanks",
    files="files of this machine that checks may look at, separated by commas",
    objects="volume:NAME or image:NAME of the host that Switchyard did not create, as it is now; separated by commas",
    take_back="take this back instead",
    reason="why; the journal keeps it",
)
def allow(
    checkout: Path,
    host: str = "",
    env: str = "",
    send: str = "",
    files: str = "",
    objects: str = "",
    take_back: bool = False,
    reason: str = "",
) -> int:
    """Allow the application's commits to use something beyond the host's env; without flags, show what they may use."""
    from switchyard.verbs.allow import allow, parse, show

    change = parse(names(env), send, names(files))
    if not change and not objects:
        return show(checkout, host)
    return allow(checkout, host, change, objects=names(objects), take_back=take_back, reason=reason)


@verb(
    host="the host",
    colour="idle, live, blue or green",
    within="for how long, such as 90s, 15m or 2h; at most 24h",
)
def preview(checkout: Path, host: str = "", colour: str = "idle", within: str = "15m") -> int:
    """Open the previews of a colour for a limited time, at ports of this machine, until Ctrl-C."""
    from switchyard.verbs.preview import preview, seconds

    return preview(checkout, host, colour=colour, within=seconds(within))


@verb(host="the host", service="the service", command="the command, without a shell")
def execute(checkout: Path, host: str = "", service: str = "", command: str = "") -> int:
    """Run a command in a container of the live colour or of a shared service."""
    from switchyard.verbs.execute import execute

    return execute(checkout, host, service=service, command=command)


@verb(host="the host", explain="print the generated documents without the values of variables")
def services(checkout: Path, host: str = "", explain: bool = False) -> int:
    """Show each service's kind, and why."""
    from switchyard.verbs.services import services

    return services(checkout, host, explain=explain)


@verb(host="the host")
def doctor(checkout: Path, host: str = "") -> int:
    """Find what would stop a deploy, on this machine and on the host."""
    from switchyard.verbs.doctor import doctor

    return doctor(checkout, host)


@verb(count="how many sandbox hosts")
def sandbox_up(checkout: Path, count: str = "1") -> int:
    """Start sandbox hosts: each a whole machine with its own sshd and Docker engine."""
    from switchyard.verbs.sandbox_up import sandbox_up

    return sandbox_up(number("--count", count), state=checkout / ".switchyard")


@verb()
def sandbox_down(checkout: Path) -> int:
    """Remove this checkout's sandbox hosts and everything that belongs to them."""
    from switchyard.verbs.sandbox_down import sandbox_down

    return sandbox_down(state=checkout / ".switchyard")


def here(tasks_file: str) -> Collection:
    """Return all of Switchyard's tasks for an application's own ``tasks.py``: ``ns = here(__file__)``."""
    return collection(Path(tasks_file).resolve().parent)


def collection(checkout: Path) -> Collection:
    """Return all of Switchyard's tasks for a checkout."""
    top = Collection()
    for each in (deploy, rollback, predeploy, plan, status, history, logs, restart, scale, unlock, services, doctor):
        top.add_task(each.task(checkout))
    top.add_task(allow.task(checkout))
    top.add_task(preview.task(checkout))
    top.add_task(execute.task(checkout), "exec")
    for name, verbs in {
        "sandbox": {"up": sandbox_up, "down": sandbox_down},
        "shared": {"apply": shared_apply},
        "edge": {"apply": edge_apply, "certificates": edge_certificates},
    }.items():
        group = Collection()
        for flag, each in verbs.items():
            group.add_task(each.task(checkout), flag)
        top.add_collection(group, name)
    return top
