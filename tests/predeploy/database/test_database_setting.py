"""The setting of the database, and what files of SQL read of it."""

from __future__ import annotations

from dataclasses import replace

from switchyard.predeploy.database.database_setting import session_variables, setting_of
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import DatabaseSetting, PredeploySetting


def test_without_a_setting_the_defaults_hold(subject: Subject) -> None:
    assert setting_of(subject) == DatabaseSetting()
    setting = DatabaseSetting(timeout=7)
    assert setting_of(replace(subject, setting=PredeploySetting(database=setting))) == setting


def test_ignored_tables_without_a_schema_are_those_of_public() -> None:
    variables = session_variables(DatabaseSetting(ignore=["left_out", "airflow.*"], transaction=5))
    assert variables == {
        "switchyard.ignored": '["public.left_out", "airflow.*"]',
        "switchyard.transaction": "5s",
    }
