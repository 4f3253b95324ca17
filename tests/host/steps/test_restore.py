"""An apply that fails goes back, and counts as taken back only where what ran before is healthy."""

from __future__ import annotations

from typing import NoReturn

import pytest

from switchyard.core.errors import FAILED, TAKEN_BACK, SwitchyardError
from switchyard.host.steps.restore import restore


def test_what_ran_before_is_put_back_and_the_error_is_told(holder):
    done: list[str] = []
    with pytest.raises(SwitchyardError, match="db: exited") as caught:
        restore(holder, SwitchyardError("db: exited"), lambda: done.append("back"))
    assert caught.value.exit == TAKEN_BACK and done == ["back"]


def test_what_does_not_come_back_either_is_told_with_the_way_on(holder):
    def fail() -> NoReturn:
        raise SwitchyardError("no such image")

    with pytest.raises(
        SwitchyardError, match=r"db: exited\n.*it is down: no such image\n.*run inv deploy again"
    ) as caught:
        restore(holder, SwitchyardError("db: exited"), fail)
    assert caught.value.exit == FAILED
