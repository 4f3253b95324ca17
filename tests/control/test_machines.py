"""All machines of a host at once."""

from __future__ import annotations

import threading

import pytest

from switchyard.control import machines
from switchyard.control.machines import at_once, channels_to, in_background, report_of
from switchyard.settings.model import AppSetting, Host, HostSetting, Machine
from tests.harness.answering_host import AnsweringChannel
from tests.harness.machine_answers import checks_answer
from tests.harness.told_channel import ToldChannel


def test_results_come_in_the_order_of_the_items_whichever_is_ready_first():
    second = threading.Event()

    def act(item):
        if item == 1:
            assert second.wait(10)
        second.set()
        return item * 10

    assert at_once(act, [1, 2]) == [10, 20]


def test_what_an_act_raises_comes_with_its_result():
    def fail(item):
        raise ValueError(item)

    with pytest.raises(ValueError, match="two"):
        in_background(fail, "two").result()


def test_channels_are_sorted_by_name_and_closed_whatever_happens(tmp_path, monkeypatch):
    monkeypatch.setattr(machines, "Channel", lambda host, machine, app: ToldChannel(machine.name))
    setting = HostSetting(machines=[Machine(name=name, address="192.0.2.1") for name in ("b", "a")])
    with pytest.raises(KeyError), channels_to(Host("prod", setting, tmp_path, AppSetting()), "web") as channels:
        raise KeyError
    assert [(channel.machine.name, channel.acts) for channel in channels] == [("a", ["close"]), ("b", ["close"])]


def test_a_machine_reports_its_state_before_a_deploy():
    report = report_of(AnsweringChannel("one", checks_answer()))
    assert (report.name, report.answer) == ("one", checks_answer())
