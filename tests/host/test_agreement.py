"""An apply asks before it interrupts anything, and from the agreement on goes to its end."""

from __future__ import annotations

import json

import pytest

from switchyard.core.errors import Refused
from switchyard.core.wire.request import Word
from switchyard.host.agreement import ask, receive_commit
from tests.harness.attempts import say


def test_once_the_operator_agrees_the_attempt_counts_as_switched(holder):
    say(holder, Word("go"))
    ask(holder, ["db: image", "db will be stopped"])
    (event,) = map(json.loads, (holder.folder / "events.jsonl").read_text().splitlines())
    assert (event["event"], event["text"]) == ("confirm", "db: image\ndb will be stopped")
    assert holder.lease.has_switched and holder.store.lease.current().switched


def test_an_apply_before_the_first_deploy_names_what_to_do(holder):
    with pytest.raises(Refused, match=r"nothing is deployed here yet. Run inv deploy first"):
        receive_commit(holder, holder.store.shared / "wanted.json")
