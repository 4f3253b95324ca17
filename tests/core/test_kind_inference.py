"""Each service gets a kind with a reason, or its owner is asked for it with the line to add."""

from __future__ import annotations

from tests.harness.shop_documents import problems, split_shop


def test_every_kind_has_the_reason_it_was_given_for():
    parts = {name: (kind.kind, kind.reason) for name, kind in split_shop().kinds.items()}
    assert parts == {
        "db": ("shared", "its image postgres keeps state"),
        "migrate": ("oneshot", "another service waits for it to complete successfully"),
        "api": ("routed", "it publishes a port"),
        "web": ("routed", "it publishes a port"),
        "worker": ("handover", "the settings say so"),
    }


def test_waiting_for_the_start_of_a_service_makes_no_oneshot_of_it():
    change = {"api": {"depends_on": {"migrate": {"condition": "service_started"}}}}
    assert "migrate: handover" in problems(change)


def test_a_worker_without_a_kind_is_asked_for_with_the_line_to_add():
    words = problems(kinds={})
    assert "service worker" in words
    assert "\n  app:\n    kinds:\n      worker: handover" in words
