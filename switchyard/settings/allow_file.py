"""The person's own file of allowances, outside every repository: ``~/.config/switchyard/allow.yaml``."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from switchyard.core.errors import BadInput
from switchyard.core.wire.allowance import NOTHING, Allowance
from switchyard.settings import yaml_file
from switchyard.settings.allow import AllowSetting
from switchyard.settings.fields import Section
from switchyard.settings.predeploy import WaiverSetting

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class AllowFile(Section):
    """What each application may use, by the application's folder."""

    allow: dict[str, AllowSetting] = {}


def path() -> Path:
    """Return where the file is, or would be."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "switchyard" / "allow.yaml"


def read(app_folder: Path) -> Allowance:
    """Return what the file allows an application. Raise ``BadInput`` where somebody else may write to it."""
    entry = _entry(app_folder)
    return NOTHING if entry is None else entry.allowance()


def waivers(app_folder: Path) -> list[WaiverSetting]:
    """Return what the file lets an application reach of its hosts."""
    entry = _entry(app_folder)
    return [] if entry is None else entry.waive


def _entry(app_folder: Path) -> AllowSetting | None:
    file = path()
    try:
        status = file.stat()
    except OSError:
        return None
    if status.st_uid not in (0, os.getuid()) or status.st_mode & OTHERS_MAY_WRITE:
        raise BadInput(f"{file}: others may write to it, so it allows nothing. Run: chmod go-w {file}")
    entries = yaml_file.parse_as(AllowFile, yaml_file.read_text(file), str(file)).allow
    return next((entry for folder, entry in entries.items() if _is_same(folder, app_folder)), None)


def _is_same(folder: str, app_folder: Path) -> bool:
    return Path(os.path.expanduser(folder)).resolve() == app_folder.resolve()
