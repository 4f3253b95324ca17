"""The settings of predeploy: short forms, and what contradicts itself."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from switchyard.settings.predeploy import CertificateSetting, CredentialSetting, CriticalSetting, PredeploySetting


@pytest.mark.parametrize(
    ("value", "within", "params"),
    [
        (0.5, 0.5, {}),
        ({"within": 2}, 2.0, {}),
        ({"within": 2, "params": ["a", 7]}, 2.0, {"1": "a", "2": 7}),
        ({"within": 2, "params": {1: "a", "team": "b"}}, 2.0, {"1": "a", "team": "b"}),
    ],
)
def test_a_critical_query_may_be_its_seconds_alone_and_its_parameters_a_list(value, within, params):
    setting = CriticalSetting.model_validate(value)
    assert (setting.within, setting.params) == (within, params)


def test_a_certificate_is_in_a_file_or_at_an_address():
    for value in ({}, {"file": "a.pem", "address": "example.org"}):
        with pytest.raises(ValidationError, match="give one of file and address"):
            CertificateSetting.model_validate(value)


def test_a_credential_needs_an_address_and_that_of_kalshi_its_keys():
    with pytest.raises(ValidationError, match="give url, or url_from"):
        CredentialSetting.model_validate({"kind": "http"})
    with pytest.raises(ValidationError, match="needs key_id_from and key_from"):
        CredentialSetting.model_validate({"kind": "kalshi", "url": "https://example.org"})


def test_suites_and_sessions_are_found_by_the_name_of_their_check():
    setting = PredeploySetting.model_validate({"tests": {"unit": "tests/unit"}, "sessions": {"lint": "check"}})
    assert (setting.tests.of("unit"), setting.tests.of("smoke")) == ("tests/unit", None)
    assert (setting.sessions.of("lint"), setting.sessions.of("unit")) == ("check", None)
