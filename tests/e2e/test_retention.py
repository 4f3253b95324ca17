"""What a deploy leaves stays bounded: standby, releases and build cache."""

from __future__ import annotations

import time


def test_the_old_colour_stops_when_its_standby_is_over_and_still_comes_back(site):
    site.settings(standby=1, drain=1)
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    site.receipt("deploy")
    assert list(site.containers("blue").values()) == ["running"]
    deadline = time.monotonic() + 30
    while list(site.containers("blue").values()) == ["running"] and time.monotonic() < deadline:
        restarted = site.inv("restart", "--service", "web")
        assert restarted.returncode == 0, restarted.stdout
    assert list(site.containers("blue").values()) == ["exited"]
    site.receipt("rollback")
    assert site.answer() == "1"


def test_ten_deploys_stay_within_a_tenth_of_the_disk_of_five_also_where_containers_write_as_root(site):
    site.rewrite("    ports:\n", '    user: "0"\n    volumes: ["./state:/state"]\n    ports:\n')
    (site.app / "state").mkdir()
    (site.app / "state" / "file").write_text("tracked")
    writes = 'def main():\n    os.makedirs("/state/mine/deep", 0o700, exist_ok=True)\n'
    site.rewrite("def main():\n", writes, "app.py")
    site.settings(writable=["./state"])
    used = []
    for number in range(10):
        site.commit(str(number))
        done = site.inv("deploy")
        assert done.returncode == 0 and ("open connections cut: 0" in done.stdout) == (number > 1), done.stdout
        sizes = site.run("du", "-sxk", "/var/lib/docker", "/home/deploy/apps").splitlines()
        used.append(sum(int(line.split()[0]) for line in sizes))
    assert used[9] <= used[4] * 1.1, used
    (machine,) = site.receipt("status")["hosts"]
    kept = {release["release"]: release["commit"] for release in machine["kept"]}
    assert len(kept) == 5 and set(site.run("ls", f"/home/deploy/apps/{site.name}/releases").split()) == set(kept)
    oldest = min(kept)
    back = site.inv("rollback", "--to", oldest[:4])
    assert back.returncode == 4 and "names several releases" in back.stdout, back.stdout
    site.receipt("rollback", "--to", kept[oldest][:8])
    assert site.answer() == "5"
    bad = max(kept)
    site.receipt("rollback", "--to", bad)
    assert site.answer() == "9"


CACHE_LEFT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from switchyard.host.adapters import engine
engine.trim_build_cache(int(sys.argv[2]), within=30)
records = engine._get("/system/df", {"type": "build-cache"})["BuildCache"]
print(sum(record["Size"] for record in records if not record["Shared"]))
"""
"""What a layer of an image takes is no cache: it stays as long as the image."""


def test_every_deploy_trims_the_build_cache_to_what_may_stay(site):
    filled = "FROM python:3.13-slim\\nRUN head -c 20000000 /dev/urandom > /filled"
    site.run("sh", "-c", f"cd /tmp; printf '{filled}' | docker buildx build --output type=cacheonly -")
    began = site.run("date", "+%s.%N")
    site.commit("1")
    site.receipt("deploy")
    events = site.docker("events", "--since", began, "--until", site.run("date", "+%s.%N"), "--filter", "event=prune")
    assert "builder prune" in events, events
    (program,) = site.run("sh", "-c", f"ls -d /home/deploy/apps/{site.name}/bin/*").split()
    roomy, tight = (int(site.run("python3", "-c", CACHE_LEFT, program, most)) for most in ("1000000000", "1000000"))
    assert tight < 1_000_000 < 20_000_000 < roomy, (tight, roomy)
