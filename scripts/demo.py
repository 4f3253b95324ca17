#!/usr/bin/env python3
"""Show the main job on a bare Debian machine as root: a sandbox host, the checks, two releases, a rollback.

A second run resets the demo and nothing else.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

STATE = ROOT / ".switchyard"
DEMO = STATE / "demo"
HOST = "sandbox1"
PORT = 8000
INV = STATE / "venv" / "bin" / "inv"
MAY_BE_UNKNOWN = ["--allow-unknown", "audit", "--reason", "a demo may run where no advisory source answers"]
"""Known vulnerabilities fail a deploy. Where no source answers, the demo goes on and says so."""
AUTHOR = ["-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"]


def main() -> None:
    """Run the parts of the demo, and print how long they took."""
    began = time.monotonic()
    if "--ready" not in sys.argv:
        set_up()
        os.execv(INV.with_name("python"), [str(INV.with_name("python")), __file__, "--ready", str(began)])
    first, second = make_repository()
    start_host()
    for words in (
        ["predeploy", *MAY_BE_UNKNOWN],
        ["deploy", "--rev", first, *MAY_BE_UNKNOWN],
        ["deploy", "--rev", second, *MAY_BE_UNKNOWN],
        ["rollback"],
    ):
        inv(words)
    print(f"\n{(time.monotonic() - float(sys.argv[2])) / 60:.1f} minutes. Next, in {ROOT}, run:\n")
    print(f"  {INV.relative_to(ROOT)} status --host {HOST}\n")


def set_up() -> None:
    """Set up the engine, the images and the virtual environment where they are missing."""
    from scripts import selftest

    if not selftest.prepare():
        raise SystemExit("The demo needs a Docker engine. Follow the message above, then run it again.")


def make_repository() -> tuple[str, str]:
    """Make a repository with release 1 and release 2, and return their commits."""
    app = DEMO / "betting"
    shutil.rmtree(DEMO, ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "betting", app)
    git("init", "--quiet")
    first = commit("release 1")
    (app / "VERSION").write_text("2\n")
    (app / "migrations" / "0002_season.sql").write_text("ALTER TABLE games ADD COLUMN season integer;\n")
    second = commit("release 2: games have a season")
    password = DEMO / "sandbox.env"
    password.touch(mode=0o600)
    password.write_text(f"POSTGRES_PASSWORD={secrets.token_urlsafe(18)}\n")
    return first, second


def git(*words: str) -> str:
    command = ["git", *AUTHOR, "-C", str(DEMO / "betting"), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(subject: str) -> str:
    git("add", "--all")
    git("commit", "--quiet", "--message", subject)
    return git("rev-parse", "HEAD")


def start_host() -> None:
    """Start a sandbox host and remove an earlier demo from it."""
    import yaml

    from switchyard.control import sandbox

    say("starting a sandbox host: a machine with its own sshd and Docker engine")
    app = {"name": "betting", "path": str(DEMO / "betting")}
    (host,) = sandbox.up(1, state=STATE, route_port=PORT, app=app)
    reset(host.container)
    entries = yaml.safe_load((STATE / "hosts.yaml").read_text())
    entries["hosts"][HOST]["env"] = {"files": [str(DEMO / "sandbox.env")]}
    (STATE / "hosts.yaml").write_text(yaml.safe_dump(entries, sort_keys=False))
    (STATE / "deployed.json").write_text(json.dumps([HOST]))


def reset(container: str) -> None:
    """Remove the demo's containers, volumes, networks and folder from the sandbox host."""
    label = "label=switchyard.app=betting"
    inside = ["docker", "exec", container]
    for kind, listing, removal in (
        ("containers", ["ps", "--all"], ["rm", "--force"]),
        ("volumes", ["volume", "ls"], ["volume", "rm"]),
        ("networks", ["network", "ls"], ["network", "rm"]),
    ):
        listed = [*inside, "docker", *listing, "--quiet", "--filter", label]
        ids = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
        if ids:
            say(f"removing {len(ids)} {kind} of an earlier demo")
            subprocess.run([*inside, "docker", *removal, *ids], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*inside, "rm", "-rf", "/home/deploy/apps/betting"], check=True)


def inv(words: list[str]) -> None:
    """Run a verb as a person does. Exit where it fails."""
    command = [str(INV), words[0], "--host", HOST, *words[1:]]
    say(shlex.join(["inv", *command[1:]]))
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(command)} exited with {done.returncode}")


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    main()
