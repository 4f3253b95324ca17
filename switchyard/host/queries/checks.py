"""``checks``: what stands before a deploy, and what predeploy needs of a machine."""

from __future__ import annotations

import platform
import shutil
from concurrent.futures import ThreadPoolExecutor

from switchyard.core import names
from switchyard.core.wire.answers import ChecksAnswer, ContainerAddress, HeldLease
from switchyard.core.wire.checks import ChecksRecord
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.container import SERVICE, Container
from switchyard.host.adapters.files import read_message
from switchyard.host.adapters.lease import LeaseHeld
from switchyard.host.adapters.store import Store
from switchyard.host.facts import facts_for_a_release


def checks(store: Store, request: Request) -> ChecksAnswer:
    """Return the facts, who holds the lease, the live release's results, the tools and the containers."""
    with ThreadPoolExecutor(1) as pool:
        tools = pool.submit(_tools)  # Compose alone takes as long as everything else here
        facts = facts_for_a_release(store, request.app)
    lease, ended = store.lease.holder()
    refusal = LeaseHeld(lease) if lease is not None and ended is None else None
    live = facts.live
    return ChecksAnswer(
        allowed=store.allowance(),
        facts=facts,
        held=HeldLease(str(refusal), refusal.holder) if refusal else None,
        live=live,
        baseline=read_message(store.release(live.id) / "checks.json", ChecksRecord) if live else None,
        tools=tools.result(),
        shared=tuple(_address(container) for container in engine.containers(f"{names.APP}={request.app}")),
    )


def _address(container: Container) -> ContainerAddress:
    return ContainerAddress(
        service=container.labels.get(SERVICE),
        kind=container.kind,
        image=container.image,
        running=container.is_running,
        addresses=container.addresses,
    )


def _tools() -> dict[str, str | None]:
    """Return the version of each tool that predeploy judges."""
    version = engine.version()
    return {
        "docker": version if shutil.which("docker") else None,
        "python": platform.python_version(),
        "compose": process.printed(["docker", "compose", "version", "--short"]),
        "git": process.printed(["git", "--version"]),
    }
