"""Stand-in images and the engine's set-up, with a stub docker on PATH instead of an engine."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from scripts import engine, images
from switchyard.control import sandbox

STUB = """#!/usr/bin/env python3
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
for words, code, answer in json.loads((folder / "answers.json").read_text()):
    if all(word in sys.argv for word in words):
        sys.stdin.read()
        print(answer)
        sys.exit(code)
sys.exit(1)
"""


class StubDocker:
    """Answers by the first rule whose words all stand in the command; what no rule knows fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "docker"
        program.write_text(STUB)
        program.chmod(0o755)
        self.answer()

    def answer(self, *rules: tuple[list[str], int, str]) -> None:
        (self.folder / "answers.json").write_text(json.dumps(rules))

    def calls(self) -> list[list[str]]:
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubDocker:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(images, "registry_answers", lambda: False)
    return StubDocker(tmp_path)


def current(recipe: images.Recipe) -> str:
    return json.dumps({images.STANDIN: "1", images.RECIPE: recipe.digest()})


def test_images_that_are_there_are_neither_pulled_nor_built(docker: StubDocker) -> None:
    docker.answer(*[(["inspect", recipe.name], 0, current(recipe)) for recipe in images.RECIPES.values()])
    images.build()
    assert {call[1] for call in docker.calls()} == {"inspect"}


def test_an_image_that_somebody_pulled_is_kept(docker: StubDocker) -> None:
    docker.answer((["inspect", "redis:8"], 0, "null"))
    images.build(["redis:8"])
    assert len(docker.calls()) == 1


def test_a_stand_in_of_an_older_recipe_is_built_again(docker: StubDocker) -> None:
    docker.answer(
        (["inspect", "redis:8"], 0, json.dumps({images.STANDIN: "1", images.RECIPE: "older"})),
        (["inspect", images.BASE], 0, "{}"),
        (["build"], 0, ""),
        (["run"], 0, "Redis server v=8.0.2 sha=0"),
        (["tag"], 0, ""),
    )
    images.build(["redis:8"], say=lambda _: None)
    assert ["tag", f"switchyard/building:{images.REDIS.digest()}", "redis:8"] in docker.calls()


def test_an_image_never_gets_the_name_of_a_version_that_it_does_not_contain(docker: StubDocker) -> None:
    docker.answer(
        (["inspect", images.BASE], 0, "{}"), (["build"], 0, ""), (["run"], 0, "Redis server v=7.0.15"), (["tag"], 0, "")
    )
    with pytest.raises(images.ImageError, match=r"redis:8 would carry a version that it does not contain.*7\.0\.15"):
        images.build(["redis:8"], say=lambda _: None)
    assert not [call for call in docker.calls() if call[0] == "tag"]


def test_an_unknown_image_is_named_with_the_known_ones() -> None:
    with pytest.raises(images.ImageError, match=r"no recipe for mysql:9; there are python:3\.13-slim"):
        images.build(["mysql:9"])


def test_stand_ins_are_not_loaded_into_a_container_that_is_no_sandbox_host(docker: StubDocker) -> None:
    docker.answer((["inspect"], 0, ""), (["ls"], 0, ""), (["save"], 0, ""), (["load"], 0, ""))
    with pytest.raises(images.ImageError, match="only when asked"):
        images.load("somebodys-database")
    assert images.load("somebodys-database", ["redis:8"], anyway=True) == []


def test_only_images_that_the_sandbox_host_lacks_are_loaded(docker: StubDocker) -> None:
    docker.answer(
        (["inspect"], 0, "abcd1234"),
        (["exec", "ls"], 0, "redis:8 sha256:1\npostgres:17 sha256:old"),
        (["ls"], 0, "redis:8 sha256:1\npostgres:17 sha256:2"),
        (["save"], 0, ""),
        (["load"], 0, ""),
    )
    assert images.load("host", ["redis:8", "postgres:17"]) == ["postgres:17"]
    assert ["save", "postgres:17"] in docker.calls()


def test_removing_stand_ins_leaves_pulled_images(docker: StubDocker) -> None:
    docker.answer((["inspect", "redis:8"], 0, current(images.REDIS)), (["inspect"], 0, "{}"), (["rm"], 0, ""))
    assert images.remove() == ["redis:8"]


def test_a_recipe_changes_its_digest_with_every_file() -> None:
    recipe = images.REDIS
    other = images.Recipe(recipe.name, recipe.dockerfile, recipe.version_command, recipe.version, {"entrypoint": "#"})
    assert recipe.digest() != other.digest()


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("Types: deb\nURIs: http://a.invalid/debian\nSuites: bookworm\n", "http://a.invalid/debian"),
        ("Types: deb\nURIs: http://a.invalid/debian-security\n", ""),
        (
            "# deb http://b.invalid/debian x\ndeb [arch=amd64] http://c.invalid/debian/ bookworm main\n",
            "http://c.invalid/debian/",
        ),
    ],
)
def test_the_machines_own_debian_source_is_found_in_both_formats(text: str, uri: str) -> None:
    assert engine.main_uri(text) == uri


def test_a_machine_that_cannot_be_given_an_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "lacking", lambda: ["Docker Compose v2"])
    monkeypatch.setattr(engine, "os_release", lambda: {"ID": "fedora"})
    with pytest.raises(engine.EngineMissing, match=r"missing: Docker Compose v2\..*docker-compose-plugin"):
        engine.ensure(lambda _: None)


def test_a_free_port_is_below_the_outgoing_ones_and_not_taken() -> None:
    with socket.socket() as holder:
        first = next(sandbox.free_ports("seed"))
        holder.bind(("127.0.0.1", first))
        holder.listen()
        second = next(sandbox.free_ports("seed"))
    assert first in sandbox.PORTS and second in sandbox.PORTS and first != second


def test_a_network_that_this_machine_routes_elsewhere_is_not_taken(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "tun0\t0000E70A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert [str(network) for network in sandbox.routed_networks(table)] == ["10.231.0.0/16"]


def test_forgetting_the_sandbox_leaves_what_others_wrote(tmp_path: Path) -> None:
    hosts = [sandbox.SandboxHost("sandbox1", "c1", "10.231.0.2", 20001, str(tmp_path / "keys" / "sandbox1"))]
    sandbox.write(tmp_path / "known_hosts", "[127.0.0.1]:20001 ssh-ed25519 A\n[127.0.0.1]:20002 ssh-ed25519 B\n")
    sandbox.write_entries(tmp_path, {"other": {"machines": []}})
    sandbox.write_state(tmp_path, hosts, 8080, {"name": "shop"})
    sandbox.write_state(tmp_path, hosts, None, None)
    entry = sandbox.read_entries(tmp_path)["sandbox1"]
    assert entry["url"] == "http://10.231.0.2:8080" and entry["app"] == {"name": "shop"}
    sandbox.forget(tmp_path)
    assert sandbox.read_entries(tmp_path) == {"other": {"machines": []}}
    assert (tmp_path / "known_hosts").read_text() == "[127.0.0.1]:20002 ssh-ed25519 B\n"
    assert sandbox.listed(tmp_path) == []
