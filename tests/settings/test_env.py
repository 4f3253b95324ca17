"""The env of a host: its sources, and what makes one unreadable."""

from __future__ import annotations

import pytest

from switchyard.control import compose
from switchyard.core.errors import BadInput
from switchyard.settings import env, load
from switchyard.settings.env import env_text
from tests.harness.settings import HOSTS, prod


def test_env_files_are_joined_in_their_order_from_the_checkout(tmp_path):
    (tmp_path / "one.env").write_text("A=1\nB=1")
    (tmp_path / "two.env").write_text("B=2\n")
    host = prod(tmp_path, f"{HOSTS}    env: {{files: [one.env, {tmp_path}/two.env]}}\n")
    assert compose.env_values(env_text(host)) == {"A": "1", "B": "2"}


def test_an_env_file_that_is_missing_is_named_with_its_setting(tmp_path):
    host = prod(tmp_path, f"{HOSTS}    env: {{files: [none.env]}}\n")
    with pytest.raises(BadInput, match=rf"^hosts\.prod\.env\.files: {tmp_path}/none\.env does not exist$"):
        env_text(host)


def test_what_an_env_command_prints_is_the_env_and_its_failure_says_nothing_of_it(tmp_path):
    host = prod(tmp_path, f"{HOSTS}    env: {{command: [printf, 'A=1']}}\n")
    assert env_text(host) == "A=1"
    host = prod(tmp_path, f"{HOSTS}    env: {{command: [sh, -c, 'echo S=secret; exit 3']}}\n")
    with pytest.raises(BadInput, match=r"^hosts\.prod\.env\.command: sh ended with 3$"):
        env_text(host)


def test_a_host_without_an_env_setting_has_an_empty_one(tmp_path):
    assert env_text(prod(tmp_path, HOSTS)) == ""


@pytest.mark.parametrize(
    "setting,words",
    [
        ("{files: [.]}", "Is a directory"),
        ("{files: [bytes]}", "is not UTF-8"),
        ("{command: [no-such-command]}", "no-such-command: No such file"),
        ("{command: [sh, -c, 'echo no key >&2; exit 3']}", "sh ended with 3: no key"),
        ("{command: [printf, '\\377']}", "is not UTF-8"),
    ],
)
def test_an_env_that_cannot_be_read_is_named(tmp_path, setting, words):
    (tmp_path / "bytes").write_bytes(b"\xff")
    text = f"hosts: {{prod: {{machines: [{{name: a, address: b}}], env: {setting}}}}}"
    (tmp_path / "invoke.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        env_text(load.host(tmp_path, "prod"))
    assert "hosts.prod.env" in str(caught.value) and words in str(caught.value)


def test_an_env_command_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(env, "COMMAND_WITHIN", 0.1)
    text = "hosts: {prod: {machines: [{name: a, address: b}], env: {command: [sleep, '9']}}}"
    (tmp_path / "invoke.yaml").write_text(text)
    with pytest.raises(BadInput, match="did not end within"):
        env_text(load.host(tmp_path, "prod"))
