"""What a host must hold before the first container starts: each form of a source, and who can read it."""

from __future__ import annotations

from typing import Any

import pytest

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.dockerfile import recipe
from switchyard.core.split.host_sources import HostSource, host_sources, judge_sources
from switchyard.core.state_keeping import NO_FACTS, ImageFacts
from switchyard.core.wire.answers import FileRights
from tests.harness.shop_documents import bind


def paths(service: dict[str, Any], top: dict[str, Any] | None = None, **settings: Any) -> list[str]:
    document = Document.decode({"services": {"web": service}, **(top or {})})
    return [source.path for source in host_sources(document, App("shop", **settings), NO_FACTS, "/srv/shop")]


SECRET = {"secrets": [{"source": "token"}]}
CONFIG = {"configs": [{"source": "token"}]}


@pytest.mark.parametrize(
    "service,top,settings,expected",
    [
        ({"volumes": [bind("/srv/x")]}, {}, {}, ["/srv/x"]),
        ({"volumes": [bind("~/x")]}, {}, {}, ["~/x"]),
        ({"volumes": [{**bind("/srv/x"), "read_only": True}]}, {}, {}, ["/srv/x"]),
        ({"volumes": [bind("./x/")]}, {}, {"data": {"x": "/srv/x"}}, ["/srv/x"]),
        ({"volumes": [bind("./x")]}, {}, {"data": {"./x": "data"}}, []),
        ({"volumes": [bind("./code")]}, {}, {}, []),
        (
            {"volumes": [{"type": "volume", "source": "v", "target": "/v"}, {"type": "tmpfs", "target": "/t"}]},
            {},
            {},
            [],
        ),
        ({}, {}, {"data": {"web:/srv/up": "/srv/x"}}, ["/srv/x"]),
        (SECRET, {"secrets": {"token": {"file": "/srv/t"}}}, {}, ["/srv/t"]),
        (SECRET, {"secrets": {"token": {"file": "./t.txt"}}}, {"data": {"t.txt": "data"}}, ["/srv/shop/data/t.txt"]),
        (SECRET, {"secrets": {"token": {"file": "./t.txt"}}}, {"data": {"t.txt": "/srv/t"}}, ["/srv/t"]),
        (SECRET, {"secrets": {"token": {"file": "./t.txt"}}}, {}, []),
        (CONFIG, {"configs": {"token": {"file": "/srv/t"}}}, {}, ["/srv/t"]),
        (CONFIG, {"configs": {"token": {"content": "x"}}}, {}, []),
        ({"profiles": ["debug"], "volumes": [bind("/srv/x")]}, {}, {}, []),
        ({"volumes": [bind("/srv/x")]}, {}, {"kinds": {"web": "ignored"}}, []),
    ],
)
def test_each_source_of_the_host_that_no_release_carries_is_named(service, top, settings, expected):
    assert paths(service, top, **settings) == expected


def problems(user: str, mode: str, uid: int = 1000, gid: int = 1000) -> tuple[int, int]:
    """Return how many problems and unknowns there are of a secret file with these rights."""
    source = HostSource("service web: secrets.token", "/srv/t", True, user)
    judgement = judge_sources([source], {"/srv/t": FileRights(mode=mode, owner="deploy", uid=uid, gid=gid)})
    return len(judgement.problems), len(judgement.unknown)


@pytest.mark.parametrize(
    "user,mode,expected",
    [
        ("", "0600", (0, 0)),
        ("0", "0600", (0, 0)),
        ("root:1", "0600", (0, 0)),
        ("1000", "0600", (0, 0)),
        ("1000", "0060", (1, 0)),
        ("1001", "0600", (1, 0)),
        ("1001", "0640", (1, 0)),
        ("1001:1000", "0640", (0, 0)),
        ("1001:1000", "0600", (1, 0)),
        ("1001", "0644", (0, 0)),
        ("nobody", "0640", (1, 0)),
        ("app", "0640", (0, 1)),
        ("app", "0644", (0, 0)),
    ],
)
def test_the_service_s_own_user_must_be_able_to_read_its_secrets(user, mode, expected):
    assert problems(user, mode) == expected


def test_what_is_not_there_is_a_problem_and_what_nobody_can_look_at_is_unknown():
    sources = [HostSource("service web: volumes: /srv/x", "/srv/x", False, ""), HostSource("s", "/root/x", False, "")]
    judgement = judge_sources(sources, {"/srv/x": None, "/root/x": FileRights(why="Permission denied")})
    assert judgement.problems == (
        "service web: volumes: /srv/x: the host has no /srv/x. Create the file or folder there, or correct the path",
    )
    assert judgement.unknown == ("s: whether the host has /root/x is unknown: Permission denied",)


@pytest.mark.parametrize(
    "own,dockerfile,expected", [("1", "USER 2", "1"), (None, "USER 2", "2"), (None, "RUN true", "")]
)
def test_the_user_is_that_of_the_file_or_else_of_the_dockerfile(own, dockerfile, expected):
    service = {"build": {"context": "."}, "user": own, **SECRET}
    document = Document.decode({"services": {"web": service}, "secrets": {"token": {"file": "/srv/t"}}})
    facts = ImageFacts({"web": recipe(f"FROM a\n{dockerfile}")})
    (source,) = host_sources(document, App("shop"), facts, "/srv/shop")
    assert source.user == expected
