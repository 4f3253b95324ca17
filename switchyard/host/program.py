"""The host program: one attempt from its lease to its end, on its own, whoever is still listening."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from switchyard.core import edge, names
from switchyard.core.errors import FAILED, REFUSED, TAKEN_BACK, UNVERIFIED, Refused, SwitchyardError
from switchyard.core.lease import Lease
from switchyard.core.machine import Done, Step, Want, next_step
from switchyard.host import acts, apply, engine, observe, simple
from switchyard.host.attempt import Attempt, Cancelled
from switchyard.host.receive import Unchanged, receive
from switchyard.host.store import Store, Superseded, full, is_full, now, process_start

KEPT = 5
"""Good or unverified releases that stay on the host, the live one among them."""
CACHE_MOST = 10 << 30
"""Bytes of build cache that stay, those used last. An engine has one cache for all; no part of it is state."""
PRUNE_WITHIN = 120.0
ORPHAN_WITHIN = 300.0
"""Seconds for which an attempt without an operator is waited for."""
STEPS = 60
"""More steps than any site needs: a guard against a machine that never settles."""
TRIES = 3
"""Failures of one step after the switch, where going on is the only way."""


def run(root: Path, folder: Path) -> None:
    """The whole attempt whose request stands in ``folder``; its end is the last line of its events."""
    request = json.loads((folder / "request.json").read_text())
    store = Store(root)
    attempt = Attempt(store, folder, request)
    outcome, code, held = "failed", FAILED, None
    try:
        if attempt.verb == "unlock":
            simple.require_dead_or_forced(attempt)
        _take(attempt)
        outcome, code = VERBS[attempt.verb](attempt)
    except Unchanged as error:
        outcome, code, attempt.reason = "unchanged", error.exit, str(error)
    except Superseded as error:
        outcome, code, attempt.reason = "superseded", error.exit, str(error)
    except SwitchyardError as error:
        code, attempt.reason, held = error.exit, str(error), getattr(error, "holder", None)
        outcome = (
            "cancelled" if isinstance(error, Cancelled) else ("refused" if isinstance(error, Refused) else "failed")
        )
        _clean_up(attempt, outcome)
    except OSError as error:
        if not is_full(error):
            _own_error(attempt, error)
        else:
            store.spend_reserve()
            attempt.reason = full(store.root)
        _clean_up(attempt, outcome)
    except BaseException as error:
        _own_error(attempt, error)
        _clean_up(attempt, outcome)
    finally:
        _end(attempt, outcome, code, held)


def _own_error(attempt: Attempt, error: BaseException) -> None:
    attempt.reason = f"the host program met an error of its own: {error!r}"
    with contextlib.suppress(OSError):
        (attempt.folder / "traceback").write_text(traceback.format_exc())


def _take(attempt: Attempt) -> None:
    """The lease, also from an attempt whose operator's process is known to be gone.

    Before its switch it is taken over at once, and what it has running is waited for; after it, its end is.
    """
    store, request = attempt.store, attempt.request
    lease, dead = store.holder()
    orphan = lease if lease and dead is None and request.get("gone") == lease.attempt else None
    if orphan and orphan.switched:
        attempt.emit(
            "progress", text=f"waiting for {orphan.who}'s {orphan.doing}, which has switched, to end by itself"
        )
        with open(store.attempts / orphan.attempt / "said.jsonl", "ab") as said:  # nobody will look for it any more
            said.write(b'\n{"say": "seen", "verdict": "unverified", "why": "the process of its operator is gone"}\n')
        _wait(attempt, lambda: _is_over(store, orphan))
    force = attempt.verb == "unlock" or (orphan is not None and not orphan.switched)
    attempt.number, taken = store.take(
        attempt.name, attempt.verb, request["who"], force=force, operator=request.get("operator")
    )
    if taken:
        store.append({"attempt": attempt.name, "step": "takeover", "what": taken})
        attempt.emit("progress", text=taken)
    if lease and dead is None:
        _wait(attempt, lambda: process_start(lease.pid) != lease.started)


def _is_over(store: Store, orphan: Lease) -> bool:
    lease, dead = store.holder()
    return lease is None or lease.attempt != orphan.attempt or dead is not None


def _wait(attempt: Attempt, over: Callable[[], bool]) -> None:
    deadline = now() + ORPHAN_WITHIN
    while not over() and now() < deadline:
        attempt.tick()
        time.sleep(0.1)


def _clean_up(attempt: Attempt, outcome: str) -> None:
    """Before the switch: the idle colour is taken down and the release marked; what is live was not touched."""
    if attempt.switched or not attempt.release or outcome == "refused":
        return
    with contextlib.suppress(SwitchyardError):
        site = observe.site(attempt)
        home = site.holder(attempt.release)
        if home is not None and home != site.live and attempt.verb == "deploy":
            acts.act(attempt, Step("cancel", home))
        if home != site.live and attempt.verb == "deploy":
            attempt.store.update(attempt.release, state="failed", reason=attempt.redact(attempt.reason))


def _end(attempt: Attempt, outcome: str, code: int, held: Mapping[str, Any] | None) -> None:
    with contextlib.suppress(Exception):
        attempt.store.append(
            {
                "attempt": attempt.name,
                "release": attempt.release,
                "step": attempt.verb,
                "what": outcome,
                "exit": code,
                "who": attempt.request["who"],
                "was": attempt.before,
                "why": request_reason(attempt),
            }
        )
    with contextlib.suppress(Exception):
        attempt.store.free(attempt.number)
    live: dict[str, Any] | None = None
    with contextlib.suppress(Exception):
        live = observe.facts(attempt.store, attempt.request["app"])["live"]
    attempt.emit(
        "end",
        outcome=outcome,
        exit=code,
        reason=attempt.reason,
        release=attempt.release,
        live=live,
        before=attempt.before,
        weak=sorted(attempt.weak),
        holder=held,
        warm_until=_warm_until(attempt, live) if outcome == "live" else None,
    )


def _warm_until(attempt: Attempt, live: dict[str, Any] | None) -> float | None:
    """Until when the release before stays up, in seconds of wall time; None where there is none."""
    if attempt.before is None or live is None or attempt.before == live["id"]:
        return None
    return float(live["since"] or time.time()) + attempt.app.standby


def request_reason(attempt: Attempt) -> str:
    """The reason that was given, or what ended the attempt; without any value of the env."""
    return attempt.redact(attempt.request.get("reason") or attempt.reason)


def drive(attempt: Attempt, want: Want) -> str:
    """Observe, decide, act, and observe again, until nothing is left to do."""
    tries: dict[Step, int] = {}
    for _ in range(STEPS):
        attempt.tick()
        step = next_step(want, observe.site(attempt))
        if isinstance(step, Done):
            return step.outcome
        try:
            _act(attempt, step)
        except (Superseded, Cancelled):
            raise
        except SwitchyardError as error:
            tries[step] = tries.get(step, 0) + 1
            if not attempt.switched or (tries[step] >= TRIES and attempt.verdict == "wrong"):
                raise
            attempt.reason = str(error)
            if tries[step] >= TRIES:  # what does not work after the switch speaks against the release
                attempt.verdict, tries[step] = "wrong", 0
    raise SwitchyardError(f"{attempt.verb} did not settle within {STEPS} steps; see inv status")


def _act(attempt: Attempt, step: Step) -> None:
    """One step; a full disk is an error of the step, after which the reserve lets the next one write."""
    try:
        acts.act(attempt, step)
    except OSError as error:
        if not is_full(error):
            raise
        attempt.store.spend_reserve()
        raise SwitchyardError(full(attempt.store.root)) from None


def deploy(attempt: Attempt) -> tuple[str, int]:
    """hello, receive, prepare, switch: each but the first when the operator's side says so."""
    facts = observe.facts(attempt.store, attempt.request["app"])
    attempt.before = facts["live"]["id"] if facts["live"] else None
    attempt.emit("hello", facts=facts, usual=observe.usual(attempt.store))
    attempt.await_said("receive")
    receive(attempt, attempt.folder / "pack")
    attempt.emit("received", release=attempt.release)
    attempt.await_said("prepare")
    outcome = drive(attempt, Want("deploy", attempt.release, "prepare"))
    if outcome == "failed":
        raise SwitchyardError(attempt.reason)
    target = _rollback_target(attempt)
    attempt.emit("prepared", rollback=target, weak=sorted(attempt.weak))
    attempt.await_said("switch")
    return _settle(attempt, drive(attempt, Want("deploy", attempt.release, "switch")))


def rollback(attempt: Attempt) -> tuple[str, int]:
    """Chooses what to go back to and goes there; needs nothing from the operator's side."""
    facts = observe.facts(attempt.store, attempt.request["app"])
    live = facts["live"]
    attempt.before = live["id"] if live else None
    target = choose(attempt.store.records(), live, attempt.request.get("to"))
    attempt.release = target["id"]
    attempt.emit("hello", facts=facts, release=target["id"], usual=observe.usual(attempt.store))
    if live and live["id"] == target["id"]:
        raise Unchanged(f"{target['id']} is live already: nothing to do")
    missing = [service for service, image in (target.get("images") or {}).items() if engine.image_id(image) is None]
    if missing or not target.get("images"):
        raise Refused(
            f"{target['id']} cannot come back: the images of {', '.join(missing) or 'all services'} are gone "
            "from this host. Choose another with --to, or deploy its commit again"
        )
    ahead = schema_ahead(attempt.before and store_record(attempt, attempt.before), target)
    if ahead:
        attempt.emit("progress", text=ahead)
    outcome = drive(attempt, Want("rollback", attempt.release))
    if outcome == "failed":
        raise SwitchyardError(attempt.reason)
    if outcome == "live" and attempt.before:
        attempt.store.update(attempt.before, state="bad", reason="rolled back from")
    return _settle(attempt, outcome)


def store_record(attempt: Attempt, release: str) -> dict[str, Any]:
    """A release's release.json; an empty one where it is gone."""
    return attempt.store.record(release) or {}


def schema_ahead(left: Mapping[str, Any] | None, target: Mapping[str, Any]) -> str:
    """How far the schema is ahead of a release that is gone back to, as a sentence; nothing where it is not."""
    had, has = ((record or {}).get("head") or {} for record in (left, target))
    if not had or had.get("after") == has.get("after"):
        return ""
    extra = sorted(set(had.get("files") or ()) - set(has.get("files") or ()))
    steps = f" by {len(extra)}: {', '.join(extra)}" if extra else ""
    return (
        f"the schema stays at {had.get('after') or 'an unknown head'}, ahead of {target['id']}'s "
        f"{has.get('after') or 'unknown head'}{steps}; a rollback runs no migration"
    )


def choose(records: list[dict[str, Any]], live: dict[str, Any] | None, to: str | None) -> dict[str, Any]:
    """The newest release before the live one that was good or unverified, or the one that ``to`` names."""
    if to is not None:
        found = [record for record in records if record["id"] == to] or [
            record for record in records if to and (record["commit"].startswith(to) or record["id"].startswith(to))
        ]
        if not found:
            kept = ", ".join(record["id"] for record in records) or "none"
            raise Refused(f"no kept release is called {to!r}; kept are: {kept}")
        if len(found) > 1:
            words = ", ".join(f"{record['id']} ({record['state']})" for record in found)
            raise Refused(f"{to} names several releases: {words}. Give the whole id of one")
        return found[0]
    for record in records:
        older = live is None or record["number"] < live["number"]
        if older and record["state"] in ("good", "unverified"):
            return record
    raise Refused(
        "nothing to go back to: no kept release before the live one was good or unverified"
        + (f" (live is {live['id']})" if live else "")
    )


def _rollback_target(attempt: Attempt) -> dict[str, Any] | None:
    if attempt.before is None:
        return None
    site = observe.site(attempt)
    return {"release": attempt.before, "front": site.slot(site.live).front if site.live != "none" else "none"}


def _settle(attempt: Attempt, outcome: str) -> tuple[str, int]:
    """Marks the release by what was seen, and lets go of what is kept no longer."""
    store = attempt.store
    if outcome == "live":
        good = attempt.verdict == "ok"
        store.update(attempt.release, state="good" if good else "unverified")
        if attempt.request.get("back") and attempt.before:
            store.update(attempt.before, state="bad", reason="rolled back from")
        with contextlib.suppress(SwitchyardError):
            prune(attempt)
        return ("live", 0) if good else ("unverified", UNVERIFIED)
    if outcome == "taken back":
        store.update(attempt.release, state="bad", reason=attempt.redact(attempt.reason))
        return "taken back", TAKEN_BACK
    return (outcome, UNVERIFIED) if outcome == "held" else (outcome, REFUSED)


def prune(attempt: Attempt) -> None:
    """Keeps the newest good or unverified releases and what a colour holds; images only by this app's own label."""
    store, app = attempt.store, attempt.request["app"]
    site = observe.site(attempt)
    held = {site.blue.release, site.green.release}
    records = store.records()
    sound = [r["id"] for r in records if r["state"] in ("good", "unverified", "live")][:KEPT]
    failed = [r["id"] for r in records if r["state"] not in ("good", "unverified", "live")][:KEPT]
    for record in records:
        if record["id"] in held or record["id"] in sound or record["id"] in failed:
            continue
        for service in record.get("images") or {}:
            engine.run(["docker", "rmi", names.tag(app, service, record["id"])], check=False)
        engine.run(
            ["git", "--git-dir", str(store.repo), "update-ref", "-d", f"refs/switchyard/{record['id']}"], check=False
        )
        _remove(store.release(record["id"]))
    engine.run(["docker", "image", "prune", "-f", "--filter", f"label={names.APP}={app}"], check=False)
    engine.ask("POST", "/build/prune", **{"keep-storage": CACHE_MOST}, within=PRUNE_WITHIN)


def _remove(folder: Path) -> None:
    """A release's folder, also where a container wrote into it as root, which only the engine may undo."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        removal = ["--entrypoint", "rm", edge.IMAGE, "-rf", f"/releases/{folder.name}"]
        mount = f"{folder.parent}:/releases"
        engine.run(["docker", "run", "--rm", "--network", "none", "--user", "0", "-v", mount, *removal], check=False)


VERBS: dict[str, Callable[[Attempt], tuple[str, int]]] = {
    "deploy": deploy,
    "rollback": rollback,
    "restart": simple.restart,
    "scale": simple.scale,
    "shared.apply": apply.shared,
    "edge.apply": apply.edge,
    "unlock": simple.unlock,
}
