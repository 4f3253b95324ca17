"""The check of PostgreSQL and Redis, for applications that have nothing to ask yet.

The end-to-end tests ask real servers.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.wire.answers import ContainerAddress
from switchyard.predeploy.configuration import services
from switchyard.predeploy.engine.result import Result
from tests.harness.machine_answers import COMMIT, checks_answer, host_machine
from tests.harness.predeploy_logins import subject_of

STOPPED = ContainerAddress("db", "shared", "postgres:17", running=False, addresses=())


def result_of(*containers: ContainerAddress, live: str = COMMIT) -> Result:
    """Run the check on a machine with a live release and these containers."""
    machine = host_machine(answer=checks_answer(live, shared=containers))
    return services.run(replace(subject_of({}), host="prod", machines=(machine,)))


def test_before_the_first_deploy_no_server_is_asked():
    assert result_of(live="").outcome == "skipped"


def test_a_server_that_this_deploy_starts_is_not_asked():
    result = result_of()
    assert result.outcome == "pass" and "db is new and starts with this deploy" in result.reason


def test_a_shared_server_that_does_not_run_stops_no_deploy_which_starts_it():
    result = result_of(STOPPED)
    assert result.outcome == "pass" and "db does not run on prod, and a deploy starts it first" in result.reason


@pytest.mark.parametrize("kind", [None, "oneshot"])
def test_a_container_of_another_kind_is_not_the_server(kind):
    assert result_of(replace(STOPPED, kind=kind)).outcome == "pass"


def test_a_server_without_an_address_is_unknown():
    result = result_of(replace(STOPPED, running=True))
    assert (result.outcome, result.reason) == ("unknown", "db: it has no address on prod")
