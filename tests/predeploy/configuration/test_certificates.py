"""Certificates in files, and as a server on loopback presents them."""

from __future__ import annotations

import json
import ssl
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.predeploy.configuration.certificates import RULES, _settings
from switchyard.settings.model import HostSetting
from switchyard.settings.predeploy import PredeploySetting
from tests.harness.predeploy_application import Application
from tests.harness.predeploy_configuration import certificate, outcome, refused, served


def with_file(application: Application, data: bytes, **setting: Any) -> None:
    (application.checkout / "site.pem").write_bytes(data)
    application.settings(certificates={"site": {"file": "site.pem", **setting}})
    application.allow(files=["site.pem"])


def with_server(application: Application, days: float) -> None:
    """Start a server on loopback that presents a certificate which nobody trusts."""
    data, key = certificate(days=days)
    file = application.folder / "chain.pem"
    file.write_bytes(key + data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    port = application.closing.enter_context(served(context))
    application.settings(certificates={"site": {"address": "127.0.0.1", "port": port}})


@pytest.mark.parametrize(
    ("data", "setting"),
    [
        (certificate(days=14.1)[0], {}),
        (certificate(days=2)[0], {"days": 1}),
        (certificate(days=90)[0] + certificate(days=60)[0], {}),
        (b"a comment\n" + certificate(days=30)[1] + certificate(days=30)[0], {}),
    ],
)
def test_a_certificate_with_time_left_passes(application, data, setting):
    with_file(application, data, **setting)
    result, reason = outcome(application, "certificates")
    assert result == "pass" and reason.startswith("valid for: site ")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (certificate(days=13.9)[0], "certificate-expires"),
        (certificate(days=-0.1)[0], "certificate-expired"),
        (certificate(days=90)[0] + certificate(days=3)[0], "certificate-expires"),
        (certificate(days=90, begins=3)[0], "certificate-early"),
        (certificate(days=90)[1], "certificate-none"),
        (b"", "certificate-none"),
    ],
)
def test_a_certificate_that_expires_soon_or_is_not_valid_yet_fails_and_so_does_a_file_without_one(
    application, data, rule
):
    with_file(application, data)
    assert refused(application, "certificates") == [rule]
    assert rule in RULES


def test_a_server_passes_with_a_certificate_that_nobody_trusts_but_that_is_valid(application):
    with_server(application, 30)
    assert outcome(application, "certificates")[0] == "pass"


def test_a_server_with_an_expired_certificate_fails(application):
    with_server(application, -2)
    assert refused(application, "certificates") == ["certificate-expired"]


def test_a_certificate_that_cannot_be_read_is_unknown(application):
    with_server(application, 30)
    application.closing.close()
    assert outcome(application, "certificates")[0] == "unknown"
    application.settings(certificates={"site": {"file": "gone.pem"}})
    application.allow(files=["gone.pem"])
    result, reason = outcome(application, "certificates")
    assert result == "unknown" and "gone.pem: No such file" in reason


def test_a_certificate_that_cannot_be_read_does_not_hide_the_failure_of_another(application):
    with_file(application, certificate(days=-1)[0])
    whole = json.loads((application.app / "invoke.yaml").read_text())["app"]["predeploy"]["certificates"]
    application.settings(certificates={**whole, "gone": {"file": "gone.pem"}})
    application.allow(files=["site.pem", "gone.pem"])
    assert refused(application, "certificates") == ["certificate-expired", "not-checked"]


def test_without_any_certificate_the_check_is_skipped(application):
    result, reason = outcome(application, "certificates")
    assert result == "skipped" and "app.predeploy.certificates" in reason


def test_what_the_edge_will_show_is_read_from_the_host_s_files_and_not_from_its_url():
    files = {"shop.example": {"certificate": "shop.pem", "key": "shop.key"}}
    machines = [{"name": "prod1", "address": "192.0.2.1"}]
    entry = HostSetting.model_validate({"machines": machines, "url": "https://shop.example", "certificates": files})
    subject = SimpleNamespace(setting=PredeploySetting(), entry=entry)
    assert {name: setting.file for name, setting in _settings(subject)} == {"hosts.shop.example": "shop.pem"}
    subject.entry = entry.model_copy(update={"certificates": {}})
    assert {name: setting.address for name, setting in _settings(subject)} == {"shop.example": "shop.example"}


CASES = {
    "certificates": (
        test_a_certificate_that_expires_soon_or_is_not_valid_yet_fails_and_so_does_a_file_without_one,
        test_a_certificate_with_time_left_passes,
    ),
}
