"""What a deploy starts from, and the overrides that it asks about."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.control.deploy_options import DeployOptions, confirm_overrides
from switchyard.control.machines import MachineReport
from switchyard.control.screen import Screen
from switchyard.control.shipment import Shipment
from switchyard.core.errors import Refused
from switchyard.core.held_routes import held_for
from switchyard.core.wire.answers import Admission
from switchyard.core.wire.facts import Facts
from switchyard.settings.model import AppSetting, Host, HostSetting, Machine
from tests.harness.answering_host import AnsweringChannel
from tests.harness.machine_answers import FACTS, checks_answer, live_release
from tests.harness.unsent_release import EDGE, release


@pytest.mark.parametrize("flag", ["allow_downgrade", "shared_unchanged", "force"])
def test_an_override_is_refused_where_nobody_can_be_asked_and_goes_with_yes(monkeypatch, flag):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(Refused, match=f"--{flag.replace('_', '-')} overrides a refusal. Add --yes"):
        confirm_overrides(DeployOptions(**{flag: True}))
    confirm_overrides(DeployOptions(**{flag: True}, yes=True))
    confirm_overrides(DeployOptions())


class Asked(AnsweringChannel):
    """A machine that judges a release, and has all files that services mount."""

    def __init__(self, name: str, *reasons: str, is_live: bool = False) -> None:
        super().__init__(name, Admission(is_live, reasons, {}, ()))


def require_fit(monkeypatch: pytest.MonkeyPatch, *machines: tuple[Asked, Facts]) -> bool:
    """Require that these machines, each with its facts, can take the release of a shop."""
    monkeypatch.setattr("switchyard.control.admission.descends", lambda *_: None)
    reports = [MachineReport(channel, replace(checks_answer(), facts=facts)) for channel, facts in machines]
    host = Host("prod", HostSetting(machines=[Machine(name="a", address="192.0.2.1")]), Path(), AppSetting(name="shop"))
    of = release()
    shipment = Shipment(host, of.app, of.commit, [channel for channel, _ in machines], Screen(as_json=True))
    return shipment.require_fit(reports, of, DeployOptions())


LIVE = replace(FACTS, live=live_release(), edge=held_for(EDGE, 1))
"""A machine that has the release's commit live."""


def test_a_release_against_which_nothing_stands_is_sent_without_another_question(monkeypatch):
    channel = Asked("a", "never asked")
    assert require_fit(monkeypatch, (channel, FACTS)) is False and channel.requests == []


def test_a_release_is_refused_with_the_reasons_of_both_sides_and_of_every_machine_at_once(monkeypatch):
    full = replace(FACTS, disks={"/srv": 5 << 20})
    channels = Asked("a", "an older commit", "a bad commit"), Asked("b", "an older commit")
    with pytest.raises(Refused) as caught:
        require_fit(monkeypatch, (channels[0], full), (channels[1], FACTS))
    disk, *others = str(caught.value).splitlines()
    assert disk.startswith("a: the disk of /srv has 5 MiB free")
    assert others == ["a: an older commit", "a: a bad commit", "b: an older commit"]


def test_nothing_stands_against_a_release_that_is_live_on_every_machine(monkeypatch):
    full = replace(LIVE, disks={"/srv": 0})
    assert require_fit(monkeypatch, (Asked("a", is_live=True), full), (Asked("b", is_live=True), LIVE)) is True
    assert require_fit(monkeypatch, (Asked("a", is_live=True), full), (Asked("b"), FACTS)) is False
    with pytest.raises(Refused, match=r"^b: a bad commit$"):
        require_fit(monkeypatch, (Asked("a", is_live=True), full), (Asked("b", "a bad commit"), FACTS))
