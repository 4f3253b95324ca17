"""A mistake in the settings: its file, its line, and the nearest key."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.settings import load, yaml_file
from tests.harness.settings import HOSTS, checkout, error, prod


@pytest.mark.parametrize(
    "text,where,near",
    [
        ("app:\n  name: shop\n  standbye: 3\n", "3: app.standbye", "standby"),
        ("app:\n  routes:\n    - service: web\n      port: 1\n      lisen: 2\n", "5: app.routes.0.lisen", "listen"),
        (
            "hosts:\n  prod:\n    machnes: []\n    machines: [{name: a, address: b}]\n",
            "3: hosts.prod.machnes",
            "machines",
        ),
    ],
)
def test_an_unknown_key_is_told_with_its_line_and_the_nearest_one(tmp_path, text, where, near):
    assert error(tmp_path, text) == f"{tmp_path}/invoke.yaml:{where}: unknown key; did you mean {near}?"


def test_a_key_like_no_other_is_told_without_a_guess(tmp_path):
    assert error(tmp_path, "app:\n  qqqqqq: 1\n") == f"{tmp_path}/invoke.yaml:2: app.qqqqqq: unknown key"


def test_every_slip_is_told_at_once(tmp_path):
    assert len(error(tmp_path, "app:\n  drain: soon\n  standbye: 3\n").splitlines()) == 2


def test_what_is_not_yaml_is_told_with_its_line(tmp_path):
    assert "invoke.yaml:3: not YAML" in error(tmp_path, "app:\n  name: shop\n  drain: ]\n")


def test_the_keys_that_others_read_from_the_file_are_left_alone(tmp_path):
    app, hosts = load.load(checkout(tmp_path, f"run: {{echo: true}}\n{HOSTS}"))
    assert app is None and list(hosts) == ["prod"]


def test_a_slip_in_the_generated_hosts_names_that_file(tmp_path):
    with pytest.raises(BadInput, match=r"\.switchyard/hosts\.yaml:2: hosts\.x\.machines"):
        load.load(checkout(tmp_path, HOSTS, "hosts:\n  x: {url: u}\n"))


def test_a_slip_in_the_commits_settings_says_that_it_is_there(tmp_path):
    with pytest.raises(BadInput, match=r"invoke\.yaml of the commit:2: app.drian: unknown key; did you mean drain"):
        load.application(prod(tmp_path, HOSTS), "app:\n  drian: 1\n", ".")


def test_settings_that_are_no_text_are_named(tmp_path):
    (tmp_path / "invoke.yaml").write_bytes(b"app: {name: \xff}")
    with pytest.raises(BadInput, match="byte 12 is not UTF-8"):
        load.load(tmp_path)


def test_an_unknown_key_names_file_line_and_the_nearest_key(tmp_path):
    folder = checkout(tmp_path, "app:\n  name: shop\n  helthy_within: 3\n")
    with pytest.raises(BadInput, match=r"invoke.yaml:3: app.helthy_within: unknown key; did you mean healthy_within\?"):
        load.load(folder)


@pytest.mark.parametrize(
    "text,words",
    [
        ("app: {name: [}\n", "invoke.yaml:1: not YAML"),
        ("hosts:\n  prod:\n    machines: []\n", "invoke.yaml:3: hosts.prod.machines"),
        ("app:\n  name: Not A Name\n", "invoke.yaml:2: app.name"),
    ],
)
def test_wrong_settings_name_their_line(tmp_path, text, words):
    with pytest.raises(BadInput) as caught:
        load.load(checkout(tmp_path, text))
    assert words in str(caught.value)


def test_a_text_without_settings_has_no_sections():
    assert yaml_file.parse("", "invoke.yaml") == yaml_file.SettingsFile()


def test_the_line_of_a_path_is_that_of_its_innermost_key():
    text = "app:\n  routes:\n    - service: web\n      port: 1\n"
    assert yaml_file.line_of(text, ["app", "routes", "0", "port"]) == 4
    assert yaml_file.line_of(text, ["app", "routes", "0", "listen"]) == 3
