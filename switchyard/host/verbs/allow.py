"""``allow``: write down what the application's commits may use beyond the env of this host."""

from __future__ import annotations

from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending, unchanged


def allow(attempt: Attempt) -> Ending:
    """Allow what the request names, or take it back. The journal keeps its reason."""
    store, request = attempt.store, attempt.request
    before = store.allowance()
    after = before.without(request.allow) if request.take_back else before.joined(request.allow)
    attempt.tick()
    has_changed = store.ledger.accept(request) if request.adopt else False
    if after == before and not has_changed:
        return unchanged("this host says so already: nothing to do")
    if after != before:
        store.set_allowance(after)
    return Ending("allowed")
