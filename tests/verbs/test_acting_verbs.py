"""Restart, scale and unlock: the request that a machine receives."""

from __future__ import annotations

import pytest

from switchyard.control import act
from switchyard.core.errors import BadInput
from switchyard.core.wire.request import Request
from switchyard.verbs.restart import restart
from switchyard.verbs.scale import scale
from switchyard.verbs.unlock import unlock
from tests.harness.answering_host import replace_host
from tests.harness.told_channel import ToldChannel, end


class Recording(ToldChannel):
    def start(self, request: Request) -> None:
        super().start(request)
        self.request_seen = request


@pytest.mark.parametrize(
    "verb,flags,fields",
    [
        (restart, {"service": "web"}, {"verb": "restart", "service": "web"}),
        (scale, {"service": "web", "count": 3}, {"verb": "scale", "service": "web", "count": 3}),
        (unlock, {"reason": "ann left", "force": True}, {"verb": "unlock", "reason": "ann left", "force": True}),
    ],
)
def test_a_verb_asks_for_what_its_flags_say_under_a_new_attempt(monkeypatch, tmp_path, verb, flags, fields):
    channel = Recording("one", end("restarted"))
    replace_host(monkeypatch, act, channel)
    assert verb(tmp_path, "prod", **flags) == 0
    request = channel.request_seen.encode()
    assert request.items() >= fields.items() and request["attempt"] and "@" in str(request["who"])


def test_a_takeover_without_a_reason_and_a_scale_without_a_service_are_refused_at_once(tmp_path):
    with pytest.raises(BadInput, match="say why with --reason"):
        unlock(tmp_path, "prod", reason="", force=False)
    with pytest.raises(BadInput, match="name the service with --service"):
        scale(tmp_path, "prod", service="", count=2)
