"""How many containers each service should have."""

from __future__ import annotations

from switchyard.core.compose_document import Document
from switchyard.host import replicas
from switchyard.host.adapters.container import Container


def test_services_of_which_fewer_run_than_should_are_counted_and_one_of_none_is_not_missed():
    services = {"web": {}, "api": {"deploy": {"replicas": 2}}, "worker": {}, "off": {"deploy": {"replicas": 0}}}
    document = Document.decode({"services": {**services, "migrate": {}}})
    wanted = replicas.of_document(document, services, {"web": 3})
    assert wanted == {"web": 3, "api": 2, "worker": 1, "off": 0}
    states = {"web": ["running"] * 3, "api": ["running", "exited", "restarting"]}
    containers = [
        Container.decode({"State": state, "Labels": {"com.docker.compose.service": service}})
        for service, each in states.items()
        for state in each
    ]
    assert replicas.lacking(containers, wanted) == {"api": "1 of 2", "worker": "0 of 1"}
