"""Traffic and singletons moved from one colour to the other, and the looks at what came of it."""

from __future__ import annotations

import time

from switchyard.core import commands, edge, names
from switchyard.core.errors import SwitchyardError
from switchyard.host import observe
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Superseded
from switchyard.host.attempt import Attempt, Cancelled
from switchyard.host.steps import colours

SEEN_WITHIN = 20.0
"""Seconds in which the operator's side hands in what it saw."""
SINGLETONS_WITHIN = 60.0
LOOK_WITHIN = 10.0


def switch(attempt: Attempt, colour: str | None) -> None:
    """Traffic moves: the map file, the running map, read back. What began on the old colour may finish there."""
    assert colour is not None
    site = observe.site(attempt)
    store = attempt.store
    leaving = site.live
    to = site.slot(colour).release if colour != "none" else None
    forward = attempt.verb == "deploy" and to == attempt.release
    if forward and leaving in names.COLOURS and any(route.affinity for route in attempt.routes):
        until = {site.slot(leaving).release or "none": int(time.time()) + attempt.app.drain}
        attempt.proxy.fill("drain", edge.drain_map(until))
    else:
        attempt.proxy.fill("drain", "")
    attempt.switched = True
    attempt.renew()
    attempt.carried.append(commands.shown(commands.live(colour), attempt.release))
    attempt.proxy.switch(colour)
    if to is not None:
        stamp = round(time.time(), 3)
        store.update(
            to,
            state="live" if to == attempt.release else (store.record(to) or {}).get("state", "live"),
            since=stamp,
            colour=colour,
        )
        colours.link(store.root, "current", colour)
    left = 0 if forward or leaving not in names.COLOURS else attempt.proxy.connections(leaving)
    attempt.emit("switched", colour=colour, release=to, was=leaving, left=left)


def stop_singletons(attempt: Attempt, colour: str | None) -> None:
    """Asks the singletons of a colour to stop, and waits for as long as their grace period."""
    assert colour is not None
    colours.stop(attempt, colour, [c for c in colours.containers_in(attempt, colour) if c.is_singleton])
    attempt.started.discard(f"single {colour}")
    attempt.proven.pop(f"single {colour}", None)
    attempt.failed.pop(f"single {colour}", None)


def start_singletons(attempt: Attempt, colour: str | None) -> bool:
    """The singletons of a colour, of the release that it holds; whether they could be started."""
    assert colour is not None
    release = observe.site(attempt).slot(colour).release or attempt.release
    record = attempt.store.record(release) or {}
    if not record.get("handover"):
        return True
    for again in (True, False):
        try:
            attempt.run(commands.up(attempt.target(release), colour, record["handover"]))
            attempt.started.add(f"single {colour}")
            return True
        except (Superseded, Cancelled):
            raise
        except SwitchyardError as error:
            engine.ping()
            if not again:  # once may have been the engine, which is back already: no word on the release
                attempt.failed[f"single {colour}"] = attempt.reason = str(error)
                _judge_handover(attempt, colour)
    return False


def prove_singletons(attempt: Attempt, colour: str | None) -> bool:
    """Whether the singletons of a colour are healthy."""
    assert colour is not None
    singles = [c for c in colours.containers_in(attempt, colour) if c.is_singleton]
    colours.keep(attempt, colour, singles)
    healthy = colours.prove_all(attempt, f"single {colour}", singles, SINGLETONS_WITHIN)
    _judge_handover(attempt, colour)
    return healthy


def _judge_handover(attempt: Attempt, colour: str) -> None:
    """A handover that failed is a wrong verdict on the wanted release, which outlives the stopped containers."""
    if f"single {colour}" in attempt.failed and observe.site(attempt).slot(colour).release == attempt.release:
        attempt.verdict = "wrong"


def look(attempt: Attempt, colour: str | None) -> bool:
    """From this host through the edge: whether every route is answered, by the release that is meant to be live."""
    began = time.monotonic()
    deadline = began + LOOK_WITHIN
    wanted = {route.name for route in attempt.routes}
    for route in (route for route in observe.edge_routes(attempt) if route.name in wanted):
        host = "127.0.0.1" if route.address in ("0.0.0.0", "") else route.address
        while True:
            answer = colours.ask_route(attempt, route, host, route.listen, attempt.release)
            if answer.passed:
                break
            if time.monotonic() < began + engine.BACK_WITHIN and engine.is_away():  # its containers come back with it
                deadline = time.monotonic() + LOOK_WITHIN
            if time.monotonic() > deadline or "answered by release" in answer.seen:
                attempt.verdict, attempt.reason = (
                    "wrong",
                    f"the look through the edge at {route.service}: {answer.seen}",
                )
                return False
            attempt.tick()
            time.sleep(0.2)
    attempt.verdict = "looked"
    return True


def seen(attempt: Attempt, colour: str | None) -> bool:
    """What the operator's side saw at the users' address; nothing within 20 s: live, unverified."""
    if attempt.verb != "deploy":
        attempt.verdict = "ok"
        return True
    attempt.emit("look", release=attempt.release)
    said = attempt.await_said("seen", within=SEEN_WITHIN)
    verdict = (said or {}).get("verdict", "unverified")
    attempt.verdict = verdict if verdict in ("ok", "wrong") else "unverified"
    if attempt.verdict != "ok":
        attempt.reason = (said or {}).get("why") or "the operator's side handed nothing in within 20 s"
    return attempt.verdict != "wrong"
