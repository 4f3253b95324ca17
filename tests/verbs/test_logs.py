"""``inv logs``: the last lines of each container."""

from __future__ import annotations

from switchyard.control import host_answers
from switchyard.core.wire.answers import Logs
from switchyard.verbs.logs import logs
from tests.harness.answering_host import AnsweringChannel, replace_host


def test_the_containers_come_in_order_under_their_names(monkeypatch, tmp_path, capsys):
    channel = AnsweringChannel("one", Logs({"web-2": "second", "web-1": "first"}))
    replace_host(monkeypatch, host_answers, channel)
    assert logs(tmp_path, "prod", service="web", tail=5) == 0
    assert capsys.readouterr().out.splitlines() == ["--- one: web-1", "first", "--- one: web-2", "second"]
    assert [(request.service, request.tail) for request in channel.requests] == [("web", 5)]
