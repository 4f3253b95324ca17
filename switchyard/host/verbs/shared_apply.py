"""``shared.apply``: recreate the shared services that a commit changes."""

from __future__ import annotations

from switchyard.core.steps import Step
from switchyard.host import backup
from switchyard.host.agreement import ask, receive_commit
from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending, unchanged
from switchyard.host.shared_changes import changes_to_apply
from switchyard.host.steps.table import act


def shared_apply(attempt: Attempt) -> Ending:
    """Recreate changed shared services once the operator agrees to the outage."""
    store = attempt.store
    receive_commit(attempt, store.shared / "wanted.json")
    changes = changes_to_apply(store, attempt.wanted.record)
    if not changes and not backup.is_unfinished(store.shared):
        return unchanged("the shared services run as this commit wants them: nothing to do")
    act(attempt, Step("build"))
    lines = [f"{service}: {', '.join(reasons)}" for service, reasons in changes.items()]
    ask(attempt, [*lines, f"{', '.join(changes)} will be stopped and started again; volumes stay"])
    act(attempt, Step("apply_shared"))
    store.releases.update(attempt.wanted.id, state="applied")
    return Ending("applied")
