"""Where a suite's run leaves which lines it reached, and how coverage measures and reports them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from switchyard.predeploy.engine import cache
from switchyard.predeploy.engine.application_files import existing
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.subject import Subject

COMPLETE = "complete"
"""The file in a suite's folder that names the measured folder once every test has ended."""


def data_folder(suite: Check, subject: Subject) -> Path:
    """Return the folder of a suite's data. A cached pass finds the data of its own run."""
    return subject.state / "coverage" / suite.name / cache.key(suite, subject)[:32]


def fresh_data_folder(suite: Check, subject: Subject) -> Path | None:
    """Make the folder empty, and delete the data of older trees. Return None if no sources are measured."""
    data = data_folder(suite, subject)
    shutil.rmtree(data, ignore_errors=True)
    if not subject.setting.sources:
        return None
    data.mkdir(parents=True)
    for old in sorted(data.parent.iterdir(), key=lambda folder: -folder.stat().st_mtime)[cache.KEPT :]:
        shutil.rmtree(old, ignore_errors=True)
    return data


def measuring(subject: Subject, data: Path) -> str:
    """Return coverage's configuration while a suite runs, whatever the application's own configuration excludes."""
    sources = existing(subject, "sources", subject.setting.sources)
    return (
        "[run]\nbranch = true\nparallel = true\nsigterm = true\nconcurrency = thread,multiprocessing\n"
        f"data_file = {data / 'data'}\nsource =\n"
        + "".join(f"    {(subject.folder / name).resolve()}\n" for name in sources)
        + "[report]\ninclude_namespace_packages = true\n"
    )


def reporting(subject: Subject, measured: Iterable[str]) -> str:
    """Return coverage's configuration for the report: every line that can run counts, no ``omit`` and no ``pragma``.

    ``measured``: the folders in which the suites ran, such as an export of the commit. They count as this one.
    """
    here = subject.folder.resolve()
    sources = "".join(f"    {here / name}\n" for name in subject.setting.sources)
    aliases = "".join(f"    {folder}\n" for folder in sorted(measured))
    return (
        f"[run]\nbranch = true\nsource =\n{sources}"
        f"[paths]\nhere =\n    {here}\n{aliases}"
        "[report]\ninclude_namespace_packages = true\nignore_errors = true\n"
        "exclude_lines =\n    ^\\s*(((async )?def .*?)?[\\])]+(\\s*->.*?)?:\\s*)?\\.\\.\\.\\s*(#|$)\n"
        "    ^\\s*if (typing\\.)?TYPE_CHECKING:\npartial_branches =\n    (?!)\n"
    )
