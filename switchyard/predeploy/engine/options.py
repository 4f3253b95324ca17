"""Which checks the command line asks for, and which it lets through."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from switchyard.core.errors import BadInput
from switchyard.predeploy.engine.check import GROUPS, Check


@dataclass(frozen=True)
class CheckOptions:
    """The flags of ``inv predeploy``; ``inv deploy`` has some of them."""

    only: tuple[str, ...] = ()
    """Names of checks or groups, like ``skip`` and ``allow_unknown``."""
    skip: tuple[str, ...] = ()
    allow_unknown: tuple[str, ...] = ()
    reason: str = ""
    """Why checks are skipped or may be unknown."""
    fix: bool = False
    fresh: bool = False
    """Whether checks run even if a cached pass is still valid."""
    json: str = ""
    """The file for the results as JSON."""
    drop_env: tuple[str, ...] = ()
    """Variables of the live release that the one to deploy must not have."""
    junit: str = ""
    """The file for the results as JUnit XML."""


def chosen(checks: Sequence[Check], options: CheckOptions) -> list[Check]:
    """Return the checks that ``--only`` names, or all of them."""
    return [check for check in checks if not options.only or is_named(check, options.only)]


def is_named(check: Check, names: Sequence[str]) -> bool:
    """Tell whether one of the names is that of the check or of its group."""
    return not {check.name, check.group}.isdisjoint(names)


def require_known(options: CheckOptions, checks: Sequence[Check]) -> None:
    """Raise ``BadInput`` for a name that is no check and no group, and for an override without a reason."""
    for name in (*options.only, *options.skip, *options.allow_unknown):
        if name not in known(checks):
            raise BadInput(not_known(name, checks))
    if (options.skip or options.allow_unknown) and not options.reason:
        raise BadInput("--skip and --allow-unknown need --reason: why; the receipt and the journal keep it")


def known(checks: Sequence[Check]) -> list[str]:
    return [*GROUPS, *(check.name for check in checks)]


def not_known(name: str, checks: Sequence[Check]) -> str:
    """Return the message for a name that is no check and no group, with the nearest one that is."""
    near = difflib.get_close_matches(name, known(checks), 1)
    hint = f"; did you mean {near[0]}?" if near else "."
    return f"no check is called {name!r}{hint} Known: {', '.join(known(checks))}"
