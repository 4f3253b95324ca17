"""Cuts: a check that shortens a text removes the secrets first, so that no half of one stays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from switchyard.control import known_secrets, terminal
from switchyard.core.app import App, Migrations
from switchyard.core.errors import NotChecked
from switchyard.core.redact import Redactor
from switchyard.predeploy.configuration.secret_scan import Hit, finding
from switchyard.predeploy.database.catalog import SAMPLE_CHARACTERS_MAX, violations
from switchyard.predeploy.database.fingerprint import SHOWN_CHARACTERS_MAX, Difference, ObjectKey
from switchyard.predeploy.database.migration_command import run_migration_command
from switchyard.predeploy.database.reader import Table
from switchyard.predeploy.database.sql_checks import SqlCheck
from tests.harness.attack import Attack, promises

CANARY = "canary-3f9a1c77d2"
LINES = "canary-a1b2c3d4\ncanary-e5f6a7b8\ncanary-c9d0e1f2\ncanary-a3b4c5d6"
HALF = 9
"""Characters of a secret that stand before the cut."""


def cut_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the checks cut texts as they are."""
    monkeypatch.setattr(terminal, "shown", lambda text: text)


def at_cut(name: str, most: int, cut: Callable[[str], str]) -> Attack:
    """Return the attack that has a secret stand where a check cuts a text, of which ``most`` characters stay."""

    def told(secret: str) -> str:
        known_secrets.decide([{"API_TOKEN": CANARY}], None, Path("/"))
        text = cut("x " * ((most - HALF) // 2) + secret + " y" * most)
        return Redactor([CANARY])(text)

    return Attack(
        name,
        lambda folder: CANARY[:5] in told(CANARY),
        lambda folder: "harml" in told("harmless-text"),
        cut_first,
    )


def changed(text: str) -> str:
    return str(Difference("changed", ObjectKey("view", "", "v"), "SELECT 1", text))


def sample(text: str) -> str:
    check = SqlCheck("a.sql", "a", "error", "nothing is wrong", "mend it", "SELECT 1")
    return violations(check, Table(["a"], [(text,)], 1), 1)[0].what


def line_of_file(text: str) -> str:
    return finding("a.py", f"{text} token-of-another", Hit("github-token", 0, "token-of-another")).text


def over_lines(secret: str) -> str:
    """Have a migration command fail with a secret of four lines, of which the last three are told."""
    known_secrets.decide([{"SIGNING_KEY": LINES}], None, Path("/"))
    app = App("shop", migrations=Migrations("db", apply=(sys.executable, "-c", f"exit({secret!r})")))
    with pytest.raises(NotChecked) as failed:
        run_migration_command(SimpleNamespace(app=app, folder=Path("/")), (SimpleNamespace(folder="/"), "db"), "")
    return str(failed.value).partition("ended with")[2]


ATTACKS = [
    at_cut("the definition of an object", SHOWN_CHARACTERS_MAX, changed),
    at_cut("a row that a check shows", SAMPLE_CHARACTERS_MAX, sample),
    at_cut("the line beside another secret", 200, line_of_file),
    Attack(
        "what a migration command prints",
        lambda folder: "e5f6" in over_lines(LINES),
        lambda folder: "the table is locked" in over_lines("first\nthe table is locked"),
        cut_first,
    ),
]
test_refused, test_twin, test_defence = promises(ATTACKS)
