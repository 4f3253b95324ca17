"""The lease of a living holder is taken over only with force."""

from __future__ import annotations

import contextlib

import pytest

from switchyard.core.errors import OK, Refused, SwitchyardError
from switchyard.core.wire.request import Request
from switchyard.host.verbs.unlock import require_dead_or_forced, unlock


@pytest.mark.parametrize(
    "why_ended,force,is_refused", [(None, False, True), (None, True, False), ("its program is gone", False, False)]
)
def test_a_living_holder_keeps_its_lease_without_force(holder, why_ended, force, is_refused):
    request = Request("unlock", "shop", "/", force=force)
    with pytest.raises(Refused, match="ann@laptop is alive") if is_refused else contextlib.nullcontext():
        require_dead_or_forced(request, holder.store.lease.current(), why_ended)


def test_without_a_holder_there_is_nothing_to_do(holder):
    with pytest.raises(SwitchyardError, match="nobody holds the lease") as caught:
        require_dead_or_forced(Request("unlock", "shop", "/"), None, None)
    assert caught.value.exit == OK


def test_the_end_of_the_attempt_is_all_that_an_unlock_needs(holder):
    assert unlock(holder).outcome == "unlocked"
