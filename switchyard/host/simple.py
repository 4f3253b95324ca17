"""The small verbs that act under the lease on what is live: restart a service, take the lease over."""

from __future__ import annotations

from switchyard.core import names
from switchyard.core.errors import BadInput, Refused, SwitchyardError
from switchyard.host import engine, observe, probe
from switchyard.host.attempt import Attempt


def restart(attempt: Attempt) -> tuple[str, int]:
    """Restarts the live colour's containers one after the other, each healthy before the next."""
    live = observe.site(attempt).live
    if live == "none":
        raise Refused("nothing is live here")
    containers = engine.containers(f"{names.APP}={attempt.request['app']}", f"{names.COLOUR}={live}")
    service = attempt.request.get("service")
    chosen = [
        c for c in observe.of_colour(containers, live) if service in (None, c["Labels"]["com.docker.compose.service"])
    ]
    if not chosen:
        known = sorted({c["Labels"]["com.docker.compose.service"] for c in observe.of_colour(containers, live)})
        raise BadInput(f"no service of the live colour is called {service}; known: {', '.join(known)}")
    attempt.release = chosen[0]["Labels"][names.RELEASE]
    for container in chosen:
        name = container["Labels"]["com.docker.compose.service"]
        attempt.store.guard(attempt.number)
        attempt.emit("progress", text=f"restarting {name}")
        engine.run(["docker", "restart", container["Id"]])
        count = (engine.inspect(container["Id"]) or {}).get("RestartCount", 0)
        probe.prove(
            name,
            container["Id"],
            attempt.app.checks.get(name),
            None,
            within=attempt.app.healthy_within,
            tick=attempt.tick,
            base_restarts=count,
        )
    return "restarted", 0


def unlock(attempt: Attempt) -> tuple[str, int]:
    """Nothing more: taking the lease was the act, and its end frees it."""
    return "unlocked", 0


def require_dead_or_forced(attempt: Attempt) -> None:
    """A living owner keeps its lease unless ``--force`` is given."""
    lease, dead = attempt.store.holder()
    if lease is None:
        raise SwitchyardError("nobody holds the lease: nothing to do", exit=0)
    if dead is None and not attempt.request.get("force"):
        raise Refused(f"{lease.who} is alive and holds the lease: {lease.doing}. Take it over with --force")
