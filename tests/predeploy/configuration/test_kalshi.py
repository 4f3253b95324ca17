"""Requests signed for Kalshi, against a server that verifies them as Kalshi does."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from switchyard.predeploy.configuration import kalshi
from tests.harness.predeploy_configuration import PEM, kalshi_server, outcome, pem_of, refused, with_kalshi

OTHER, _ = kalshi_server.new_key()


def test_kalshi_accepts_a_request_that_is_really_signed(application):
    server = with_kalshi(application)
    assert outcome(application, "credentials")[0] == "pass"
    assert server.answered == [("GET", "/trade-api/v2/portfolio/balance", 200)]


def test_an_address_without_a_path_gets_the_path_of_the_api(application):
    server = with_kalshi(application)
    application.environ["KALSHI_URL"] = server.url.removesuffix("/trade-api/v2") + "/"
    assert outcome(application, "credentials")[0] == "pass"


@pytest.mark.parametrize("url", ["https://demo.invalid", "https://demo.invalid/", "https://demo.invalid/trade-api/v2/"])
def test_the_balance_has_one_address_however_the_setting_ends(url):
    assert kalshi.balance_url(url) == "https://demo.invalid/trade-api/v2/portfolio/balance"


def test_a_key_may_be_in_one_line_or_in_a_file(application):
    with_kalshi(application, KALSHI_PRIVATE_KEY=PEM.decode().replace("\n", "\\n"))
    assert outcome(application, "credentials")[0] == "pass"
    (application.checkout / "kalshi.key").write_bytes(PEM)
    application.environ["KALSHI_PRIVATE_KEY"] = "kalshi.key"
    assert outcome(application, "credentials")[0] == "pass"


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"KALSHI_PRIVATE_KEY": OTHER.decode()}, "credential-refused"),
        ({"KALSHI_KEY_ID": "00000000-ec3b-4b5b-b8f9-11dae589608c"}, "credential-refused"),
        ({"clock": "60"}, "credential-clock"),
        ({"clock": "-60"}, "credential-clock"),
        ({"KALSHI_PRIVATE_KEY": PEM.decode().replace("M", "N", 20)}, "credential-key"),
        ({"KALSHI_PRIVATE_KEY": "no such file"}, "credential-key"),
        ({"KALSHI_PRIVATE_KEY": pem_of(ec.generate_private_key(ec.SECP256R1())).decode()}, "credential-key"),
        ({"KALSHI_KEY_ID": ""}, "credential-missing"),
    ],
)
def test_what_kalshi_would_refuse_fails_and_the_finding_tells_a_wrong_clock_from_a_wrong_key(
    application, changed, rule
):
    with_kalshi(application, **changed)
    application.environ = {name: value for name, value in application.environ.items() if value}
    assert refused(application, "credentials") == [rule]


CASES = {
    "credentials": (
        test_what_kalshi_would_refuse_fails_and_the_finding_tells_a_wrong_clock_from_a_wrong_key,
        test_a_key_may_be_in_one_line_or_in_a_file,
    ),
}
