"""Each service gets a kind with a reason, or its owner is asked for it with the line to add."""

from __future__ import annotations

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.kind_inference import infer
from tests.harness.shop_documents import DOCUMENT, KINDS, problems, split_shop


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


def test_a_service_with_profiles_has_no_kind_and_asks_for_none():
    document = Document.decode({"services": {"web": {"profiles": ["debug"]}, "api": {"ports": [{"target": 80}]}}})
    kinds, problems = infer(document, App("shop"))
    assert (list(kinds), problems) == (["api"], [])


def test_a_kind_for_a_service_that_the_file_lacks_is_a_problem():
    _, (problem,) = infer(Document.decode(DOCUMENT), App("shop", kinds={**KINDS, "slip": "plain"}))
    assert problem.startswith("app.kinds.slip: ")
