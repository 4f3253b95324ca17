"""The list of the configuration's checks."""

from __future__ import annotations

from switchyard.predeploy.configuration.all import CHECKS


def test_every_check_belongs_to_the_group_and_has_a_name_of_its_own():
    assert {check.group for check in CHECKS} == {"configuration"}
    assert len({check.name for check in CHECKS}) == len(CHECKS)
