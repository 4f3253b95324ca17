"""TLS to Redis, as the options of an address ask for it."""

from __future__ import annotations

import pytest

from switchyard.core.errors import NotChecked
from switchyard.predeploy.configuration import redis_login
from switchyard.predeploy.configuration.redis_tls import Tls, context_of
from switchyard.predeploy.reach import container_files
from tests.harness.predeploy_logins import clients_of, service


@pytest.mark.parametrize(
    ("address", "port", "verifies", "files"),
    [
        ("redis://redis:6390/0", 6390, None, []),
        ("rediss://redis", None, True, []),
        ("rediss://redis:6380?ssl_cert_reqs=CERT_NONE", 6380, False, []),
        ("rediss://redis?skip_verify=true", None, False, []),
        ("rediss://redis?ssl_cert_reqs=required&ssl_ca_certs=/tls/ca.crt", None, True, ["/tls/ca.crt"]),
        ("REDISS://redis?ssl_ca_certs=/tls/ca.crt", None, True, ["/tls/ca.crt"]),
    ],
)
def test_the_address_tells_port_and_tls(address, port, verifies, files):
    clients = clients_of({"URL": address})
    (login,) = redis_login.logins(clients, "redis", service())
    assert login.port == port
    assert (login.tls.verifies, login.tls.files) == (verifies, files) if login.tls else verifies is None
    assert container_files.read_files(clients.subject, "web", files) == dict.fromkeys(files, "PEM")


def test_a_file_that_only_another_file_names_is_not_read_and_the_error_says_so():
    clients = clients_of({"CACHE_URL_FILE": "/cache"})
    (login,) = redis_login.logins(clients, "redis", service())
    assert (login.used_by, clients.problems) == ("web (CACHE_URL_FILE)", [])
    with pytest.raises(NotChecked, match=r"/tls/ca\.crt of service web could not be read on prod1: only an address"):
        container_files.read_files(clients.subject, "web", login.tls.files)


def test_an_option_that_is_unknown_here_makes_no_context():
    with pytest.raises(NotChecked, match="ssl_secret"):
        context_of(Tls("web", "cache", (("ssl_secret", "1"),)), {})
