"""``allow``: write down what the application's commits may use beyond the env of this host."""

from __future__ import annotations

from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending, unchanged


def allow(attempt: Attempt) -> Ending:
    """Allow what the request names, or take it back. The journal keeps its reason."""
    store, request = attempt.store, attempt.request
    before = store.allowance()
    after = before.without(request.allow) if request.take_back else before.joined(request.allow)
    if after == before:
        return unchanged("allow.json says so already: nothing to do")
    attempt.tick()
    store.set_allowance(after)
    return Ending("allowed")
