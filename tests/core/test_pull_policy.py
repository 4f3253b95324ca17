"""When a registry is asked, and what a release runs, for every policy and every answer."""

from __future__ import annotations

import itertools

import pytest

from switchyard.core.pull_policy import Answer, Policy, asks, choose, strictest

DIGEST = "sha256:" + "a" * 64
DAY = 86400.0
POLICIES = {
    "": Policy("ask"),
    "always": Policy("always"),
    "never": Policy("never"),
    "build": Policy("never"),
    "missing": Policy("missing"),
    "if_not_present": Policy("missing"),
    "daily": Policy("refresh", DAY),
    "weekly": Policy("refresh", 7 * DAY),
    "every_12h": Policy("refresh", DAY / 2),
    "every_1d12h30m5s": Policy("refresh", 1.5 * DAY + 1805),
    "every_2w": Policy("refresh", 14 * DAY),
    "every_": Policy("missing"),
    "every_soon": Policy("missing"),
    "every_1h!": Policy("missing"),
    "refresh": Policy("missing"),
    "unheard": Policy("missing"),
}
FAILURES = ("unreachable", "absent", "denied", "login")


@pytest.mark.parametrize("text", POLICIES)
def test_every_policy_of_compose_is_read(text):
    assert Policy.parse(text) == POLICIES[text]


@pytest.mark.parametrize(
    "texts,strict", [(("never", ""), ""), (("weekly", "daily"), "daily"), (("", "always"), "always")]
)
def test_services_that_share_an_image_ask_as_the_one_does_that_asks_most(texts, strict):
    assert strictest(map(Policy.parse, texts)) == Policy.parse(strict)


@pytest.mark.parametrize(
    "text,is_here,answered,asked",
    [
        ("", True, 999.0, True),
        ("", False, None, True),
        ("always", True, 999.0, True),
        ("never", True, None, False),
        ("never", False, None, False),
        ("missing", True, None, False),
        ("missing", False, None, True),
        ("every_10s", True, 989.0, True),
        ("every_10s", True, 990.0, False),
        ("every_10s", True, None, True),
        ("every_10s", False, 999.0, True),
    ],
)
def test_a_registry_is_asked_as_the_policy_says(text, is_here, answered, asked):
    assert asks(Policy.parse(text), "redis:8", is_here=is_here, answered=answered, now=1000.0) is asked


@pytest.mark.parametrize("text", POLICIES)
def test_an_image_by_digest_that_is_here_asks_nobody(text):
    image = f"redis:8@{DIGEST}"
    assert not asks(Policy.parse(text), image, is_here=True, answered=None, now=0)
    assert asks(Policy.parse(text), image, is_here=False, answered=None, now=0) is (POLICIES[text].name != "never")


@pytest.mark.parametrize("text,is_here", list(itertools.product(POLICIES, (True, False))))
def test_the_registry_s_digest_is_pinned(text, is_here):
    assert choose(Policy.parse(text), "redis:8", Answer(DIGEST), is_here=is_here).digest == DIGEST


@pytest.mark.parametrize("text,failure", list(itertools.product(POLICIES, FAILURES)))
def test_without_an_answer_only_a_service_without_a_policy_takes_what_is_here_and_says_so(text, failure):
    answer = Answer(failure=failure, text="no route")
    choice = choose(Policy.parse(text), "registry.example/cache:8", answer, is_here=True)
    is_used = text == "" and failure != "login"
    assert bool(choice.note) is is_used and bool(choice.problem) is not is_used
    assert "registry.example" in choice.note + choice.problem and not choice.digest


@pytest.mark.parametrize("text,failure", list(itertools.product(POLICIES, FAILURES)))
def test_an_image_that_nobody_has_is_a_problem_with_a_way_out(text, failure):
    choice = choose(Policy.parse(text), "redis:8", Answer(failure=failure, text="no route"), is_here=False)
    way_out = (
        "docker login docker.io" if failure in ("login", "denied") else "this host does not have it. Load it there"
    )
    assert way_out in choice.problem and not choice.note


def test_nobody_asked_is_what_is_here_or_a_problem():
    assert choose(Policy("missing"), "redis:8", None, is_here=True) == ("", "", "")
    assert "pull_policy never pulls it" in choose(Policy("never"), "redis:8", None, is_here=False).problem


@pytest.mark.parametrize("text", ["", "missing", "never", "daily"])
def test_an_image_that_is_strange_counts_as_absent_and_its_reason_is_told(text):
    policy = Policy.parse(text)
    asked = None if text == "never" else Answer(failure="denied", text="no")
    choice = choose(policy, "tool:1", asked, is_here=False, strange="it was replaced: inv allow")
    assert choice.problem.endswith("it was replaced: inv allow") and not choice.digest
