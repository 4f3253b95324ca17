"""The host program: one attempt from its lease to its end, on its own, whoever is still listening."""

from __future__ import annotations

import contextlib
import json
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from switchyard.core.errors import (
    FAILED,
    LEASE_HELD,
    REFUSED,
    TAKEN_BACK,
    UNVERIFIED,
    NotChecked,
    Refused,
    SwitchyardError,
)
from switchyard.core.lease import Lease
from switchyard.core.next_step import Done, Step, Want, next_step
from switchyard.core.site import Site
from switchyard.host import observe, prune
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store, Superseded, full, is_full, now, runs, write
from switchyard.host.attempt import Attempt, Cancelled
from switchyard.host.receive import Unchanged, receive
from switchyard.host.steps import table as acts
from switchyard.host.verbs import apply, simple

ORPHAN_WITHIN = 300.0
"""Seconds for which an attempt without an operator, or one that was taken over from, is waited for."""
STEPS = 60
"""More steps than any site needs: a guard against a machine that never settles."""
TRIES = 3
"""Failures of one step after the switch, where going on is the only way."""
SWITCHING = ("deploy", "rollback")
"""The verbs that move traffic."""


def run(root: Path, folder: Path) -> None:
    """The whole attempt whose request stands in ``folder``; its end is the last line of its events."""
    request = json.loads((folder / "request.json").read_text())
    store = Store(root)
    attempt = Attempt(store, folder, request)
    outcome, code, held = "failed", FAILED, None
    try:
        _take(attempt)
        outcome, code = VERBS[attempt.verb](attempt)
    except Unchanged as error:
        outcome, code, attempt.reason = "unchanged", error.exit, str(error)
    except Superseded as error:
        outcome, code, attempt.reason = "superseded", error.exit, str(error)
    except BaseException as error:
        told = _told(attempt, error)
        code, attempt.reason, held = told.exit, str(told), getattr(told, "holder", None)
        outcome = "cancelled" if isinstance(told, Cancelled) else ("refused" if isinstance(told, Refused) else "failed")
        if attempt.switched and attempt.verb in SWITCHING:  # whatever it met: that nothing live changed is not true
            outcome, code = "held", UNVERIFIED
        _clean_up(attempt, outcome)
    finally:
        _end(attempt, outcome, code, held)


def _told(attempt: Attempt, error: BaseException) -> SwitchyardError:
    """An error as it is told. After that of a full disk the reserve lets what follows write."""
    if isinstance(error, SwitchyardError):
        return error
    if isinstance(error, OSError) and is_full(error):
        told = full(attempt.store.root)
        attempt.store.spend_reserve()
        return SwitchyardError(told)
    with contextlib.suppress(OSError):
        write(attempt.folder / "traceback", attempt.redact("".join(traceback.format_exception(error))))
    return SwitchyardError(f"the host program met an error of its own: {error!r}")


def _take(attempt: Attempt) -> None:
    """The lease, also from an attempt whose operator's process is known to be gone.

    Before its switch it is taken over at once, and what it has running is waited for; after it, its end is.
    """
    store, request = attempt.store, attempt.request
    lease, dead = store.holder()
    if attempt.verb == "unlock":
        simple.require_dead_or_forced(attempt, lease, dead)
    orphan = lease if lease and dead is None and request.get("gone") == lease.attempt else None
    if orphan and orphan.switched:
        attempt.emit(
            "progress", text=f"waiting for {orphan.who}'s {orphan.doing}, which has switched, to end by itself"
        )
        with open(store.attempts / orphan.attempt / "said.jsonl", "ab") as said:  # nobody will look for it any more
            said.write(b'\n{"say": "seen", "verdict": "unverified", "why": "the process of its operator is gone"}\n')
        _wait(attempt, lambda: _is_over(store, orphan))
    over = lease if attempt.verb == "unlock" else (orphan if orphan and not orphan.switched else None)
    attempt.number, before, taken = store.take(
        attempt.name, attempt.verb, request["who"], over=over, operator=request.get("operator")
    )
    if taken:
        attempt.note(step="takeover", what=taken)
        attempt.emit("progress", text=taken)
    if before is not None:
        _outlive(attempt, before)
    _forget_packs(store)


def _outlive(attempt: Attempt, before: Lease) -> None:
    """Waits for what a takeover found running; whoever comes next waits for it, too, where this one does not."""
    try:
        if not _wait(attempt, lambda: not runs(before)):
            raise Refused(
                f"{before.who}'s {before.doing} has been superseded, but its program still runs (process {before.pid} "
                "of the host): look what it waits for, or kill it, and type it again",
                exit=LEASE_HELD,
            )
    except SwitchyardError:
        with contextlib.suppress(Superseded):
            attempt.store.give_back(attempt.number, before)
        attempt.number = 0
        raise


def _forget_packs(store: Store) -> None:
    """What other attempts were sent and did not come to unpack holds their env; nobody else is sent anything now."""
    for path in store.attempts.glob("*/pack*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size:  # an empty one may be that of an attempt that waits for the lease
                path.unlink()


def _is_over(store: Store, orphan: Lease) -> bool:
    lease, dead = store.holder()
    return lease is None or lease.attempt != orphan.attempt or dead is not None


def _wait(attempt: Attempt, over: Callable[[], bool]) -> bool:
    """Whether it was over in time."""
    deadline = now() + ORPHAN_WITHIN
    while not over():
        if now() > deadline:
            return False
        attempt.tick()
        time.sleep(0.1)
    return True


def _clean_up(attempt: Attempt, outcome: str) -> None:
    """Before the switch: the idle colour is taken down and the release marked; what is live was not touched."""
    if attempt.switched or not attempt.release or outcome == "refused":
        return
    attempt.ending = True
    with contextlib.suppress(SwitchyardError):
        site = observe.site(attempt)
        home = site.holder(attempt.release)
        if home is not None and home != site.live and attempt.verb == "deploy":
            acts.act(attempt, Step("cancel", home))
        if home != site.live and attempt.verb == "deploy":
            attempt.store.update(attempt.release, state="failed", reason=attempt.redact(attempt.reason))


def _end(attempt: Attempt, outcome: str, code: int, held: Mapping[str, Any] | None) -> None:
    told = {"step": attempt.verb, "what": outcome, "exit": code, "was": attempt.before}
    with contextlib.suppress(Exception):
        attempt.store.spending(
            lambda: attempt.note(**told, who=attempt.request["who"], why=request_reason(attempt)),
        )
    with contextlib.suppress(Exception):
        attempt.store.spending(lambda: attempt.store.free(attempt.number))
    live, looked = None, False
    with contextlib.suppress(Exception):
        live, looked = observe.live(attempt.store, attempt.request["app"]), True
    attempt.emit(
        "end",
        outcome=outcome,
        exit=code,
        number=attempt.number,
        reason=attempt.reason,
        release=attempt.release or None,
        live=live,
        looked=looked,
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
    """Observe, decide, act, and observe again, until nothing is left to do and that is recorded.

    Past the switch going on is the only way: whatever fails is tried again, and a step that keeps failing speaks
    against the release.
    """
    tries: Counter[Step | Done | None] = Counter()
    for _ in range(STEPS):
        step: Step | Done | None = None
        try:
            attempt.tick()
            step = next_step(want, _observed(attempt))
            if isinstance(step, Done):
                _record(attempt, step.outcome)
                return step.outcome
            acts.act(attempt, step)
        except (Superseded, Cancelled):
            raise
        except Exception as error:
            told = _told(attempt, error)
            if isinstance(error, NotChecked):
                _forget_singletons(attempt)
            tries[step] += 1
            often = step is not None and tries[step] >= TRIES
            if often and attempt.verdict == "unknown" and _has_not_moved(attempt, step):
                attempt.switched = False
            if not attempt.switched or (often and (attempt.verdict == "wrong" or isinstance(step, Done))):
                raise told from None
            with contextlib.suppress(OSError):
                attempt.emit("progress", text=f"{step or 'a look at this host'} is tried again: {told}")
            if often:
                attempt.verdict, attempt.reason, tries[step] = "wrong", str(told), 0
    raise SwitchyardError(f"{attempt.verb} did not settle within {STEPS} steps; see inv status")


def _forget_singletons(attempt: Attempt) -> None:
    """An engine that was away may have left singletons down: those are no crash, and are started once more."""
    attempt.started = {key for key in attempt.started if not key.startswith("single ")}


def _has_not_moved(attempt: Attempt, step: Step | Done | None) -> bool:
    """Whether a switch failed so that neither the proxy nor its map file knows of it."""
    return (
        isinstance(step, Step)
        and step.name == "switch"
        and step.colour not in (attempt.proxy.live(), attempt.proxy.file_live())
    )


def _observed(attempt: Attempt) -> Site:
    """This machine now. Past the switch an engine that is away is waited for: going on is the only way."""
    deadline = now() + engine.BACK_WITHIN
    while True:
        try:
            return observe.site(attempt)
        except NotChecked:
            if not attempt.switched or now() > deadline:
                raise
            _forget_singletons(attempt)
        attempt.tick()
        time.sleep(0.2)


def deploy(attempt: Attempt) -> tuple[str, int]:
    """hello, receive, prepare, switch: each but the first when the operator's side says so."""
    facts = observe.facts(attempt.store, attempt.request["app"])
    attempt.before = facts["live"]["id"] if facts["live"] else None
    attempt.emit("hello", facts=facts, usual=observe.usual(attempt.store))
    attempt.await_said("receive")
    receive(attempt, attempt.folder / "pack")
    attempt.emit("received", release=attempt.release)
    attempt.await_said("prepare")
    drive(attempt, Want("deploy", attempt.release, "prepare"))
    target = _rollback_target(attempt)
    attempt.emit("prepared", rollback=target, weak=sorted(attempt.weak))
    attempt.await_said("switch")
    return _settled(attempt, drive(attempt, Want("deploy", attempt.release, "switch")))


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
    lacking = observe.not_held(attempt)
    if lacking:
        raise Refused(
            f"{target['id']} cannot come back: the edge holds no address for {', '.join(lacking)}. Give it that "
            "release's first, which interrupts every route for a moment: "
            f"inv edge.apply --host {attempt.request.get('host', 'NAME')} --rev {target['commit'][:10]}"
        )
    ahead = schema_ahead(attempt.before and store_record(attempt, attempt.before), target)
    if ahead:
        attempt.emit("progress", text=ahead)
    return _settled(attempt, drive(attempt, Want("rollback", attempt.release)))


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


def _record(attempt: Attempt, outcome: str) -> None:
    """Marks the release by what was seen, and lets go of what is kept no longer."""
    store = attempt.store
    if outcome == "failed":
        raise SwitchyardError(attempt.reason)
    if outcome == "live":
        store.update(attempt.release, state="good" if attempt.verdict == "ok" else "unverified")
        if (attempt.verb == "rollback" or attempt.request.get("back")) and attempt.before:
            store.update(attempt.before, state="bad", reason="rolled back from")
        with contextlib.suppress(SwitchyardError, OSError):
            prune.prune(attempt)
    if outcome == "taken back":
        store.update(attempt.release, state="bad", reason=attempt.redact(attempt.reason))


def _settled(attempt: Attempt, outcome: str) -> tuple[str, int]:
    """How an attempt that ran to its end is told, and its exit code."""
    if outcome == "live":
        return ("live", 0) if attempt.verdict == "ok" else ("unverified", UNVERIFIED)
    if outcome == "taken back":
        return outcome, TAKEN_BACK
    return (outcome, UNVERIFIED) if outcome == "held" else (outcome, REFUSED)


VERBS: dict[str, Callable[[Attempt], tuple[str, int]]] = {
    "deploy": deploy,
    "rollback": rollback,
    "restart": simple.restart,
    "scale": simple.scale,
    "shared.apply": apply.shared,
    "edge.apply": apply.edge,
    "unlock": simple.unlock,
}
