"""When a registry is asked for an image, and what a release runs where none answers: Compose's ``pull_policy``.

Without a policy, a release asks at each deploy, and takes the image that is here where no registry answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from switchyard.core import image_names

Name: TypeAlias = Literal["never", "missing", "refresh", "ask", "always"]
ORDER: tuple[Name, ...] = ("never", "missing", "refresh", "ask", "always")
"""From the policy that asks least to the one that asks most."""
Failure: TypeAlias = Literal["", "unreachable", "absent", "denied", "login"]
AGES = {"daily": "1d", "weekly": "1w"}
UNITS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+)(ms|us|µs|ns|[wdhms])")


class Policy(NamedTuple):
    """When to ask a registry."""

    name: Name
    age: float = 0.0
    """``refresh``: seconds for which an answer holds."""

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Read ``pull_policy``; an empty text is none. As in Compose, one that it does not know is ``missing``."""
        if text.startswith("every_") or text in AGES:
            age = AGES.get(text) or text.removeprefix("every_")
            seconds = sum(int(number) * UNITS[unit] for number, unit in _PART.findall(age))
            return cls("refresh", seconds) if seconds and not _PART.sub("", age) else cls("missing")
        kinds: dict[str, Name] = {"": "ask", "always": "always", "never": "never", "build": "never"}
        return cls(kinds.get(text, "missing"))


class Answer(NamedTuple):
    """What a registry says of an image: its digest, or why there is none."""

    digest: str = ""
    failure: Failure = ""
    text: str = ""


class Choice(NamedTuple):
    """What a release does about an image."""

    digest: str = ""
    """Of the image to run; empty where it is the one that is here."""
    note: str = ""
    problem: str = ""


def strictest(policies: Iterable[Policy]) -> Policy:
    """Return the policy for an image that several services name: they all run what the one that asks most gets."""
    return max(policies, key=lambda policy: (ORDER.index(policy.name), -policy.age))


def asks(policy: Policy, image: str, *, is_here: bool, answered: float | None, now: float) -> bool:
    """Return whether to ask the registry. ``answered``: when it answered last, in seconds since the epoch."""
    if policy.name == "never" or (is_here and (policy.name == "missing" or image_names.digest(image))):
        return False
    is_fresh = policy.name == "refresh" and answered is not None and now <= answered + policy.age
    return not (is_here and is_fresh)


def choose(policy: Policy, image: str, answer: Answer | None, *, is_here: bool, strange: str = "") -> Choice:
    """Return what to run. ``answer`` is None where nobody was asked.

    ``strange`` says why the image that is here must not run: then it counts as absent.
    """
    if answer is None and is_here:
        return Choice()
    if answer is None and strange:
        return Choice(problem=strange)
    if answer is None:
        return Choice(problem="this host does not have it, and pull_policy never pulls it. Load it there")
    if answer.digest:
        return Choice(digest=answer.digest)
    registry = image_names.registry(image)
    reason = {
        "unreachable": f"the registry {registry} does not answer ({answer.text})",
        "absent": f"the registry {registry} does not have it",
        "denied": f"the registry {registry} does not let this host read it ({answer.text})",
        "login": f"the registry {registry} does not accept this host's login ({answer.text})",
    }[answer.failure or "unreachable"]
    if is_here and policy.name == "ask" and answer.failure != "login":
        return Choice(note=f"{reason}: the image that is here is used")
    way_out = _way_out(policy, registry, answer.failure, is_here=is_here, strange=strange)
    return Choice(problem=f"{reason}{way_out}")


def _way_out(policy: Policy, registry: str, failure: Failure, *, is_here: bool, strange: str) -> str:
    if strange:
        return f". The one that is here does not stand in for it: {strange}"
    if failure in ("login", "denied"):
        return f". Log in on the host as its SSH user: docker login {registry}"
    advice = "check its name" if failure == "absent" else f"let the host reach {registry}"
    if is_here:
        return f", and its pull_policy asks for it. Remove the policy, or {advice}"
    return f", and this host does not have it. Load it there, or {advice}"
