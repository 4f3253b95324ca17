"""The engine's set-up finds the machine's own Debian source, and says what to install where it cannot."""

from __future__ import annotations

import pytest

from scripts import engine


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


def test_a_machine_that_cannot_get_an_engine_by_itself_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "lacking", lambda: ["Docker Compose v2"])
    monkeypatch.setattr(engine, "os_release", lambda: {"ID": "fedora"})
    with pytest.raises(engine.EngineMissing, match=r"missing: Docker Compose v2\..*docker-compose-plugin"):
        engine.ensure(lambda _: None)
