"""A deploy whose connection is lost, on the control node's side."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.control import deployment as module
from switchyard.control.deploy_options import DeployOptions
from switchyard.control.deployment import CommitChecks, Deployment
from switchyard.control.machine_attempt import Ended, MachineAttempt
from switchyard.control.screen import Screen
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.core.wire.events import Prepared, Received
from tests.harness.formats import require
from tests.harness.told_channel import HELLO, OLD, SWITCHED, ToldChannel, end


def deploy(monkeypatch: pytest.MonkeyPatch, *channels: ToldChannel) -> int:
    """Run the phases of a deploy as the verb does; no release is made or sent."""
    monkeypatch.setattr(module, "refuse_unfit", lambda *_: None)
    monkeypatch.setattr(MachineAttempt, "send", lambda *_: None)
    shipment: Any = SimpleNamespace(host=SimpleNamespace(name="prod"), channels=channels, screen=Screen(as_json=True))
    release: Any = SimpleNamespace()
    deployment = Deployment(shipment, release, CommitChecks(), DeployOptions())
    deployment.start()
    try:
        deployment.take_leases()
        deployment.send_release()
        deployment.prepare()
        deployment.switch()
    except (Ended, SwitchyardError, KeyboardInterrupt) as error:
        deployment.stop(error)
    return deployment.report()


def test_a_deploy_tells_of_each_machine_where_the_line_to_one_is_lost_after_a_switch(monkeypatch, capsys):
    prepared = [HELLO, Received(OLD), Prepared(None, ())]
    channels = [
        ToldChannel("one", *prepared, SWITCHED, end("live")),
        ToldChannel("two", *prepared, NotChecked("two: the connection was lost")),
    ]
    assert deploy(monkeypatch, *channels) == 3
    receipt = json.loads(capsys.readouterr().out)
    require("receipt", receipt)
    reason = "two: the connection was lost"
    assert (receipt["outcome"], receipt["reason"], receipt["release"]) == ("not checked", reason, OLD)
    assert [machine["name"] for machine in receipt["hosts"]] == ["one", "two"]
    assert channels[1].acts[-1] == "cancel"


def test_a_deploy_whose_line_is_lost_before_any_switch_ends_with_what_was_lost(monkeypatch):
    channels = [ToldChannel("one", HELLO), ToldChannel("two", NotChecked("two: the connection was lost"))]
    channels[1].start, channels[1].has_begun = lambda request: None, True  # type: ignore[method-assign]
    with pytest.raises(NotChecked, match="two: the connection was lost"):
        deploy(monkeypatch, *channels)
    assert [channel.acts[-1] for channel in channels] == ["cancel", "cancel"]


@pytest.mark.parametrize("outcome", ["unchanged", "repaired"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_machine_that_runs_the_release_already_does_not_stop_the_others(monkeypatch, capsys, outcome, place):
    channels = [ToldChannel("one", HELLO, Received(OLD), Prepared(None, ()), SWITCHED, end("live"))]
    channels.insert(place, ToldChannel("two", HELLO, end(outcome)))
    assert deploy(monkeypatch, *channels) == 0
    assert json.loads(capsys.readouterr().out)["exit"] == 0
    assert [act for channel in channels for act in channel.acts if act in ("cancel", "prepare", "switch")] == [
        "prepare",
        "switch",
    ]
