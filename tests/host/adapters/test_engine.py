"""The engine's API, against a stand-in on a socket."""

from __future__ import annotations

import json
import time
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest

from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import RestartPolicy
from tests.harness.fake_engine import listed


def framed(*parts: bytes) -> bytes:
    return b"".join(bytes([1, 0, 0, 0]) + len(part).to_bytes(4, "big") + part for part in parts)


def test_containers_are_listed_by_their_labels_stopped_ones_too(fake_engine):
    fake_engine.know("/containers/json", [listed("web", service="web")])
    assert [container.service for container in engine.containers("a=b", "c")] == ["web"]
    query = parse_qs(urlsplit(fake_engine.requests[0].path).query)
    assert query["all"] == ["true"] and json.loads(query["filters"][0]) == {"label": ["a=b", "c"]}


def test_what_the_engine_does_not_know_is_none(fake_engine):
    assert engine.inspect("gone") is None and engine.image_id("gone") is None and engine.image_labels("gone") == {}
    assert engine.restart_count("gone") == 0 and engine.address("gone") == "" and engine.logs("gone") == ""
    assert not engine.has_network("gone") and not engine.has_volume("gone")
    assert engine.execute("gone", ["true"]) == (125, "no such container")


def test_an_engine_that_does_not_answer_is_not_checked_and_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(engine, "SOCKET", str(tmp_path / "none"))
    assert engine.is_away()
    with pytest.raises(NotChecked, match=r"does not answer on .* Start it, or add the SSH user to the docker group"):
        engine.containers()


def test_a_refusal_names_the_request_without_its_query(fake_engine):
    fake_engine.refusals["POST", "/containers/web/update"] = "container not running"
    with pytest.raises(SwitchyardError, match=r"the engine refused POST /containers/web/update: .*not running"):
        engine.set_restart_policy("web", RestartPolicy("no"))
    assert fake_engine.requests[0].body == {"RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}


def test_the_evidence_of_a_container_holds_names_of_variables_and_no_value(fake_engine):
    fake_engine.know("/containers/web/json", {"Id": "web", "Config": {"Env": ["A=secret", "B"], "Image": "x"}})
    assert engine.description("web") == {"Id": "web", "Config": {"Env": ["A", "B"], "Image": "x"}}


def test_a_command_in_a_container_has_an_exit_code_and_the_output_of_both_streams(fake_engine):
    fake_engine.know("/containers/web/exec", {"Id": "e1"}, "POST")
    fake_engine.know("/exec/e1/start", framed(b"one\n", b"two\n"), "POST")
    fake_engine.know("/exec/e1/json", {"ExitCode": 3})
    assert engine.execute("web", ["ls"]) == (3, "one\ntwo")
    fake_engine.know("/exec/e1/json", {"ExitCode": None})
    assert engine.execute("web", ["ls"])[0] == 126 >= engine.NOT_EXECUTED
    fake_engine.refusals["POST", "/containers/web/exec"] = "is paused"
    assert engine.execute("web", ["ls"])[0] == 126


def test_the_output_of_a_terminal_has_no_frames(fake_engine):
    fake_engine.know("/containers/web/logs", b"plain text\n")
    assert engine.logs("web", 5) == "plain text" and "tail=5" in fake_engine.requests[0].path


@pytest.mark.parametrize(
    "stats,used",
    [
        ({"usage": 100, "stats": {"inactive_file": 30}}, 70),
        ({"usage": 100, "stats": {"total_inactive_file": 40, "inactive_file": 30}}, 60),
        ({"usage": 10, "stats": {"inactive_file": 30}}, 0),
        ({}, 0),
    ],
)
def test_the_memory_of_a_container_is_without_what_the_kernel_can_drop(fake_engine, stats, used):
    fake_engine.know("/containers/json", [listed("web")])
    fake_engine.know("/containers/web/stats", {"memory_stats": stats})
    (container,) = engine.containers()
    assert engine.memory_used(container) == used
    assert engine.memory_used(container._replace(state="exited")) == 0


def test_images_volumes_networks_and_address_pools_are_read(fake_engine):
    fake_engine.know("/images/json", [{"RepoTags": ["b:1", "a:1"]}, {"RepoTags": None}])
    fake_engine.know("/images/a%3A1/json", {"Id": "sha256:1", "Config": {"Labels": {"x": "y"}}})
    fake_engine.know("/volumes", {"Volumes": [{"Name": "b"}, {"Name": "a"}]})
    fake_engine.know("/networks", [{"Driver": "bridge", "Labels": {"switchyard.app": "shop"}}, {"Driver": "host"}])
    pools = [{"Base": "10.0.0.0/16", "Size": 24}]
    fake_engine.know("/info", {"DockerRootDir": "/var/lib/docker", "DefaultAddressPools": pools})
    fake_engine.know("/version", {"Version": "28.0"})
    assert engine.image_tags() == ["a:1", "b:1"] and engine.volumes() == ["a", "b"] and engine.version() == "28.0"
    assert engine.image_id("a:1") == "sha256:1" and engine.image_labels("a:1") == {"x": "y"}
    assert [(network.driver, network.app) for network in engine.networks()] == [("bridge", "shop"), ("host", None)]
    assert engine.info().root == "/var/lib/docker"
    assert [(pool.bits, pool.size) for pool in engine.info().pools] == [(16, 24)]


def test_what_switchyard_creates_has_its_label_and_no_range_left_is_told(fake_engine):
    assert not engine.create_network("shop-blue", "shop")
    fake_engine.know("/networks/create", {"Id": "n"}, "POST")
    assert engine.create_network("shop-blue", "shop")
    engine.create_volume("shop_db", "shop")
    labels = {"switchyard.app": "shop"}
    assert fake_engine.requests[-2].body == {"Name": "shop-blue", "Driver": "bridge", "Labels": labels}
    assert fake_engine.requests[-1].body == {"Name": "shop_db", "Labels": labels}


def test_removing_signalling_and_trimming_ask_for_just_that(fake_engine):
    engine.remove("web")
    engine.remove("web", force=True)
    engine.signal("edge", "SIGUSR2")
    engine.trim_build_cache(1000, within=5)
    assert fake_engine.asked("DELETE") == ["/containers/web", "/containers/web?force=true"]
    assert fake_engine.asked("POST") == [
        "/containers/edge/kill?signal=SIGUSR2",
        "/build/prune?keep-storage=1000&reserved-space=1000",
    ]


def test_a_million_frames_of_one_byte_are_read_in_a_moment(fake_engine):
    fake_engine.know("/containers/web/logs", b"".join(framed(b"x") for _ in range(1_000_000)))
    began = time.monotonic()
    assert len(engine.logs("web")) == 1_000_000 and time.monotonic() - began < 10


def test_an_answer_that_does_not_end_in_time_is_no_answer(fake_engine, monkeypatch):
    fake_engine.know("/containers/web/logs", bytes(1 << 20))
    monkeypatch.setattr(engine, "_read", partial(_late, engine._read))
    with pytest.raises(engine.Away, match="its answer does not end"):
        engine.logs("web")


def _late(read, answer, deadline: float) -> bytes:
    return read(answer, deadline - 60)
