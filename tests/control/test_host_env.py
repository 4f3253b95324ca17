"""The env of a host, from its settings or from its live release."""

from __future__ import annotations

from switchyard.control import host_env as module
from switchyard.control.compose import env_values
from switchyard.control.host_env import env_without, host_env
from switchyard.core.wire.answers import Env
from switchyard.settings.model import AppSetting, EnvSetting, Host, HostSetting, Machine
from tests.harness.answering_host import AnsweringChannel
from tests.harness.settings import HOSTS, prod


def test_the_settings_name_the_env(tmp_path):
    (tmp_path / "prod.env").write_text("A=1\n")
    assert host_env(prod(tmp_path, f"{HOSTS}    env: {{files: [prod.env]}}\n")) == "A=1\n"


def test_the_live_release_s_env_is_asked_of_the_first_machine(tmp_path, monkeypatch):
    channel = AnsweringChannel("a", Env("B=2"))
    monkeypatch.setattr(module, "Channel", lambda *_: channel)
    setting = HostSetting(machines=[Machine(name="a", address="192.0.2.1")], env=EnvSetting(host=True))
    assert host_env(Host("prod", setting, tmp_path, AppSetting(name="shop"))) == "B=2"
    assert [request.verb for request in channel.requests] == ["env"] and channel.acts == ["close"]


def test_a_variable_that_is_dropped_is_gone_and_every_other_stays_as_it_is():
    text = env_without("A='1 $B'\nB=2\nC=3\n", ("B", "Z"))
    assert env_values(text) == {"A": "1 $B", "C": "3"} and env_without("A = 1", ()) == "A = 1"
