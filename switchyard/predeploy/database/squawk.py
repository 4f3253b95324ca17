"""squawk, a linter of migrations: how it is run, and its report as typed values."""

from __future__ import annotations

import subprocess
import sysconfig
import tempfile
from dataclasses import field
from pathlib import Path

from switchyard.core.errors import NotChecked
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Foreign, Json, WireError, key, message

SECONDS_MAX = 60
OPTIONAL_RULES = ("ban-new-write-restriction", "ban-disable-trigger", "ban-add-enum-value")
"""Rules that squawk applies on request only."""


@message(frozen=True)
class Violation(Foreign):
    """What squawk reports of one place. A report of level Error says that squawk cannot parse the file."""

    line: int
    """Counted from 0."""
    column: int
    """Bytes before it in its line."""
    level: str
    message: str
    rule: str = field(metadata=key("rule_name"))
    help: str | None = None


def squawk(path: str, text: str, major: int) -> tuple[Violation, ...]:
    """Lint one migration for a server of a major version. Raise ``NotChecked`` with its path.

    Only the options that are given here apply: not squawk's settings, and not the file's ``squawk-ignore``.
    """
    program = Path(sysconfig.get_path("scripts")) / "squawk"
    options = ["--reporter", "json", "--config", "/dev/null", "--pg-version", f"{major}.0"]
    for rule in OPTIONAL_RULES:
        options += ["--include", rule]
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        file = Path(folder) / "migration.sql"
        file.write_bytes(text.replace("squawk-ignore", "squawk_ignore").encode())
        try:
            run = subprocess.run(
                [str(program), *options, file.name],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=SECONDS_MAX,
                check=False,
            )
        except OSError as error:
            raise NotChecked(f"squawk: {program}: {error.strerror}; install squawk-cli beside Switchyard") from None
        except subprocess.TimeoutExpired:
            raise NotChecked(f"{path}: squawk did not end within {SECONDS_MAX} s") from None
    report = _parsed(run.stdout)
    if run.returncode not in (0, 1) or report is None:
        raise NotChecked(f"{path}: squawk ended with {run.returncode}: {run.stderr.strip()}")
    return report


def _parsed(output: str) -> tuple[Violation, ...] | None:
    """Return the report; None where there is none. Output that is no JSON holds no violation."""
    try:
        report: Json = json_text.parse(output or "null")
    except ValueError:
        return ()
    if not isinstance(report, list):
        return None
    try:
        return tuple(Violation.decode(item, f"squawk[{index}]") for index, item in enumerate(report))
    except WireError as error:
        raise NotChecked(f"cannot read squawk's report: {error}; install the version that Switchyard names") from None
