"""Looks at the routes: through the preview ports before the switch, through the edge after it."""

from __future__ import annotations

import time
from typing import Any

from switchyard.core import edge
from switchyard.host.adapters import engine, probe
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import edge_routes

SEEN_WITHIN = 20.0
"""Seconds in which the operator's side hands in what it saw."""


LOOK_WITHIN = 10.0


def smoke(attempt: Attempt, colour: str | None) -> bool:
    """Whether every route answers well through its preview port, and the application's own smoke command passes."""
    assert colour is not None
    urls = {}
    for route in attempt.routes:
        port = attempt.store.preview_port(f"{route.name}_{colour}")
        urls[f"URL_{route.service}_{route.port}".upper().replace("-", "_")] = f"http://127.0.0.1:{port}"
        answer = ask_route(attempt, route, "127.0.0.1", port, attempt.release)
        if not answer.passed:
            attempt.memory.smoke, attempt.memory.reason = "failed", f"smoke of {route.service}: {answer.seen}"
            return False
    if attempt.app.smoke:
        folder = attempt.store.release(attempt.release) / "files" / attempt.app.path
        code, output = attempt.run(attempt.app.smoke, within=300, cwd=str(folder), check=False, extra=urls)
        if code != 0:
            attempt.memory.smoke, attempt.memory.reason = (
                "failed",
                f"the smoke command ended with {code}:\n{output.strip()[-2000:]}",
            )
            return False
    attempt.memory.smoke = "ok"
    return True


def look(attempt: Attempt, colour: str | None) -> bool:
    """From this host through the edge: whether every route is answered, by the release that is meant to be live."""
    began = time.monotonic()
    deadline = began + LOOK_WITHIN
    wanted = {route.name for route in attempt.routes}
    for route in (route for route in edge_routes(attempt.store, attempt.routes) if route.name in wanted):
        host = "127.0.0.1" if route.address in ("0.0.0.0", "") else route.address
        while True:
            answer = ask_route(attempt, route, host, route.listen, attempt.release)
            if answer.passed:
                break
            if time.monotonic() < began + engine.BACK_WITHIN and engine.is_away():  # its containers come back with it
                deadline = time.monotonic() + LOOK_WITHIN
            if time.monotonic() > deadline or "answered by release" in answer.seen:
                attempt.memory.verdict, attempt.memory.reason = (
                    "wrong",
                    f"the look through the edge at {route.service}: {answer.seen}",
                )
                return False
            attempt.tick()
            time.sleep(0.2)
    attempt.memory.verdict = "looked"
    return True


def seen(attempt: Attempt, colour: str | None) -> bool:
    """What the operator's side saw at the users' address; nothing within 20 s: live, unverified."""
    if attempt.verb != "deploy":
        attempt.memory.verdict = "ok"
        return True
    attempt.emit("look", release=attempt.release)
    said = attempt.await_said("seen", within=SEEN_WITHIN)
    verdict = (said or {}).get("verdict", "unverified")
    attempt.memory.verdict = verdict if verdict in ("ok", "wrong") else "unverified"
    if attempt.memory.verdict != "ok":
        attempt.memory.reason = (said or {}).get("why") or "the operator's side handed nothing in within 20 s"
    return attempt.memory.verdict != "wrong"


def ask_route(attempt: Attempt, route: Any, host: str, port: int, release: str) -> probe.Answer:
    """One route: the status that is asked of it, and the release that says it answered."""
    if route.mode == "tcp":
        return probe.held_check(host, port)
    check = attempt.app.page(route)
    path = check.path or "/"
    try:
        status, headers, body = probe.get(host, port, path)
    except Exception as error:
        return probe.Answer(False, f"GET {path}: {error}")
    answered = headers.get(edge.HEADER.lower())
    if attempt.app.release_header and answered is None:
        return probe.Answer(False, f"GET {path}: {status} {body[:200]}, and not by a service of ours")
    if attempt.app.release_header and answered != release:
        return probe.Answer(False, f"GET {path}: answered by release {answered}, not {release}")
    right = check.passes(status)
    return probe.Answer(right, f"GET {path}: {status} {'' if right else body[:200]}".strip())
