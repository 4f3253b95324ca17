"""``inv rollback``: the release before goes live again. Needs SSH and the host, nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from switchyard.control.channel import Channel
from switchyard.control.deployed_hosts import last_host
from switchyard.control.host_answers import ask_host
from switchyard.control.host_rollback import HostRollback
from switchyard.control.screen import Screen
from switchyard.core.errors import BadInput
from switchyard.core.wire.answers import RollbackTarget
from switchyard.settings import load


def rollback(checkout: Path, host_name: str | None, *, to: str | None, as_json: bool) -> int:
    """Take every machine of a host back, all at once. Return the exit code."""
    host = load.host(checkout, host_name or last_host(checkout))
    rollback = HostRollback(host, to, Screen(as_json=as_json))
    try:
        rollback.start()
        rollback.probe()
        rollback.follow()
    except KeyboardInterrupt:
        return rollback.interrupt()
    else:
        return rollback.report()
    finally:
        rollback.close()


def rollback_with_current_env(checkout: Path, host_name: str | None, *, to: str | None, as_json: bool) -> int:
    """Deploy the commit of the release before with today's env: a new release that runs no oneshot."""
    from switchyard.control.deploy_options import DeployOptions
    from switchyard.verbs.deploy import deploy  # loads slowly, and a plain rollback does without

    name = host_name or last_host(checkout)

    def target(channel: Channel) -> RollbackTarget:
        return channel.ask(replace(channel.request("target"), to=to), RollbackTarget)

    machines = ask_host(checkout, name, target)
    for error in machines.errors.values():
        raise error  # a deploy needs every machine
    commits = {answer.commit for answer in machines.answers.values()}
    if len(commits) != 1:
        raise BadInput(f"the machines of {name} would go back to different commits. Name one with --to")
    options = DeployOptions(rev=commits.pop(), allow_downgrade=True, force=True, json=as_json, yes=True, back=True)
    return deploy(checkout, name, options)
