"""The files that settings come from, and which one wins."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.settings import load
from tests.harness.settings import HOSTS, checkout, prod


def test_a_checkout_without_settings_has_no_hosts_and_says_how_to_get_one(tmp_path):
    assert load.load(tmp_path) == (None, {})
    with pytest.raises(BadInput, match=r"Known hosts: none: add one .* or run inv sandbox\.up"):
        load.host(tmp_path, "prod")


def test_an_unknown_host_is_answered_with_those_that_are_known(tmp_path):
    generated = "hosts:\n  sandbox1:\n    machines: [{name: s, address: 127.0.0.1, port: 2222}]\n"
    with pytest.raises(BadInput, match=r"no host is called 'elsewhere'\. Known hosts: prod, sandbox1"):
        load.host(checkout(tmp_path, HOSTS, generated), "elsewhere")


def test_the_sandbox_hosts_are_added_to_the_written_ones(tmp_path):
    generated = "hosts:\n  sandbox1:\n    machines: [{name: s, address: 127.0.0.1, port: 2222}]\n    app: {name: try}\n"
    _, hosts = load.load(checkout(tmp_path, f"app: {{name: shop}}\n{HOSTS}", generated))
    assert sorted(hosts) == ["prod", "sandbox1"]
    assert hosts["sandbox1"].setting.machines[0].port == 2222
    assert (hosts["prod"].app_setting.name, hosts["sandbox1"].app_setting.name) == ("shop", "try")


def test_the_checkouts_settings_lie_over_those_of_the_commit(tmp_path):
    text = f"app:\n  name: shop\n  drain: 5\n  kinds: {{worker: plain}}\n{HOSTS}"
    own = "app:\n  name: theirs\n  drain: 9\n  standby: 7\n  kinds: {worker: handover}\n  smoke: [make, smoke]\n"
    app = load.application(prod(tmp_path, text), own, "sub")
    assert (app.name, app.path, app.drain, app.standby) == ("shop", "sub", 5, 7)
    assert app.kinds == {"worker": "plain"} and app.smoke == ("make", "smoke")


def test_an_application_without_a_name_has_that_of_its_folder(tmp_path):
    folder = tmp_path / "Shop"
    folder.mkdir()
    assert load.application(prod(folder, HOSTS), None, ".").name == "shop"


def test_a_generated_host_is_added_and_replaces_none(tmp_path):
    entry = "machines: [{name: a, address: %s}]"
    (tmp_path / ".switchyard").mkdir()
    (tmp_path / ".switchyard" / "hosts.yaml").write_text(
        f"hosts: {{prod: {{{entry % 'generated'}}}, box: {{{entry % 'added'}}}}}"
    )
    (tmp_path / "invoke.yaml").write_text(f"hosts: {{prod: {{{entry % 'written'}}}}}")
    _, hosts = load.load(tmp_path)
    assert {name: host.setting.machines[0].address for name, host in hosts.items()} == {
        "box": "added",
        "prod": "written",
    }


def test_the_settings_of_a_host_go_over_those_of_the_checkout_key_by_key(tmp_path):
    (tmp_path / "invoke.yaml").write_text(
        "app: {name: shop, path: there, drain: 5}\n"
        "hosts: {prod: {machines: [{name: a, address: b}], app: {drain: 9}}}\n"
    )
    setting = load.host(tmp_path, "prod").app_setting
    assert (setting.name, setting.path, setting.drain) == ("shop", "there", 9)


def test_an_unknown_host_is_answered_with_the_known_ones(tmp_path):
    folder = checkout(tmp_path, "hosts:\n  prod:\n    machines: [{name: a, address: 192.0.2.1}]\n")
    with pytest.raises(BadInput, match="did you mean 'prod'"):
        load.host(folder, "prdo")


def test_the_checkout_wins_over_the_application_s_own_settings(tmp_path):
    text = "app: {name: shop, drain: 5}\nhosts:\n  prod:\n    machines: [{name: a, address: 192.0.2.1}]\n"
    app = load.application(load.host(checkout(tmp_path, text), "prod"), "app: {drain: 9, standby: 7}\n", ".")
    assert (app.name, app.drain, app.standby) == ("shop", 5, 7)
