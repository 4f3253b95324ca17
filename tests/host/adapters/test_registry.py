"""What a registry says, in the words of the engine, is an answer or one of four failures."""

from __future__ import annotations

import pytest

from switchyard.core.pull_policy import Answer
from switchyard.host.adapters import docker_login, engine, registry

IMAGE = "127.0.0.1:5000/team/cache:8"
PATH = f"/distribution/{IMAGE}/json"
DIGEST = "sha256:" + "a" * 64
LOGIN = {"username": "ann", "password": "x", "serveraddress": "127.0.0.1:5000"}


@pytest.fixture(autouse=True)
def no_login(monkeypatch):
    monkeypatch.setattr(docker_login, "login", lambda name: None)


def test_a_registry_that_has_the_image_names_its_digest(fake_engine):
    fake_engine.know(PATH, {"Descriptor": {"digest": DIGEST}, "Platforms": []})
    assert registry.ask(IMAGE, within=5) == Answer(DIGEST)


def test_a_registry_that_does_not_answer_in_time_is_unreachable(monkeypatch):
    def hang(*_: object, within: float) -> str:
        raise engine.Away("timed out")

    monkeypatch.setattr(engine, "digest_at_registry", hang)
    assert registry.ask(IMAGE, within=5) == Answer(failure="unreachable", text="no answer within 5 s")


def test_an_image_that_the_engine_finds_nowhere_is_absent(fake_engine):
    assert registry.ask(IMAGE, within=5).failure == "absent"


@pytest.mark.parametrize(
    "words,failure",
    [
        ("manifest unknown: manifest unknown", "absent"),
        ("unauthorized: authentication required", "denied"),
        ("Head ...: no basic auth credentials", "denied"),
        ("errors: denied: requested access to the resource is denied", "denied"),
        ("toomanyrequests: You have reached your pull rate limit", "unreachable"),
        ("dial tcp: lookup registry-1.docker.io: no such host", "unreachable"),
        ("tls: failed to verify certificate: x509: unknown authority", "unreachable"),
        ("received unexpected HTTP status: 503 Service Unavailable", "unreachable"),
    ],
)
def test_the_engine_s_words_say_why_there_is_no_digest(fake_engine, words, failure):
    fake_engine.refusals["GET", PATH] = {"message": words}
    answer = registry.ask(IMAGE, within=5)
    assert answer.failure == failure and answer.text.startswith(words[:20])


@pytest.mark.parametrize(
    "words,failure",
    [
        (None, "denied"),
        ("login attempt to http://127.0.0.1:5000/v2/ failed with status: 401 Unauthorized", "login"),
        ("unauthorized: incorrect username or password", "login"),
        ("dial tcp 127.0.0.1:5000: connect: connection refused", "denied"),
    ],
)
def test_a_denial_is_the_login_s_fault_only_where_the_registry_refuses_the_login(
    fake_engine, monkeypatch, words, failure
):
    monkeypatch.setattr(docker_login, "login", lambda name: LOGIN)
    fake_engine.refusals["GET", PATH] = {"message": "denied: requested access to the resource is denied"}
    if words is None:
        fake_engine.know("/auth", {"Status": "Login Succeeded"}, "POST")
    else:
        fake_engine.refusals["POST", "/auth"] = {"message": words}
    assert registry.ask(IMAGE, within=5).failure == failure
    assert fake_engine.requests[-1].body == LOGIN
