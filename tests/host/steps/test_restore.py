"""An apply that fails goes back, and counts as taken back only where what ran before is healthy."""

from __future__ import annotations

from typing import NoReturn

import pytest

from switchyard.core.errors import FAILED, TAKEN_BACK, SwitchyardError
from switchyard.host import backup
from switchyard.host.adapters.files import write_json
from switchyard.host.steps.restore import restore


@pytest.fixture
def home(holder):
    """A document that an apply replaced after it kept a backup."""
    home = holder.store.shared
    write_json(home / "compose.json", {"services": {"db": {"image": "old"}}})
    backup.keep(home, ["db"])
    write_json(home / "compose.json", {"services": {"db": {"image": "new"}}})
    return home


def test_what_ran_before_is_put_back_and_the_error_is_told(holder, home):
    with pytest.raises(SwitchyardError, match="db: exited") as caught:
        restore(holder, home, SwitchyardError("db: exited"), lambda: None)
    assert caught.value.exit == TAKEN_BACK and not backup.is_unfinished(home)
    assert '"old"' in (home / "compose.json").read_text()


def test_what_does_not_come_back_either_is_told_with_the_way_on(holder, home):
    def fail() -> NoReturn:
        raise SwitchyardError("no such image")

    with pytest.raises(
        SwitchyardError, match=r"db: exited\n.*it is down: no such image\n.*run inv deploy again"
    ) as caught:
        restore(holder, home, SwitchyardError("db: exited"), fail)
    assert caught.value.exit == FAILED and backup.is_unfinished(home)
