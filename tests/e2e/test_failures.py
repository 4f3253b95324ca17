"""Releases that do not work and operators that go away, under load where users could notice."""

from __future__ import annotations

import re
import time

import pytest


def wait_for_line(process, text):
    """Read an operator's output up to the line with ``text``."""
    output = []
    for line in process.stdout:
        output.append(line)
        if text in line:
            return
    pytest.fail(f"{text!r} was never said:\n{''.join(output)}")


def test_what_never_gets_healthy_is_refused_with_the_service_and_its_last_answer(site, under_load):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.broken("health")
    site.commit("2")
    load = under_load()
    done = site.inv("deploy")
    summary = load.stop()
    assert done.returncode == 1, done.stdout
    assert "failed: web:" in done.stdout and ": 500 ok" in done.stdout, done.stdout
    assert re.search("proving healthy green .* FAILED", done.stdout), done.stdout
    assert [what for step, what in site.journal() if step == "prove"] == ["intent", "done", "intent", "failed"]
    assert summary.failed == 0, summary.errors
    assert set(summary.releases) == {first} and site.answer() == "1"
    states = set(site.containers("green").values())
    assert states <= {"exited"}, states


def test_a_crash_loop_is_named_within_10_seconds_with_its_exit_code_and_last_words(site):
    site.rewrite("    build: .\n", "    build: .\n    restart: unless-stopped\n")
    app = site.app / "app.py"
    assert "sys.exit(3)" in app.read_text()
    app.write_text(app.read_text().replace("sys.exit(3)", 'print("told to crash", flush=True), sys.exit(3)'))
    site.settings(healthy_within=60)
    site.commit("1")
    site.receipt("deploy")
    site.broken("crash")
    site.commit("2")
    began = time.monotonic()
    done = site.inv("deploy")
    took = time.monotonic() - began
    assert done.returncode == 1, done.stdout
    assert "code 3" in done.stdout and "told to crash" in done.stdout, done.stdout
    assert site.answer() == "1"
    assert "running" not in site.containers("green").values()
    assert took < 10, f"{took:.1f} s:\n{done.stdout}"


def test_pages_that_answer_500_are_refused_before_the_switch(site, under_load):
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.broken("pages")
    site.commit("2")
    load = under_load()
    done = site.inv("deploy")
    summary = load.stop()
    assert done.returncode == 1 and "500" in done.stdout, done.stdout
    assert ("smoke", "failed") in site.journal()
    assert summary.failed == 0, summary.errors
    assert set(summary.releases) == {first}


def test_a_second_deploy_is_turned_away_at_once_and_a_killed_one_leaves_the_live_release_serving(site, under_load):
    site.settings(healthy_within=60)
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.broken("health")
    site.commit("2")
    load = under_load()
    with site.start("deploy", "--host", "prod") as operator:
        try:
            wait_for_line(operator, "waiting for web")
            refused = site.turned_away("deploy")
        finally:
            operator.kill()
    assert refused.returncode == 75 and "holds the lease" in refused.stdout and "@" in refused.stdout, refused.stdout
    site.broken("none")
    deadline = time.monotonic() + 70
    while (done := site.inv("deploy")).returncode == 75:
        assert time.monotonic() < deadline, done.stdout
    assert done.returncode == 0, done.stdout
    assert site.answer() == "2"
    summary = load.stop()
    assert summary.failed == 0, summary.errors
    assert first in summary.releases and len(summary.releases) == 2
