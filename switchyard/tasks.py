"""The Invoke tasks. Nothing heavy is imported before a task runs."""

from __future__ import annotations

import functools
import gc
import json as encoder
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

COLLECT_AFTER = 50_000
"""Objects that are made before a look for garbage; Python's own 700 suit a program that is loaded already."""
verb = functools.partial(task, auto_shortflags=False, positional=[])


def _run(function: Callable[[], int], *, as_json: bool = False) -> None:
    """The library raises; this exits, with the code of its kind. With ``as_json`` it prints one object then, too."""
    # Invoke leaves no compiled files beside tasks.py; what follows is compiled once, unless this machine wants none.
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
    # While libraries load hardly anything is garbage, and looking for it takes a fifth of the time.
    gc.set_threshold(COLLECT_AFTER)
    from switchyard.core.errors import INTERRUPTED, SwitchyardError, ended

    try:
        code = function()
    except (SwitchyardError, KeyboardInterrupt) as error:
        code, reason = getattr(error, "exit", INTERRUPTED), str(error) or "interrupted"
        if as_json:
            print(encoder.dumps(ended(code, reason)))
        raise Exit(reason, code) from None
    finally:
        gc.freeze()  # nor is anything at the end worth the look at all of it with which the interpreter ends
    if code:
        raise Exit(None, code)


def names(text: str) -> tuple[str, ...]:
    """``A,B`` as names."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _number(flag: str, value: str) -> int:
    """A flag's whole number; Invoke itself answers anything else with a traceback."""
    from switchyard.core.errors import BadInput

    if not value.removeprefix("-").isdecimal():
        raise BadInput(f"{flag} {value}: a whole number is needed" if value else f"say how many with {flag}")
    return int(value)


def collection(checkout: Path) -> Collection:
    """All of Switchyard's tasks, for the ``tasks.py`` in ``checkout``."""

    @verb(
        help={
            "host": "the host to deploy to, a name under hosts: in invoke.yaml",
            "rev": "the commit to ship; default HEAD",
            "dry-run": "print the plan and change nothing",
            "allow-downgrade": "ship a commit that does not descend from the live one",
            "allow-dirty": "ship the commit without the work tree's changes",
            "shared-unchanged": "leave changed shared services as they run",
            "force": "ship a release that was bad, or what is live already",
            "skip": "without these checks of predeploy; needs --reason",
            "allow-unknown": "these checks of predeploy may be unknown; needs --reason",
            "reason": "why; receipt and journal keep it",
            "json": "print one JSON object",
            "yes": "do not ask before an override; without overrides nothing is asked",
        }
    )
    def deploy(
        c: Context,
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
        json: bool = False,
    ) -> None:
        """Ship a commit: checked, prepared beside what is live, proven healthy, switched without a dropped request."""

        def go() -> int:
            from switchyard.verbs import deploy as module
            from switchyard.verbs import rollback as memory

            options = module.Options(
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
            )
            if dry_run:
                from switchyard.verbs.plan import plan

                return plan(checkout, host, options)
            code = module.deploy(checkout, host, options)
            memory.remember_host(checkout, host)
            return code

        _run(go, as_json=json)

    @verb(
        help={
            "host": "the host; default: that of the only deploy",
            "to": "a kept release or commit to go back to",
            "env": "current: with today's env instead of the release's own",
            "json": "print one JSON object",
        }
    )
    def rollback(c: Context, host: str = "", to: str = "", env: str = "", json: bool = False) -> None:
        """Go back to the release before, whole: files, images, env and documents."""

        def go() -> int:
            from switchyard.core.errors import BadInput
            from switchyard.verbs import rollback as module

            if env not in ("", "current"):
                raise BadInput(f"--env {env}: the only choice is current; without it the release keeps its own env")
            back = module.with_current_env if env else module.rollback
            return back(checkout, host or None, to=to or None, as_json=json)

        _run(go, as_json=json)

    @verb(
        help={
            "host": "with this host's env, database and live release; default: the files alone",
            "app": "the application's folder; default: app.path of the settings",
            "only": "these checks or groups, separated by commas",
            "skip": "without these; needs --reason",
            "allow-unknown": "these may be unknown; needs --reason",
            "reason": "why; reports keep it",
            "fix": "let ruff mend what it can in the work tree",
            "fresh": "run also what passed before and has not changed",
            "list": "each check, with what it proves and needs",
            "json": "a file for the results as JSON",
            "junit": "a file for the results as JUnit XML",
        }
    )
    def predeploy(
        c: Context,
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
    ) -> None:
        """The whole validation before a deployment: code, tests, database, configuration."""

        def go() -> int:
            from switchyard.predeploy.engine.options import CheckOptions
            from switchyard.verbs import predeploy as module

            if list:
                return module.list_checks()
            options = CheckOptions(
                names(only), names(skip), names(allow_unknown), reason, fix, fresh, json=json, junit=junit
            )
            return module.predeploy(checkout, host, app, options)

        _run(go)

    @verb(help={"host": "the host", "rev": "the commit; default HEAD", "json": "print one JSON object"})
    def plan(c: Context, host: str = "", rev: str = "", json: bool = False) -> None:
        """What a deploy would do now; writes nothing on the host but the program."""

        def go() -> int:
            from switchyard.verbs import plan as module
            from switchyard.verbs.deploy import Options

            return module.plan(checkout, host, Options(rev or None, json=json))

        _run(go, as_json=json)

    @verb(help={"host": "the host", "json": "print one JSON object"})
    def status(c: Context, host: str = "", json: bool = False) -> None:
        """What runs on a host now: colours, releases, health, lease, drift."""

        def go() -> int:
            from switchyard.verbs import status as module

            return module.status(checkout, host, as_json=json)

        _run(go, as_json=json)

    @verb(help={"host": "the host", "count": "how many attempts", "json": "print one JSON object"})
    def history(c: Context, host: str = "", count: str = "20", json: bool = False) -> None:
        """The attempts on a host, and how each ended."""

        def go() -> int:
            from switchyard.verbs import status as module

            return module.history(checkout, host, count=_number("--count", count), as_json=json)

        _run(go, as_json=json)

    @verb(help={"host": "the host", "service": "only this service", "tail": "lines of each container"})
    def logs(c: Context, host: str = "", service: str = "", tail: str = "50") -> None:
        """The last lines of the live colour's containers."""

        def go() -> int:
            from switchyard.verbs import status as module

            return module.logs(checkout, host, service=service or None, tail=_number("--tail", tail))

        _run(go)

    @verb(help={"host": "the host", "service": "only this service of the live colour; default: all of them"})
    def restart(c: Context, host: str = "", service: str = "") -> None:
        """Restart the live colour's containers one after the other, each healthy before the next."""

        def go() -> int:
            from switchyard.verbs import small as module

            return module.act(checkout, host, "restart", service=service or None)

        _run(go)

    @verb(help={"host": "the host", "service": "a routed or plain service", "count": "how many containers of it"})
    def scale(c: Context, host: str = "", service: str = "", count: str = "") -> None:
        """Run so many containers of a service, now and in every release to come."""

        def go() -> int:
            from switchyard.verbs import small as module

            return module.scale(checkout, host, service=service, count=_number("--count", count))

        _run(go)

    applying = {
        "host": "the host",
        "rev": "the commit that says how it should be; default HEAD",
        "yes": "agree to the interruption that is stated, without a question",
    }

    @verb(name="apply", help=applying)
    def shared_apply(c: Context, host: str = "", rev: str = "", yes: bool = False) -> None:
        """Carry changed shared services out, after stating what is interrupted."""

        def go() -> int:
            from switchyard.verbs import apply as module

            return module.apply(checkout, host, "shared.apply", rev=rev or None, yes=yes)

        _run(go)

    @verb(name="apply", help=applying)
    def edge_apply(c: Context, host: str = "", rev: str = "", yes: bool = False) -> None:
        """Give the edge the addresses of a commit, after stating what is interrupted."""

        def go() -> int:
            from switchyard.verbs import apply as module

            return module.apply(checkout, host, "edge.apply", rev=rev or None, yes=yes)

        _run(go)

    @verb(help={"host": "the host", "reason": "why; the journal keeps it", "force": "even from a living owner"})
    def unlock(c: Context, host: str = "", reason: str = "", force: bool = False) -> None:
        """Take the lease over from whoever holds it."""

        def go() -> int:
            from switchyard.verbs import small as module

            return module.unlock(checkout, host, reason=reason, force=force)

        _run(go)

    @verb(name="exec", help={"host": "the host", "service": "the service", "command": "the command, without a shell"})
    def execute(c: Context, host: str = "", service: str = "", command: str = "") -> None:
        """Run a command in a container of the live colour or of a shared service."""

        def go() -> int:
            from switchyard.verbs import small as module

            return module.execute(checkout, host, service=service, command=command)

        _run(go)

    @verb(help={"host": "the host", "explain": "print the generated documents, values of variables left out"})
    def services(c: Context, host: str = "", explain: bool = False) -> None:
        """Each service's kind, and why."""

        def go() -> int:
            from switchyard.verbs import services as module

            return module.services(checkout, host, explain=explain)

        _run(go)

    @verb(help={"host": "the host"})
    def doctor(c: Context, host: str = "") -> None:
        """Look at this machine and the host for what would stop a deploy."""

        def go() -> int:
            from switchyard.verbs import doctor as module

            return module.doctor(checkout, host)

        _run(go)

    @verb(name="up", help={"count": "how many sandbox hosts"})
    def sandbox_up(c: Context, count: str = "1") -> None:
        """Start sandbox hosts: each a whole machine with its own sshd and Docker engine."""

        def go() -> int:
            from switchyard.verbs import sandbox as module

            module.up(_number("--count", count), state=checkout / ".switchyard")
            return 0

        _run(go)

    @verb(name="down")
    def sandbox_down(c: Context) -> None:
        """Remove this checkout's sandbox hosts, and all that belongs to them."""

        def go() -> int:
            from switchyard.verbs import sandbox as module

            module.down(state=checkout / ".switchyard")
            return 0

        _run(go)

    tasks: tuple[Any, ...] = (
        predeploy,
        deploy,
        plan,
        rollback,
        status,
        history,
        logs,
        restart,
        scale,
        unlock,
        execute,
        services,
        doctor,
    )
    return Collection(
        *tasks,
        sandbox=Collection(sandbox_up, sandbox_down),
        shared=Collection(shared_apply),
        edge=Collection(edge_apply),
    )


def here(tasks_file: str) -> Collection:
    """All of Switchyard's tasks for an application's own ``tasks.py``: ``ns = here(__file__)``."""
    return collection(Path(tasks_file).resolve().parent)
