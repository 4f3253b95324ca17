"""The settings: what is read from where, which wins, and where a slip of the pen stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from switchyard.control import compose as resolve
from switchyard.core.errors import BadInput
from switchyard.settings import load as settings
from switchyard.settings.fields import known_keys

CRITICAL = "app.predeploy.database.critical"
HOSTS = "hosts:\n  prod:\n    machines: [{name: a, address: 192.0.2.1}]\n"


def checkout(folder: Path, text: str, generated: str | None = None) -> Path:
    (folder / "invoke.yaml").write_text(text)
    if generated is not None:
        (folder / ".switchyard").mkdir()
        (folder / ".switchyard" / "hosts.yaml").write_text(generated)
    return folder


def said(folder: Path, text: str) -> str:
    with pytest.raises(BadInput) as caught:
        settings.load(checkout(folder, text))
    return str(caught.value)


def prod(folder: Path, text: str) -> settings.Host:
    return settings.host(checkout(folder, text), "prod")


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
    assert said(tmp_path, text) == f"{tmp_path}/invoke.yaml:{where}: unknown key; did you mean {near}?"


def test_a_key_like_no_other_is_told_without_a_guess(tmp_path):
    assert said(tmp_path, "app:\n  qqqqqq: 1\n") == f"{tmp_path}/invoke.yaml:2: app.qqqqqq: unknown key"


@pytest.mark.parametrize(
    "text,words",
    [
        ("app:\n  drain: soon\n", "invoke.yaml:2: app.drain: Input should be a valid integer"),
        ("app:\n  kinds:\n    web: routed\n    job: once\n", "invoke.yaml:4: app.kinds.job: Input should be 'routed'"),
        ("app: [1]\n", "invoke.yaml:1: app: "),
        ("- app\n", "invoke.yaml: settings are a mapping"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_with_its_line(tmp_path, text, words):
    assert words in said(tmp_path, text)


def test_every_slip_is_told_at_once(tmp_path):
    assert len(said(tmp_path, "app:\n  drain: soon\n  standbye: 3\n").splitlines()) == 2


def test_what_is_not_yaml_is_told_with_its_line(tmp_path):
    assert "invoke.yaml:3: not YAML" in said(tmp_path, "app:\n  name: shop\n  drain: ]\n")


def test_the_keys_that_others_read_from_the_file_are_left_alone(tmp_path):
    app, hosts = settings.load(checkout(tmp_path, f"run: {{echo: true}}\n{HOSTS}"))
    assert app is None and list(hosts) == ["prod"]


def test_a_checkout_without_settings_has_no_hosts_and_says_how_to_get_one(tmp_path):
    assert settings.load(tmp_path) == (None, {})
    with pytest.raises(BadInput, match=r"Known hosts: none: add one .* or run inv sandbox\.up"):
        settings.host(tmp_path, "prod")


def test_an_unknown_host_is_answered_with_those_that_are_known(tmp_path):
    generated = "hosts:\n  sandbox1:\n    machines: [{name: s, address: 127.0.0.1, port: 2222}]\n"
    with pytest.raises(BadInput, match=r"no host is called 'elsewhere'\. Known hosts: prod, sandbox1"):
        settings.host(checkout(tmp_path, HOSTS, generated), "elsewhere")


def test_the_sandbox_hosts_are_added_to_the_written_ones(tmp_path):
    generated = "hosts:\n  sandbox1:\n    machines: [{name: s, address: 127.0.0.1, port: 2222}]\n    app: {name: try}\n"
    _, hosts = settings.load(checkout(tmp_path, f"app: {{name: shop}}\n{HOSTS}", generated))
    assert sorted(hosts) == ["prod", "sandbox1"]
    assert hosts["sandbox1"].setting.machines[0].port == 2222
    assert (hosts["prod"].app_setting.name, hosts["sandbox1"].app_setting.name) == ("shop", "try")


def test_a_slip_in_the_generated_hosts_names_that_file(tmp_path):
    with pytest.raises(BadInput, match=r"\.switchyard/hosts\.yaml:2: hosts\.x\.machines"):
        settings.load(checkout(tmp_path, HOSTS, "hosts:\n  x: {url: u}\n"))


def test_the_checkouts_settings_lie_over_those_of_the_commit(tmp_path):
    text = f"app:\n  name: shop\n  drain: 5\n  kinds: {{worker: plain}}\n{HOSTS}"
    own = "app:\n  name: theirs\n  drain: 9\n  standby: 7\n  kinds: {worker: handover}\n  smoke: [make, smoke]\n"
    app = settings.application(prod(tmp_path, text), own, "sub")
    assert (app.name, app.path, app.drain, app.standby) == ("shop", "sub", 5, 7)
    assert app.kinds == {"worker": "plain"} and app.smoke == ("make", "smoke")


def test_a_slip_in_the_commits_settings_says_that_it_is_there(tmp_path):
    with pytest.raises(BadInput, match=r"invoke\.yaml of the commit:2: app.drian: unknown key; did you mean drain"):
        settings.application(prod(tmp_path, HOSTS), "app:\n  drian: 1\n", ".")


def test_an_application_without_a_name_has_that_of_its_folder(tmp_path):
    folder = tmp_path / "Shop"
    folder.mkdir()
    assert settings.application(prod(folder, HOSTS), None, ".").name == "shop"


def test_env_files_are_joined_in_their_order_from_the_checkout(tmp_path):
    (tmp_path / "one.env").write_text("A=1\nB=1")
    (tmp_path / "two.env").write_text("B=2\n")
    host = prod(tmp_path, f"{HOSTS}    env: {{files: [one.env, {tmp_path}/two.env]}}\n")
    assert resolve.env_values(settings.environment(host)) == {"A": "1", "B": "2"}


def test_an_env_file_that_is_missing_is_named_with_its_setting(tmp_path):
    host = prod(tmp_path, f"{HOSTS}    env: {{files: [none.env]}}\n")
    with pytest.raises(BadInput, match=rf"^hosts\.prod\.env\.files: {tmp_path}/none\.env does not exist$"):
        settings.environment(host)


def test_what_an_env_command_prints_is_the_env_and_its_failure_says_nothing_of_it(tmp_path):
    host = prod(tmp_path, f"{HOSTS}    env: {{command: [printf, 'A=1']}}\n")
    assert settings.environment(host) == "A=1"
    host = prod(tmp_path, f"{HOSTS}    env: {{command: [sh, -c, 'echo S=secret; exit 3']}}\n")
    with pytest.raises(BadInput, match=r"^hosts\.prod\.env\.command: sh ended with 3$"):
        settings.environment(host)


def test_the_variables_of_an_env_text_are_its_values():
    text = "# note\n\nexport A=1\nB='two words'\nC=\"x=y\"\nD=a#b\nE=\nnothing\n"
    assert resolve.env_values(text) == {"A": "1", "B": "two words", "C": "x=y", "D": "a#b", "E": ""}


def test_a_host_without_an_env_setting_has_an_empty_one(tmp_path):
    assert settings.environment(prod(tmp_path, HOSTS)) == ""


def test_what_an_env_file_means_is_what_compose_reads_in_it():
    text = "A=1 # a comment\nB='x $Y'\nexport C=\"q\\tz\"\nD=a$$b\nE=${A}z\nF='x$$y'\nG='two\nlines'\n"
    values = {"A": "1", "B": "x $Y", "C": "q\tz", "D": "a$b", "E": "1z", "F": "x$$y", "G": "two\nlines"}
    assert resolve.env_values(text) == values


def test_an_env_that_compose_cannot_read_is_named():
    with pytest.raises(BadInput, match="env of the host's settings"):
        resolve.env_values("A B=1\n")


@pytest.mark.parametrize(
    "text,words",
    [
        ("app: {volumes: {pg: {extrnal: old}}}", "app.volumes.pg.extrnal: unknown key; did you mean external?"),
        ("app: {drain: true}", "app.drain: Input should be a valid integer"),
        ("app: {drain: -1}", "app.drain: Input should be greater than or equal to 0"),
        ("app: {healthy_within: 0}", "app.healthy_within: Input should be greater than or equal to 1"),
        (
            "app: {routes: [{service: a, port: 70000}]}",
            "app.routes.0.port: Input should be less than or equal to 65535",
        ),
        ("app: {routes: [{service: a, port: 1, listen: abc}]}", "app.routes.0.listen: a port of the host, or ADDRESS"),
        ("app: {routes: [{service: a, port: 1, listen: 0}]}", "app.routes.0.listen: a port of the host, or ADDRESS"),
        ("app: {routes: [{service: a, port: 1, listen: 'name:80'}]}", "app.routes.0.listen: a port of the host"),
        *(
            (f"app: {{predeploy: {{database: {{critical: {{q: {within}}}}}}}}}", f"{CRITICAL}.q.within: {words}")
            for within, words in ((0, "Input should be greater than 0"), (".inf", "Input should be a finite number"))
        ),
        ("app: {release_header: 1}", "app.release_header: Input should be a valid boolean"),
        ("hosts: {prod: {machines: [{name: a, address: b, port: 0}]}}", "hosts.prod.machines.0.port: Input should be"),
        (
            "hosts: {prod: {machines: [{name: a, address: b}], env: {files: [a], command: [b]}}}",
            "hosts.prod.env: give one of files, command and host: true",
        ),
        (
            "hosts: {prod: {machines: [{name: a, address: b}], env: {}}}",
            "hosts.prod.env: give one of files, command and host: true",
        ),
    ],
)
def test_a_setting_of_the_wrong_shape_is_named(tmp_path, text, words):
    (tmp_path / "invoke.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        settings.load(tmp_path)
    assert f"invoke.yaml:1: {words}" in str(caught.value)


def test_the_number_of_a_parameter_is_its_name(tmp_path):
    text = "{q: {within: 0.5, params: {1: nba, 2: 7}}, r: {within: 1, params: [nba, 7]}, s: 2}"
    (tmp_path / "invoke.yaml").write_text(f"{HOSTS}app: {{predeploy: {{database: {{critical: {text}}}}}}}")
    predeploy = settings.host(tmp_path, "prod").app_setting.predeploy
    assert predeploy is not None and predeploy.database is not None
    assert {name: each.params for name, each in predeploy.database.critical.items()} == {
        "q": {"1": "nba", "2": 7},
        "r": {"1": "nba", "2": 7},
        "s": {},
    }


def test_settings_that_are_no_text_are_named(tmp_path):
    (tmp_path / "invoke.yaml").write_bytes(b"app: {name: \xff}")
    with pytest.raises(BadInput, match="byte 12 is not UTF-8"):
        settings.load(tmp_path)


@pytest.mark.parametrize(
    "env,words",
    [
        ("{files: [.]}", "Is a directory"),
        ("{files: [bytes]}", "is not UTF-8"),
        ("{command: [no-such-command]}", "no-such-command: No such file"),
        ("{command: [sh, -c, 'echo no key >&2; exit 3']}", "sh ended with 3: no key"),
        ("{command: [printf, '\\377']}", "is not UTF-8"),
    ],
)
def test_an_env_that_cannot_be_read_is_named(tmp_path, env, words):
    (tmp_path / "bytes").write_bytes(b"\xff")
    text = f"hosts: {{prod: {{machines: [{{name: a, address: b}}], env: {env}}}}}"
    (tmp_path / "invoke.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        settings.environment(settings.host(tmp_path, "prod"))
    assert "hosts.prod.env" in str(caught.value) and words in str(caught.value)


def test_an_env_command_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "COMMAND_WITHIN", 0.1)
    text = "hosts: {prod: {machines: [{name: a, address: b}], env: {command: [sleep, '9']}}}"
    (tmp_path / "invoke.yaml").write_text(text)
    with pytest.raises(BadInput, match="did not end within"):
        settings.environment(settings.host(tmp_path, "prod"))


def test_a_generated_host_is_added_and_replaces_none(tmp_path):
    entry = "machines: [{name: a, address: %s}]"
    (tmp_path / ".switchyard").mkdir()
    (tmp_path / ".switchyard" / "hosts.yaml").write_text(
        f"hosts: {{prod: {{{entry % 'generated'}}}, box: {{{entry % 'added'}}}}}"
    )
    (tmp_path / "invoke.yaml").write_text(f"hosts: {{prod: {{{entry % 'written'}}}}}")
    _, hosts = settings.load(tmp_path)
    assert {name: host.setting.machines[0].address for name, host in hosts.items()} == {
        "box": "added",
        "prod": "written",
    }


def test_the_settings_of_a_host_go_over_those_of_the_checkout_key_by_key(tmp_path):
    (tmp_path / "invoke.yaml").write_text(
        "app: {name: shop, path: there, drain: 5}\n"
        "hosts: {prod: {machines: [{name: a, address: b}], app: {drain: 9}}}\n"
    )
    setting = settings.host(tmp_path, "prod").app_setting
    assert (setting.name, setting.path, setting.drain) == ("shop", "there", 9)


def test_the_reference_names_every_setting_and_what_it_shows_is_taken(tmp_path):
    text = (Path(__file__).resolve().parents[2] / "invoke.yaml").read_text()
    words = set(re.findall(r"\w+", text))
    assert known_keys() <= words, known_keys() - words
    shown = "\n".join(line[2:] for line in text.splitlines() if line.startswith("# ") and line[2:3] in (" ", "a", "h"))
    shown = shown[shown.index("app:") :]
    app, hosts = settings.load(checkout(tmp_path, shown))
    assert app is not None and app.migrations is not None and set(hosts) == {"prod"}
