"""What migrations build, shared by the checks of a run."""

from __future__ import annotations

import pytest

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.reference_databases import reference_databases
from switchyard.predeploy.database.sql_file import SqlFile
from switchyard.predeploy.engine.subject import Subject

GOOD = (SqlFile("1.sql", "CREATE TABLE t (id int PRIMARY KEY)"),)
BAD = (SqlFile("2.sql", "SELECT 1;\nSELECT * FROM gone"),)


def test_the_same_migrations_are_built_once_and_so_is_their_error(subject: Subject) -> None:
    with subject.closing:
        databases = reference_databases(subject)
        assert databases.build(18, GOOD) is databases.build(18, GOOD)
        assert databases.build(18, GOOD).name != databases.build(18, ()).name
        errors = []
        for _ in range(2):
            with pytest.raises(NotChecked, match=r"2\.sql:2: .*gone") as refused:
                databases.build(18, BAD)
            errors.append(refused.value)
        assert errors[0] is errors[1]
