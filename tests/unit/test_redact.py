"""Values of the env are taken out of what is shown: whole, by line, out of URLs, and however a text escapes them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard.control import compose
from switchyard.core.app import App
from switchyard.core.errors import BadInput, SwitchyardError
from switchyard.core.redact import GONE, LEAST, redact, redact_all, spellings
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.steps import edge as edge_steps
from tests.harness.release_record import RECORD

CANARY = "canary-3f9a1c77d2"


@given(st.text(min_size=LEAST), st.text(), st.text())
def test_no_value_is_left_in_a_text_that_holds_it_alone_or_as_json(value, before, after):
    text = redact(f"{before} {value} {after}", spellings([value]))
    assert value not in text or value in GONE * LEAST
    assert value not in json.loads(redact_all([json.dumps({"v": value})], spellings([value]))[0] or '""').values()


@pytest.mark.parametrize(
    "value,text",
    [
        (f"postgres://user:{CANARY}@db:5432/shop", f'password "{CANARY}" is wrong for user'),
        ("redis://:p%40ss-word-1@cache", "AUTH p@ss-word-1 failed"),
        (f"-----BEGIN KEY-----\n{CANARY}\n-----END KEY-----\n", f"cannot parse line 2: {CANARY}"),
        ('it\'s "quoted" ☃', json.dumps({"env": 'it\'s "quoted" ☃'})),
    ],
)
def test_a_part_of_a_value_that_is_secret_by_itself_goes_too(value, text):
    shown = redact(text, spellings([value]))
    assert GONE in shown and CANARY not in shown and "p@ss" not in shown and "quoted" not in shown


def test_short_values_and_words_inside_others_stay():
    assert redact("sandbox of box and boxing", spellings(["box", "boxing"])) == f"sandbox of box and {GONE}"
    assert redact("a reboxing", spellings(["boxing"])) == "a reboxing"


@pytest.fixture
def attempt(tmp_path):
    store = Store(tmp_path / "root")
    store.prepare()
    folder = store.attempts / "one"
    folder.mkdir()
    release = "20261124T101010Z-fec79b6"
    (tmp_path / "token").write_text("canary-in-a-file\n")
    write_json(store.release(release) / "values.json", [CANARY, "fec79b6", "switch"])
    write_json(store.release(release) / "blue.json", {"secrets": {"token": {"file": str(tmp_path / "token")}}})
    store.releases.write(replace(RECORD, id=release, commit="fec79b6" + "0" * 33))
    made = Attempt(store, folder, {"verb": "deploy", "app": "shop"})
    made.release = release
    return made


def test_an_event_keeps_the_names_that_are_compared_and_loses_the_secrets(attempt):
    attempt.emit("end", release=attempt.release, outcome="switch", reason=f"{attempt.release}: {CANARY}")
    (event,) = map(json.loads, (attempt.folder / "events.jsonl").read_text().splitlines())
    assert (event["release"], event["outcome"]) == (attempt.release, "switch")
    assert event["reason"] == f"{attempt.release}: {GONE}"


def test_what_a_command_prints_is_logged_without_the_env_and_the_file_secrets(attempt):
    attempt.run(["echo", CANARY, "and", "canary-in-a-file"])
    path = attempt.store.release(attempt.release) / "log"
    assert "canary" not in path.read_text() and "and" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", [f"TOKEN {CANARY}=1\n", f"TOKEN='{CANARY}\n", f"export TOKEN {CANARY}\n"])
def test_an_env_that_cannot_be_read_is_told_without_its_values(text):
    with pytest.raises(BadInput) as caught:
        compose.env_values(text)
    assert CANARY not in str(caught.value)


def test_a_document_that_a_value_breaks_is_told_without_the_value(tmp_path):
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x, ports: ['${PORT}:80']}}\n")
    with pytest.raises(BadInput, match=GONE) as caught:
        compose.resolve(tmp_path, App("shop"), {"PORT": CANARY})
    assert CANARY not in str(caught.value)


def test_no_free_loopback_port_is_named():
    with pytest.raises(SwitchyardError, match="no free loopback port between 20000 and 32700"):
        edge_steps._free_port(set(range(20000, 32700)))
