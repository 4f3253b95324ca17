"""A canary in the env is where it must be, for its owner only, and nowhere else."""

from __future__ import annotations

import re
import threading

CANARY = "canary-3f9a1c77d2"
MAY = re.compile(r"^releases/[^/]+/(env|(values|compose|blue|green)\.json)$")
LOOK = """
import pathlib, sys
found = set()
for entry in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        words = (entry / "cmdline").read_bytes()
        around = (entry / "environ").read_bytes()
        name = words.split(b"\\0")[0].decode()
        root = (entry / "root").resolve()
        mine = pathlib.Path("/proc/1/ns/mnt").stat().st_ino != (entry / "ns" / "mnt").stat().st_ino
    except OSError:
        continue
    if sys.argv[1][::-1].encode() in words:
        found.add("argv of " + name)
    if sys.argv[1][::-1].encode() in around and not mine:
        found.add("environment of " + name)
print(sorted(found) if found else "")
"""


def test_a_secret_is_shown_nowhere_and_kept_for_its_owner_only(site):
    site.rewrite("      BREAK:", "      SECRET: ${SECRET:?}\n      BREAK:")
    path = site.app / "app.py"
    path.write_text(
        path.read_text().replace("sys.exit(3)", 'print("it is", os.environ["SECRET"], flush=True), sys.exit(3)')
    )
    env = site.checkout / "prod.env"
    env.write_text(f"BREAK=none\nSECRET={CANARY}\n")
    said: list[str] = []
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.add(site.run("python3", "-c", LOOK, CANARY[::-1]))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        site.commit("1")
        said.append(site.inv("plan").stdout)
        said.append(site.inv("deploy").stdout)
        env.write_text(f"BREAK=crash\nSECRET={CANARY}\n")
        site.commit("2")
        failed = site.inv("deploy")
        assert failed.returncode == 1 and "it is •••" in failed.stdout, failed.stdout
        said.append(failed.stdout)
        env.write_text(f"BREAK=none\nSECRET={CANARY}\n")
        site.commit("3")
        for words in (["deploy", "--json"], ["rollback"], ["status", "--json"], ["history"], ["services", "--explain"]):
            done = site.inv(*words)
            assert done.returncode == 0, done.stdout
            said.append(done.stdout)
    finally:
        over.set()
        watcher.join()
    assert not [text for text in said if CANARY in text]
    assert seen == {""}, seen
    root = f"/home/deploy/apps/{site.name}"
    holding = site.run("sh", "-c", f"grep -rl {CANARY} {root} || true").splitlines()
    assert holding and not [name for name in holding if not MAY.match(name.removeprefix(f"{root}/"))], holding
    modes = site.run("stat", "--format", "%a", *holding).split()
    assert set(modes) == {"600"}
    assert site.run("stat", "--format", "%a", root) == "700"
