"""The machines of a host, and their answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.errors import NotChecked
from switchyard.predeploy.engine.host_machine import HostMachine, connect
from switchyard.settings import load
from tests.harness.machine_answers import COMMIT, checks_answer, host_machine


def test_without_a_host_there_is_no_machine(tmp_path: Path):
    (tmp_path / "invoke.yaml").write_text("app: {name: shop, path: .}\n")
    with connect(load.nowhere(tmp_path)) as machines:
        assert machines == ()


def test_a_machine_that_gave_no_answer_raises_for_what_it_would_have_reported_and_the_others_do_not(subject):
    away = HostMachine(host_machine("prod2").channel, NotChecked("prod2: no connection"))
    both = replace(subject, host="prod", machines=(host_machine("prod1", checks_answer(COMMIT)), away))
    values, problems = both.read_machines(lambda one: one.live)
    assert [(one.machine, live and live.commit) for one, live in values] == [("prod1", COMMIT)]
    assert problems == ["prod2: no connection"]
    with pytest.raises(NotChecked, match="prod2: no connection"):
        _ = replace(both, machines=(away,)).containers
