"""``shared.apply``: carry changed shared services out."""

from __future__ import annotations

from switchyard.core.steps import Step
from switchyard.host import backup as aside
from switchyard.host.apply import agree, take_in
from switchyard.host.attempt import Attempt
from switchyard.host.receive import Unchanged
from switchyard.host.steps.shared import changes
from switchyard.host.steps.table import act


def shared_apply(attempt: Attempt) -> tuple[str, int]:
    """Carries changed shared services out once the operator's side has agreed to the outage."""
    take_in(attempt, attempt.store.shared / "wanted.json")
    changed = changes(attempt)
    if not changed and not aside.is_unfinished(attempt.store.shared):
        raise Unchanged("the shared services run as this commit wants them: nothing to do")
    act(attempt, Step("build"))
    lines = [f"{name}: {', '.join(keys)}" for name, keys in changed.items()]
    agree(attempt, [*lines, f"{', '.join(changed)} will be stopped and started again; volumes stay"])
    act(attempt, Step("apply_shared"))
    attempt.store.releases.update(attempt.release, state="applied")
    return "applied", 0
