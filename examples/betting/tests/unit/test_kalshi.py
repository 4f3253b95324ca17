"""The Kalshi client against a server that verifies signatures as the real one does."""

import json
import socket
import time
import urllib.request
from pathlib import Path

import kalshi_server
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from tools import serve_files

from betting import kalshi

PEM, PUBLIC = kalshi_server.new_key()
OTHER_PEM, _ = kalshi_server.new_key()
KEY = serialization.load_pem_private_key(PEM, password=None)
OTHER = serialization.load_pem_private_key(OTHER_PEM, password=None)
BALANCE = "/trade-api/v2/portfolio/balance"


@pytest.fixture
def server():
    with kalshi_server.serve({"key-1": PUBLIC}) as serving:
        yield serving


def test_a_signed_request_is_answered(server) -> None:
    client = kalshi.Client(server.url, "key-1", KEY)
    assert client.balance() == 123_456
    assert server.answered == [("GET", BALANCE, 200)]


def test_the_query_is_sent_and_not_signed(server) -> None:
    assert kalshi.Client(server.url, "key-1", KEY).get("/portfolio/positions", limit="5")["market_positions"] == []
    assert server.answered == [("GET", "/trade-api/v2/portfolio/positions?limit=5", 200)]


def test_the_state_of_the_exchange_needs_no_key(server) -> None:
    assert kalshi.Client(server.url).status()["exchange_active"] is True


def test_a_key_of_another_account_is_a_wrong_key(server) -> None:
    with pytest.raises(kalshi.WrongKey, match="KALSHI_PRIVATE_KEY_FILE belongs to another key"):
        kalshi.Client(server.url, "key-1", OTHER).balance()


def test_an_unknown_key_id_is_a_wrong_key(server) -> None:
    with pytest.raises(kalshi.WrongKey, match="does not know KALSHI_KEY_ID"):
        kalshi.Client(server.url, "key-2", KEY).balance()


def test_without_a_key_nothing_is_sent(server) -> None:
    with pytest.raises(kalshi.WrongKey, match="set KALSHI_KEY_ID and KALSHI_PRIVATE_KEY_FILE"):
        kalshi.Client(server.url).balance()
    assert server.answered == []


@pytest.mark.parametrize(("seconds", "words"), [(90, r"9\d s ahead of its own"), (-90, r"(8|9)\d s behind its own")])
def test_the_error_of_a_wrong_clock_says_by_how_much_it_is_wrong(server, seconds: int, words: str) -> None:
    with pytest.raises(kalshi.ClockSkew, match=words):
        kalshi.Client(server.url, "key-1", KEY, clock=lambda: time.time() + seconds).balance()


def test_a_clock_within_the_window_is_accepted(server) -> None:
    assert kalshi.Client(server.url, "key-1", KEY, clock=lambda: time.time() - 5).balance() == 123_456


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", BALANCE, "GET"),
        ("GET", BALANCE, "POST"),
        ("GET", BALANCE + "/", "GET"),
        ("GET", BALANCE + "?a=1", "GET"),
    ],
)
def test_a_signature_over_another_request_is_refused(server, method: str, path: str, sent: str) -> None:
    client = kalshi.Client(server.url, "key-1", KEY)
    headers = client.sign(method, path)
    request = urllib.request.Request(f"{server.url}/portfolio/balance?a=1", headers=headers, method=sent)
    with pytest.raises(kalshi.WrongKey, match="INCORRECT_API_KEY_SIGNATURE"):
        client.send(request)


def test_a_signature_with_another_padding_or_salt_is_refused(server, monkeypatch) -> None:
    for scheme in (padding.PKCS1v15(), padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)):
        monkeypatch.setattr(kalshi, "PSS", scheme)
        with pytest.raises(kalshi.WrongKey, match="INCORRECT_API_KEY_SIGNATURE"):
            kalshi.Client(server.url, "key-1", KEY).balance()


@pytest.mark.parametrize("name", ["KEY", "TIMESTAMP", "SIGNATURE"])
def test_a_request_without_one_of_the_headers_is_refused(server, name: str) -> None:
    client = kalshi.Client(server.url, "key-1", KEY)
    headers = client.sign("GET", BALANCE)
    del headers[f"KALSHI-ACCESS-{name}"]
    with pytest.raises(kalshi.WrongKey, match=f"{name.lower()}_is_missing_from_headers"):
        client.send(urllib.request.Request(f"{server.url}/portfolio/balance", headers=headers))


def test_the_error_of_an_unknown_path_has_its_status(server) -> None:
    with pytest.raises(kalshi.KalshiError, match=r"answered 404 \(not_found\)"):
        kalshi.Client(server.url, "key-1", KEY).get("/portfolio/nothing")


def test_an_address_without_a_server_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(kalshi.Unreachable, match=rf"127.0.0.1:{port} did not answer .*KALSHI_URL"):
        kalshi.Client(f"http://127.0.0.1:{port}/trade-api/v2").status()


@pytest.mark.parametrize("body", [b"<html>", b"[]"])
def test_an_answer_that_is_not_from_kalshi_is_an_error(body: bytes) -> None:
    with serve_files({"/exchange/status": body}) as url, pytest.raises(kalshi.KalshiError, match="check KALSHI_URL"):
        kalshi.Client(url).status()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": "no"}', b'{"error": {}}'])
def test_a_refusal_of_an_unknown_form_is_an_error_with_its_status(body: bytes) -> None:
    with (
        serve_files({"/exchange/status": body}, status=503) as url,
        pytest.raises(kalshi.KalshiError, match=r"answered 503 \(no reason given\)"),
    ):
        kalshi.Client(url).status()


def test_a_wrong_clock_is_recognized_even_if_the_answer_has_no_date() -> None:
    body = json.dumps({"error": {"code": "header_timestamp_expired"}}).encode()
    with serve_files({"/": body}, status=401, headers={"Date": "now"}) as url, pytest.raises(kalshi.ClockSkew):
        kalshi.Client(url, "key-1", KEY).get("/")


def test_a_redirect_is_not_followed_with_the_signature(server) -> None:
    with (
        serve_files({"/portfolio/balance": b""}, status=302, headers={"Location": server.url}) as url,
        pytest.raises(kalshi.KalshiError, match="answered 302"),
    ):
        kalshi.Client(url, "key-1", KEY).balance()
    assert server.answered == []


def encrypted() -> bytes:
    form, password = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    return KEY.private_bytes(serialization.Encoding.PEM, form, password)


def elliptic() -> bytes:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(serialization.Encoding.PEM, form, none)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"nonsense", "not a private key in PEM"),
        (encrypted(), "without a password"),
        (elliptic(), "not an RSA key"),
    ],
)
def test_the_error_of_an_unusable_key_file_names_it(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "kalshi.key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(kalshi.WrongKey, match=rf"{file}: .*{words}"):
        kalshi.read_key(file)


@pytest.fixture
def account(server, tmp_path: Path, monkeypatch) -> Path:
    file = tmp_path / "kalshi.key"
    file.write_bytes(PEM)
    monkeypatch.setenv("KALSHI_URL", server.url)
    monkeypatch.setenv("KALSHI_KEY_ID", "key-1")
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_FILE", str(file))
    return file


def test_the_command_prints_the_balance_and_no_key(account, capsys) -> None:
    kalshi.main()
    output = capsys.readouterr().out
    assert "exchange open" in output and "balance: 1234.56 USD" in output
    assert "key-1" not in output and PEM.decode().splitlines()[1] not in output


def test_the_command_without_an_account_asks_for_the_state_only(account, monkeypatch, capsys) -> None:
    monkeypatch.delenv("KALSHI_KEY_ID")
    kalshi.main()
    assert "balance" not in capsys.readouterr().out


def test_the_command_ends_with_the_reason_and_no_key(account, capsys) -> None:
    account.write_bytes(OTHER_PEM)
    with pytest.raises(SystemExit) as ended:
        kalshi.main()
    assert "refuses the signature" in str(ended.value)
    assert "key-1" not in str(ended.value) and OTHER_PEM.decode().splitlines()[1] not in str(ended.value)


def test_the_sandbox_is_the_default(monkeypatch) -> None:
    for name in ("KALSHI_URL", "KALSHI_KEY_ID", "KALSHI_PRIVATE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert ".demo." in kalshi.Client.from_environment().url
