"""A full disk and too little memory: a clear error, the live release untouched, and the way back still works."""

from __future__ import annotations

import pytest


@pytest.fixture
def small(site):
    """The application's root on a disk of its own, which can be filled."""
    root = f"/home/deploy/apps/{site.name}"
    site.run("install", "-d", "-o", "deploy", "-g", "deploy", "/home/deploy/apps", root)
    site.run("mount", "-t", "tmpfs", "-o", "size=1300m,mode=700,uid=1000,gid=1000", "tmpfs", root)
    yield site
    site.run("umount", "--lazy", root)


def fill(site) -> None:
    root = f"/home/deploy/apps/{site.name}"
    site.run("sh", "-c", f"dd if=/dev/zero of={root}/filling bs=1M 2>/dev/null; true")
    assert site.run("df", "--output=avail", root).split()[-1] == "0"


def test_a_disk_that_fills_up_during_a_build_stops_the_deploy_and_not_the_rollback(small, under_load):
    site = small
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    site.receipt("deploy")
    dockerfile = site.app / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("USER nobody", f"RUN sleep 5 # {site.name}\nUSER nobody"))
    site.commit("3")
    load = under_load()
    with site.start("deploy", "--host", "prod") as process:
        while "sleep 5" not in site.run("ps", "-ef"):
            assert process.poll() is None, process.communicate()[0]
        fill(site)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and "is full. Free some" in said, said
    assert "Traceback" not in said and site.answer() == "2"
    refused = site.inv("deploy")
    assert refused.returncode in (1, 4) and "free" in refused.stdout.lower(), refused.stdout
    back = site.inv("rollback")
    assert back.returncode == 0, back.stdout
    assert site.answer() == "1"
    assert load.stop().failed == 0
    site.run("rm", f"/home/deploy/apps/{site.name}/filling")
    site.receipt("deploy", "--force", "--yes")
    assert site.answer() == "3"


def test_a_container_that_is_killed_for_lack_of_memory_is_named_so(site):
    site.commit("1")
    site.receipt("deploy")
    site.rewrite(
        "    stop_grace_period: 20s\n", "    stop_grace_period: 20s\n    mem_limit: 40m\n    memswap_limit: 40m\n"
    )
    path = site.app / "app.py"
    path.write_text(path.read_text().replace("def main():\n", 'def main():\n    held = b"x" * (200 << 20)\n'))
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 1 and "lack of memory (OOM)" in done.stdout, done.stdout
    assert site.answer() == "1"
