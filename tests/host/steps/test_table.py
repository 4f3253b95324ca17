"""The acts of the host program: one for each step of the table in the core."""

from __future__ import annotations

from switchyard.core.steps import STEPS
from switchyard.host.steps.table import ACTS


def test_every_step_has_an_act_except_receive_which_the_verbs_do_themselves() -> None:
    assert {*ACTS, "receive"} == set(STEPS)
