"""The kinds of services. ``KINDS`` is their only list: other modules ask a kind for its traits, never for its name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of service. A kind without any trait runs in both colours side by side, away from the edge."""

    name: str
    behind_edge: bool = False
    """The edge holds its public addresses and leads requests to it."""
    at_most_one: bool = False
    """It runs in at most one colour at any instant, and is handed over: after the switch, or at it if it is held."""
    own_project: bool = False
    """It belongs to the shared project, which no deploy restarts."""
    runs_once: bool = False
    """It runs to its end before the other services of its release start."""
    left_out: bool = False
    """No release runs it."""

    @property
    def side_by_side(self) -> bool:
        """Whether both colours run it at once."""
        return not (self.at_most_one or self.own_project or self.runs_once or self.left_out)

    @property
    def is_held(self) -> bool:
        """Whether users reach the only one: the edge holds their requests while it is handed over."""
        return self.behind_edge and self.at_most_one

    @property
    def stays_up_in_colour(self) -> bool:
        """Whether a colour that is live runs it."""
        return self.side_by_side or self.at_most_one

    @property
    def may_publish(self) -> bool:
        """Whether it may publish ports: nothing of the other colour would hold them too."""
        return self.behind_edge or self.own_project


ROUTED = Kind("routed", behind_edge=True)
PLAIN = Kind("plain")
EXCLUSIVE = Kind("exclusive", behind_edge=True, at_most_one=True)
HANDOVER = Kind("handover", at_most_one=True)
SHARED = Kind("shared", own_project=True)
ONESHOT = Kind("oneshot", runs_once=True)
IGNORED = Kind("ignored", left_out=True)
KINDS = (ROUTED, PLAIN, EXCLUSIVE, HANDOVER, SHARED, ONESHOT, IGNORED)
"""Every kind. A release's services start in this order within one group."""
NAMES = tuple(kind.name for kind in KINDS)
_BY_NAME = {kind.name: kind for kind in KINDS}


def is_in_shared_project(name: str | None) -> bool:
    """Return whether containers with this label belong to the shared project."""
    kind = kind_named(name)
    return kind is not None and kind.own_project


def kind_named(name: str | None) -> Kind | None:
    """Return the kind of this name, which may be a container's label; None where there is none."""
    return _BY_NAME.get(name or "")


@dataclass(frozen=True)
class ServiceKind:
    """A service's kind, with the reason in one sentence."""

    kind: str
    reason: str

    @property
    def traits(self) -> Kind:
        return _BY_NAME[self.kind]
