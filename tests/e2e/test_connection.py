"""A connection that is cut or swallows words, and Ctrl-C, cost no release."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.harness.relay import Relay
from tests.harness.site import Site


@pytest.fixture
def relay(site: Site) -> Iterator[Relay]:
    relay = Relay(site.host.port)
    site.reach_through(relay.port)
    yield relay
    relay.server.close()


def test_a_connection_that_is_cut_is_made_again_and_the_deploy_goes_to_its_end(site, relay):
    site.commit("1")
    done = site.deploy_struck("building images", lambda _: relay.cut())
    assert done.returncode == 0, done.stdout
    assert "building images" in done.stdout and "3 remote executions" in done.stdout
    with urllib.request.urlopen(site.url, timeout=5) as answer:
        assert answer.status == 200


def test_a_word_that_a_broken_line_swallowed_is_said_again(site, relay):
    site.commit("1")
    output = ""
    with site.start("deploy", "--host", "prod") as process:
        assert process.stdout is not None
        for line in process.stdout:
            output += line
            if "building images" in line:
                relay.deaf = True
            if "nothing to go back to" in line:  # next is the word to switch, which the host does not hear
                swallowed = relay.swallowed
                while relay.swallowed == swallowed and process.poll() is None:
                    time.sleep(0.01)
                relay.deaf = False
                relay.cut()
        process.wait(30)
    assert process.returncode == 0, output
    assert "switching traffic" in output and "3 remote executions" in output


def test_ctrl_c_while_a_release_is_sent_leaves_nobody_with_the_lease_and_the_next_deploy_goes_live(site, relay):
    site.commit("1")
    site.receipt("deploy")
    (site.app / "large").write_bytes(os.urandom(8 << 20))
    site.commit("2")
    relay.room = 2 << 20
    with site.start("deploy", "--host", "prod") as process:
        while not relay.swallowed:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.01)
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    took = time.monotonic() - interrupted
    relay.room = 0
    assert process.returncode == 130 and "cancelled: nothing live changed" in output, output
    assert site.answer() == "1" and site.receipt("status")["hosts"][0]["lease"] is None
    site.receipt("deploy")
    assert site.answer() == "2"
    assert took < 20, f"{took:.1f} s"
