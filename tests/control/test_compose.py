"""Docker Compose resolves a document from a clean export of a commit and reads env files; it needs no engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchyard.control import compose
from switchyard.core.app import App
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.redact import GONE
from tests.harness.committed_shop import exported, resolved

CANARY = "canary-3f9a1c77d2"
ODD = st.text(st.sampled_from("ab' \"\\$`{}()#=;&|<>*?!~%\n\t☃ü"), max_size=40)
SLOWLY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def one_variable(folder: Path, value: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "compose.yaml").write_text("services: {web: {image: x, environment: {V: '${V}'}}}\n")
    return resolved(folder, {"V": value}).services["web"].environment["V"]


@pytest.mark.parametrize(
    "value",
    ["a b", "a'b", 'a"b', "a\\b", "a\\nb", "end\\", "a\\'b", "\\'$X\"", "a$b", "${HOME}", "a#b", "1\n2", "", " s "],
)
def test_a_value_reaches_the_document_as_it_is(tmp_path, value):
    assert one_variable(tmp_path / "app", value) == value


def test_the_operators_own_variables_change_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("V", "of the shell")
    monkeypatch.setenv("COMPOSE_FILE", "/nowhere.yaml")
    assert one_variable(tmp_path / "app", "of the settings") == "of the settings"


def test_a_missing_variable_is_named_with_where_it_comes_from(repository, tmp_path):
    with pytest.raises(BadInput) as caught:
        resolved(exported(repository, tmp_path / "export"), {})
    assert all(word in str(caught.value) for word in ("compose.yaml", "PASSWORD", "hosts.NAME.env"))


@pytest.mark.parametrize(
    ("head", "path", "env", "name"),
    [
        ("", ".", {}, "shop"),
        ("", "Web.App", {}, "webapp"),
        ("name: myshop\n", "Web.App", {}, "myshop"),
        ("name: ${OWN}\n", ".", {"OWN": "mine"}, "mine"),
        ("name: myshop\n", ".", {"COMPOSE_PROJECT_NAME": "set"}, "set"),
    ],
)
def test_a_document_has_the_name_that_compose_gives_a_plain_project_of_the_file(tmp_path, head, path, env, name):
    (tmp_path / path).mkdir(exist_ok=True)
    services = "services: {db: {image: x, volumes: ['pg:/x', 'own:/y']}}\nvolumes: {pg: {}, own: {name: mine_own}}\n"
    (tmp_path / path / "compose.yaml").write_text(head + services)
    document = compose.resolve(tmp_path, App("shop", path=path), env)
    assert document.name == name
    assert {short: volume.name for short, volume in document.volumes.items()} == {
        "pg": f"{name}_pg",
        "own": "mine_own",
    }


def test_a_missing_compose_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"compose\.yaml"):
        resolved(tmp_path, {})


def test_without_docker_the_error_says_what_to_install(repository, tmp_path, monkeypatch):
    folder = exported(repository, tmp_path / "export")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotChecked, match="docker compose"):
        resolved(folder, {"PASSWORD": "x"})


def test_a_variable_that_nothing_sets_is_refused_and_not_blank(tmp_path):
    (tmp_path / "compose.yaml").write_text(
        "services: {web: {image: x, environment: {A: '${NO_SUCH}', B: '${OTHER:-}', C: '$NOR_THIS'}}}\n"
    )
    with pytest.raises(BadInput, match=r"nothing sets NOR_THIS, NO_SUCH\. .*\$\{NOR_THIS:-\}"):
        resolved(tmp_path, {})


def test_the_env_goes_over_the_commit_s_own_env_file(tmp_path):
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x, environment: {V: '$V', W: '$W'}}}\n")
    (tmp_path / ".env").write_text("V=commit\nW=commit\n")
    assert resolved(tmp_path, {"V": "host"}).services["web"].environment == {"V": "host", "W": "commit"}


def test_the_variables_of_an_env_text_are_its_values():
    text = "# note\n\nexport A=1\nB='two words'\nC=\"x=y\"\nD=a#b\nE=\nnothing\n"
    assert compose.env_values(text) == {"A": "1", "B": "two words", "C": "x=y", "D": "a#b", "E": ""}


def test_what_an_env_file_means_is_what_compose_reads_in_it():
    text = "A=1 # a comment\nB='x $Y'\nexport C=\"q\\tz\"\nD=a$$b\nE=${A}z\nF='x$$y'\nG='two\nlines'\n"
    values = {"A": "1", "B": "x $Y", "C": "q\tz", "D": "a$b", "E": "1z", "F": "x$$y", "G": "two\nlines"}
    assert compose.env_values(text) == values


def test_an_env_that_compose_cannot_read_is_named():
    with pytest.raises(BadInput, match="env of the host's settings"):
        compose.env_values("A B=1\n")


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


@SLOWLY
@given(st.dictionaries(st.sampled_from("ABCD"), ODD, min_size=1))
def test_values_of_any_kind_reach_the_document_whole(tmp_path, values):
    lines = "".join(f"      {key}: ${{{key}}}\n" for key in values)
    (tmp_path / "compose.yaml").write_text(f"services:\n  web:\n    image: x\n    environment:\n{lines}")
    environment = compose.resolve(tmp_path, App("shop"), values).raw["services"]["web"]["environment"]
    assert {key: value.replace("$$", "$") for key, value in environment.items()} == values


def test_a_service_that_the_settings_ignore_is_set_aside_and_a_slip_is_named(tmp_path):
    (tmp_path / "compose.yaml").write_text("services: {web: {image: web}, mail: {image: mail}}\n")
    document = compose.resolve(tmp_path, App("shop", kinds={"mail": "ignored"}), {})
    assert list(document.enabled) == ["web"] and list(document.services) == ["mail", "web"]
    with pytest.raises(BadInput, match=r"app.kinds.slip: compose.yaml has no service of this name"):
        compose.resolve(tmp_path, App("shop", kinds={"slip": "ignored"}), {})


@pytest.mark.parametrize("ssh", ["{default: null, git: ~/.ssh/id}", "[default, git=~/.ssh/id]"])
def test_a_key_of_a_build_is_known_by_its_id_though_compose_cannot_write_its_path_as_json(tmp_path, ssh):
    values = ("on", "1:20", "0x1f", "1_000", "2001-01-01", "null", "1e3", "~", "08", " a: b #")
    odd = "{" + ", ".join(f"V{number}: '{value}'" for number, value in enumerate(values)) + "}"
    service = f"{{build: {{context: ., ssh: {ssh}}}, environment: {odd}, ports: ['8000:22', '127.0.0.1:5432:5432']}}"
    (tmp_path / "compose.yaml").write_text(f"services: {{web: {service}}}\n")
    (web,) = resolved(tmp_path, {}).services.values()
    assert web.build is not None and set(web.build.ssh) == {"default", "git"}
    (tmp_path / "compose.yaml").write_text(f"services: {{web: {service.replace(ssh, '[default]')}}}\n")
    (same,) = resolved(tmp_path, {}).services.values()
    assert dict(web.environment) == dict(same.environment) and web.ports == same.ports
