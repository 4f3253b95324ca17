"""How an attempt ends: no exit code and no text claims that nothing live changed once an act has touched it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchyard.core.errors import FAILED, OK, TAKEN_BACK, UNVERIFIED, NotChecked, Refused, SwitchyardError
from switchyard.core.journal import VERBS, EndEntry
from switchyard.core.steps import SWITCHING
from switchyard.core.wire.request import Request
from switchyard.host import program
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.inbox import Cancelled
from switchyard.host.verbs import table

ERRORS = {
    "an error": SwitchyardError("web: exited"),
    "a refusal": Refused("not now"),
    "the engine": NotChecked("the engine is away"),
    "a cancel": Cancelled("no word"),
    "a bug": RuntimeError("never thought of"),
    "an exit": SystemExit(1),
    "a takeover": Superseded("superseded"),
    "a way back": SwitchyardError("it went back", exit=TAKEN_BACK),
}
"""Every way in which a verb ends on the host other than well."""


def run(store: Store, monkeypatch: pytest.MonkeyPatch, verb: str, error: BaseException, *, touched: bool) -> Any:
    """Run a verb that fails. Return the last event."""

    def fails(attempt: Attempt) -> Any:
        attempt.lease.has_switched = touched
        raise error

    folder = store.attempts / "one"
    folder.mkdir()
    request = Request(verb, "web", str(store.root), who="ann@laptop", force=True)
    (folder / "request.json").write_text(json.dumps(request.encode()))
    monkeypatch.setitem(table.VERBS, verb, fails)
    if verb == "unlock":
        store.lease.take("old", "deploy", "bob@desk")
        monkeypatch.setattr(store.lease.__class__, "is_over", lambda self, lease: True)
    program.run(store.root, folder)
    return json.loads((folder / "events.jsonl").read_text().splitlines()[-1])


@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("verb", VERBS)
def test_no_end_after_an_act_touched_what_is_live_has_the_code_of_one_that_changed_nothing(
    new_store, monkeypatch, verb, error, touched
):
    end = run(new_store, monkeypatch, verb, ERRORS[error], touched=touched)
    assert touched is False or end["exit"] != FAILED, end
    if touched and verb in SWITCHING:
        assert end["exit"] == UNVERIFIED
    if not touched and error in ("an error", "a bug", "an exit", "a takeover"):
        assert end["exit"] == FAILED
    entries = [entry for entry in new_store.journal.read()[0] if isinstance(entry, EndEntry)]
    assert [(entry.what, entry.exit) for entry in entries] == [(end["outcome"], end["exit"])]


def test_an_unlock_with_nobody_to_take_the_lease_from_is_written_down_as_nothing_to_do(new_store):
    folder = new_store.attempts / "one"
    folder.mkdir()
    request = Request("unlock", "web", str(new_store.root), who="ann@laptop", reason="why")
    (folder / "request.json").write_text(json.dumps(request.encode()))
    program.run(new_store.root, folder)
    end = json.loads((folder / "events.jsonl").read_text().splitlines()[-1])
    assert (end["outcome"], end["exit"]) == ("unchanged", OK) and "nobody holds the lease" in end["reason"]
    (entry,) = new_store.journal.read()[0]
    assert isinstance(entry, EndEntry) and (entry.what, entry.exit) == ("unchanged", OK)
