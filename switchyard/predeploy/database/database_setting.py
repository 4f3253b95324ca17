"""``app.predeploy.database`` of the application that is checked."""

from __future__ import annotations

import json

from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import DatabaseSetting


def setting_of(subject: Subject) -> DatabaseSetting:
    """Return the setting, or its defaults where none is set."""
    return subject.setting.database or DatabaseSetting()


def session_variables(setting: DatabaseSetting) -> dict[str, str]:
    """Return the variables that Switchyard's statements read with ``current_setting``."""
    ignored = [name if "." in name else f"public.{name}" for name in setting.ignore]
    return {"switchyard.ignored": json.dumps(ignored), "switchyard.transaction": f"{setting.transaction}s"}
