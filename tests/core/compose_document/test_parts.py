"""The parts of a service in every form that Compose allows."""

from __future__ import annotations

import pytest

from switchyard.core.compose_document.document import Service
from switchyard.core.compose_document.parts import EVERY_ADDRESS, Port


def service(**keys) -> Service:
    return Service.decode(keys, "services.web")


def test_short_forms_read_as_long_ones():
    short = service(build="web", depends_on=["db"], secrets=["token"], networks=["default"], command="serve --all")
    long = service(
        build={"context": "web"},
        depends_on={"db": {"condition": "service_started"}},
        secrets=[{"source": "token", "target": "token"}],
        networks={"default": None},
        command=["serve", "--all"],
    )
    assert short.build is not None and long.build is not None
    assert (short.build.context, short.command, short.secrets) == (long.build.context, long.command, long.secrets)
    assert short.depends_on["db"].condition == long.depends_on["db"].condition == "service_started"
    assert short.networks == long.networks


def test_a_process_sees_its_variables_and_words_without_the_escapes_of_compose():
    found = service(environment={"PASSWORD": "a$$b", "EMPTY": "", "UNSET": None}, command=["echo", "$$HOME"])
    assert found.environment == {"PASSWORD": "a$b", "EMPTY": ""} and found.command == ("echo", "$HOME")


@pytest.mark.parametrize(
    "check,is_off",
    [({"test": "NONE"}, True), ({"test": ["NONE"]}, True), ({"disable": True}, True), ({"test": "curl -f /"}, False)],
)
def test_a_health_check_that_is_switched_off_says_so(check, is_off):
    found = service(healthcheck=check).healthcheck
    assert found is not None and found.is_off is is_off


@pytest.mark.parametrize("address", [*sorted(EVERY_ADDRESS), "", None])
def test_a_port_without_an_address_of_its_own_is_on_every_address(address):
    assert Port.decode({"target": 80, "published": "80", "host_ip": address}, "").is_on_every_address
    assert not Port.decode({"target": 80, "host_ip": "127.0.0.1"}, "").is_on_every_address
