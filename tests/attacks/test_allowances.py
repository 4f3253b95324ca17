"""A commit asks for values of the control node, or for values to go somewhere: only somebody else may allow that."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchyard.control import allowances
from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.allowance import Allowance
from switchyard.host.adapters import store
from switchyard.predeploy.configuration import certificates, credentials, file_modes
from switchyard.predeploy.database import target_database
from switchyard.predeploy.engine import tree
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox import variables
from switchyard.settings import load
from tests.harness.attack import Attack, promises
from tests.harness.git import git
from tests.harness.machine_answers import checks_answer, host_machine
from tests.harness.predeploy_configuration import PEM

SECRET = "sk-operators-cloud-key"
ENVIRONMENT = {"CLOUD_KEY": SECRET, "OTHER_URL": "postgresql://u:pw@127.0.0.1/x", "DATABASE_URL": "postgresql:///x"}
HOST_ENV = {"DB_PASSWORD": "production-password", "SCORES_TOKEN": "token-of-the-scores"}
HOST = {"machines": [{"name": "prod1", "address": "192.0.2.1"}]}


class World:
    """An application's repository, the settings that lead to it, and a server that remembers what it hears."""

    def __init__(self, folder: Path, *, own: bool = False) -> None:
        """With ``own``, the checkout is the application's own folder, and git tracks its settings."""
        self.folder, self.app = folder, folder / "app"
        self.checkout = self.app if own else folder / "checkout"
        self.app.mkdir()
        self.checkout.mkdir(exist_ok=True)
        git(self.app, "init", "--quiet")
        (self.app / "compose.yaml").write_text("services: {web: {image: nginx}}\n")

    def commit(self, predeploy: Mapping[str, Any], **app: Any) -> None:
        """Commit the application's settings. Without settings of its own, a checkout gets those that name it."""
        setting = {"app": {"name": "shop", "predeploy": predeploy, **app}, "hosts": {"prod": HOST}}
        (self.app / "invoke.yaml").write_text(json.dumps(setting))
        git(self.app, "add", "--all")
        git(self.app, "commit", "--quiet", "--message", "x")

    def checkout_allows(self, allow: Mapping[str, Any] | None = None, **app: Any) -> None:
        """Write the settings of a separate checkout."""
        named = {"name": "shop", "path": str(self.app), **({"allow": allow} if allow else {}), **app}
        (self.checkout / "invoke.yaml").write_text(json.dumps({"app": named, "hosts": {"prod": HOST}}))

    def subject(self, host: str = "", allowed: Allowance | None = None) -> Subject:
        """Return what the checks look at. ``allowed`` is what allow.json of the host holds."""
        entry = load.host(self.checkout, host) if host else load.nowhere(self.checkout)
        answer = replace(checks_answer(), allowed=allowed or Allowance())
        machines = (host_machine(answer=answer),) if host else ()
        return tree.of_work_tree(entry, HOST_ENV if host else {}, machines)


class Listener(http.server.ThreadingHTTPServer):
    """An address of the attacker's: it keeps what it hears."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard = ""
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.heard += f"{self.path} {self.headers}"
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


@contextlib.contextmanager
def listening() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def allows_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every use pass."""
    monkeypatch.setattr(allowances.Allowances, "lacks", lambda self, use: False)


def trusts_what_is_tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what git tracks for the operator's."""
    monkeypatch.setattr(allowances, "tracks", lambda top, file: False)


def trusts_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the part of an address before its first slash for its place, as it is written."""
    allows_everything(monkeypatch)
    monkeypatch.setattr(credentials, "origin", lambda address: address)


def hears(send: Callable[[Listener], Subject], *values: str) -> bool:
    """Return whether the check of credentials sends one of these values to the address of the listener."""
    with listening() as server:
        with contextlib.suppress(SwitchyardError):
            credentials.run(send(server))
        return any(value in server.heard for value in values)


def http_credential(**more: Any) -> dict[str, Any]:
    return {"kind": "http", "headers": {"X": "${CLOUD_KEY}"}, **more}


def sends(
    name: str,
    credential: Callable[[Listener], dict[str, Any]],
    *values: str,
    host: str = "",
    allow: Callable[[Listener], dict[str, Any]],
    prepare: Callable[[World, pytest.MonkeyPatch], None] | None = None,
) -> Attack:
    """Return an attack by which a commit's credential sends a value; its twin is allowed by the checkout."""

    def run(folder: Path, *, is_allowed: bool) -> bool:
        world = World(folder)

        def subject(server: Listener) -> Subject:
            world.commit({"credentials": {"api": credential(server)}})
            world.checkout_allows({"send": allow(server)} if is_allowed else None)
            return world.subject(host)

        return hears(subject, *values)

    return Attack(name, lambda f: run(f, is_allowed=False), lambda f: run(f, is_allowed=True), allows_everything)


def passes(world: World, name: str = "CLOUD_KEY", host: str = "", allowed: Allowance | None = None) -> bool:
    """Return whether the application's tests would see a variable."""
    temporary = world.folder / f"temporary{len(list(world.folder.glob('temporary*')))}"
    temporary.mkdir()
    with contextlib.suppress(Exception):
        return SECRET in variables.of_tests(world.subject(host, allowed), temporary).values()
    return False


def asked(folder: Path, allow: Mapping[str, Any] | None = None, **world: Any) -> World:
    """Return a world whose commit asks for the key."""
    made = World(folder, **world)
    made.commit({"passed": ["CLOUD_KEY"]})
    if made.checkout != made.app:
        made.checkout_allows(allow)
    return made


def own_allows_itself(folder: Path) -> bool:
    world = World(folder, own=True)
    world.commit({"passed": ["CLOUD_KEY"]}, path=".", allow={"env": ["CLOUD_KEY"]})
    return passes(world)


def commit_allows_itself(folder: Path) -> bool:
    world = World(folder)
    world.commit({"passed": ["CLOUD_KEY"]}, allow={"env": ["CLOUD_KEY"]})
    world.checkout_allows()
    return passes(world)


def merged_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take allowances from the commit's settings too."""
    own = load.yaml_file.parse
    real = allowances.allowances_of

    def both(host: Any, text: str | None, answers: Any = ()) -> allowances.Allowances:
        result = real(host, text, answers)
        setting = own(text, "").app if text else None
        allowed = setting.allow.allowance() if setting and setting.allow else Allowance()
        return allowances.Allowances(result.allowance.joined(allowed))

    monkeypatch.setattr(tree, "allowances_of", both)


def tracked_checkout_below(folder: Path) -> bool:
    """Put the checkout into a folder of the application's repository, and track its settings there."""
    world = World(folder)
    world.checkout = world.app / "deploy"
    world.checkout.mkdir()
    world.checkout_allows({"env": ["CLOUD_KEY"]})
    world.commit({"passed": ["CLOUD_KEY"]})
    return passes(world)


def linked_settings(folder: Path) -> bool:
    """Track a link in place of the checkout's settings, which leads to a file that nobody meant."""
    world = World(folder)
    world.checkout = world.app / "deploy"
    world.checkout.mkdir()
    world.checkout_allows({"env": ["CLOUD_KEY"]})
    (world.checkout / "invoke.yaml").rename(folder / "strange.yaml")
    (world.checkout / "invoke.yaml").symlink_to(folder / "strange.yaml")
    world.commit({"passed": ["CLOUD_KEY"]})
    return passes(world)


def linked_from_outside(folder: Path) -> bool:
    """Lead the checkout's settings by a link to a file of the repository."""
    world = World(folder)
    world.checkout_allows({"env": ["CLOUD_KEY"]})
    (world.checkout / "invoke.yaml").rename(world.app / "theirs.yaml")
    (world.checkout / "invoke.yaml").symlink_to(world.app / "theirs.yaml")
    world.commit({"passed": ["CLOUD_KEY"]})
    return passes(world)


def generated_hosts(folder: Path) -> bool:
    """Track the generated hosts of a checkout whose settings nobody tracks."""
    world = World(folder, own=True)
    (world.app / ".switchyard").mkdir()
    setting = {"hosts": {"box": {**HOST, "app": {"name": "shop", "path": ".", "allow": {"env": ["CLOUD_KEY"]}}}}}
    (world.app / ".switchyard" / "hosts.yaml").write_text(json.dumps(setting))
    world.commit({"passed": ["CLOUD_KEY"]})
    return passes(world, host="box")


def untracked_own(folder: Path) -> bool:
    """Keep the settings of one's own checkout out of git: then they are one's own."""
    world = World(folder, own=True)
    (world.app / ".gitignore").write_text("invoke.yaml\n")
    world.commit({"passed": ["CLOUD_KEY"]}, path=".", allow={"env": ["CLOUD_KEY"]})
    return passes(world)


def person_file(folder: Path, *, mode: int = 0o600, key: str = "app") -> bool:
    """Allow the key in the person's own file."""
    world = World(folder, own=True)
    world.commit({"passed": ["CLOUD_KEY"]}, path=".")
    file = allowances.allow_file.path()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"allow": {str(folder / key): {"env": ["CLOUD_KEY"]}}}))
    file.chmod(mode)
    return passes(world)


def home_in_repository(folder: Path, monkeypatch: pytest.MonkeyPatch | None = None) -> bool:
    """Track a file in the place of the person's own, in a repository that is the folder for settings."""
    world = World(folder, own=True)
    file = world.app / "switchyard" / "allow.yaml"
    file.parent.mkdir()
    file.write_text(json.dumps({"allow": {str(world.app): {"env": ["CLOUD_KEY"]}}}))
    world.commit({"passed": ["CLOUD_KEY"]}, path=".")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(world.app))
        return passes(world)


def no_owner_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the person's file whoever may write to it."""
    monkeypatch.setattr(allowances.allow_file, "OTHERS_MAY_WRITE", 0)


def host_allows(folder: Path, *, allowed: Allowance) -> bool:
    world = World(folder, own=True)
    world.commit({"passed": ["CLOUD_KEY"]}, path=".")
    return passes(world, host="prod", allowed=allowed)


def looks_at_file(folder: Path, *, is_allowed: bool) -> bool:
    """Ask for the rights of a file in the operator's folder."""
    world, file = World(folder), folder / "id_ed25519"
    file.write_text("key")
    world.commit({"files": {str(file): {"mode": "0777"}}})
    world.checkout_allows({"files": [str(file)]} if is_allowed else None)
    with contextlib.suppress(Exception):
        return "file-mode" in [finding.rule for finding in file_modes.run(world.subject()).findings]
    return False


def looks_by_variable(folder: Path, *, is_allowed: bool) -> bool:
    """Learn where a variable of the environment leads, by the rights of the file there."""
    world, file = World(folder), folder / "cloud.pem"
    file.write_bytes(PEM)
    file.chmod(0o644)
    key = {"kind": "kalshi", "url": "http://127.0.0.1:1", "key_id_from": "KEY_FILE", "key_from": "KEY_FILE"}
    world.commit({"credentials": {"api": key}})
    world.checkout_allows({"send": {"http://127.0.0.1:1": ["KEY_FILE"]}} if is_allowed else None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEY_FILE", str(file))
        return str(file) in str(file_modes.run(world.subject()))


def reads_certificate(folder: Path, *, is_allowed: bool) -> bool:
    """Have a file of the operator's read as a certificate."""
    world, file = World(folder), folder / "private.pem"
    file.write_text("no certificate")
    world.commit({"certificates": {"x": {"file": str(file)}}})
    world.checkout_allows({"files": [str(file)]} if is_allowed else None)
    return "certificate-none" in [finding.rule for finding in certificates.run(world.subject()).findings]


def reads_database(folder: Path, setting: Mapping[str, Any], allow: Mapping[str, Any] | None, word: str) -> bool:
    """Have the checks connect with what a variable of the commit's choice holds."""
    world = World(folder)
    world.commit({"database": setting})
    world.checkout_allows(allow)
    with contextlib.suppress(Exception):
        address = target_database.find_database(world.subject())
        return word in str(address.parameters.by_name())
    return False


def database(name: str, setting: Mapping[str, Any], allow: Mapping[str, Any], word: str) -> Attack:
    return Attack(
        name,
        lambda folder: reads_database(folder, setting, None, word),
        lambda folder: reads_database(folder, setting, allow, word),
        allows_everything,
    )


def runs_program(folder: Path) -> bool:
    """Name a program by its path among the tools whose version is asked."""
    world, ran = World(folder), folder / "ran"
    program = world.app / "tool.sh"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    world.commit({"tools": {str(program): ""}})
    world.checkout_allows()
    with contextlib.suppress(Exception):
        from switchyard.predeploy.configuration import tool_versions

        tool_versions.run(world.subject())
    return ran.exists()


def names_tool(folder: Path) -> bool:
    world = World(folder)
    world.commit({"tools": {"git": "2.0"}})
    world.checkout_allows()
    return "git" in world.subject().setting.tools


def any_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take any text for the name of a tool."""
    real = load.predeploy

    def lax(host: Any, text: str | None) -> Any:
        return real(host, None).model_copy(update=json.loads(text or "{}")["app"]["predeploy"])

    monkeypatch.setattr(load, "predeploy", lax)
    monkeypatch.setattr(load, "application", lambda host, text, path: load.App("shop", path))


def spelled(name: str, spelling: Callable[[Listener], str]) -> Attack:
    """Return an attack that writes an address so that it looks like one that is allowed."""

    def run(folder: Path, url: Callable[[Listener], str]) -> bool:
        world = World(folder)

        def subject(server: Listener) -> Subject:
            world.commit({"credentials": {"api": http_credential(url=url(server))}})
            world.checkout_allows({"send": {"http://127.0.0.1": ["CLOUD_KEY"], f"{server.url}": []}})
            return world.subject()

        return hears(subject, SECRET)

    def twin(folder: Path) -> bool:
        world = World(folder)

        def subject(server: Listener) -> Subject:
            world.commit({"credentials": {"api": http_credential(url=f"{server.url}/some/path?x=1")}})
            world.checkout_allows({"send": {f"{server.url}/other": ["CLOUD_KEY"]}})
            return world.subject()

        return hears(subject, SECRET)

    return Attack(name, lambda folder: run(folder, spelling), twin, trusts_every_address)


def in_root(folder: Path, damage: Callable[[Path], None]) -> bool:
    """Return whether a host takes an allow.json for its own after somebody else was at it."""
    kept = store.Store(folder)
    kept.set_allowance(Allowance(env=("CLOUD_KEY",)))
    damage(folder / "allow.json")
    with contextlib.suppress(SwitchyardError):
        return bool(kept.allowance().env)
    return False


def lead_elsewhere(file: Path) -> None:
    """Put a link in the place of a file."""
    file.rename(file.with_name("elsewhere.json"))
    file.symlink_to("elsewhere.json")


def trusts_allow_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read allow.json whatever it is, and whoever may write to it."""
    monkeypatch.setattr(store, "OTHERS_MAY_WRITE", 0)
    monkeypatch.setattr(store.stat, "S_ISREG", lambda mode: True)


ATTACKS = [
    sends(
        "the operator's key goes to the commit's address",
        lambda server: http_credential(url=server.url),
        SECRET,
        allow=lambda server: {server.url: ["CLOUD_KEY"]},
    ),
    sends(
        "production's password goes to the commit's address",
        lambda server: {"kind": "http", "url": server.url, "headers": {"X": "${DB_PASSWORD}"}},
        HOST_ENV["DB_PASSWORD"],
        host="prod",
        allow=lambda server: {server.url: ["DB_PASSWORD"]},
    ),
    sends(
        "two values in one header",
        lambda server: {"kind": "http", "url": server.url, "headers": {"X": "${SCORES_TOKEN} ${DB_PASSWORD}"}},
        HOST_ENV["DB_PASSWORD"],
        host="prod",
        allow=lambda server: {server.url: ["SCORES_TOKEN", "DB_PASSWORD"]},
    ),
    sends(
        "a password beside a token in a header of another name",
        lambda server: {
            "kind": "http",
            "url": server.url,
            "headers": {"Authorization": "Bearer ${SCORES_TOKEN}", "Cookie": "a=${DB_PASSWORD}"},
        },
        HOST_ENV["DB_PASSWORD"],
        host="prod",
        allow=lambda server: {server.url: ["SCORES_TOKEN", "DB_PASSWORD"]},
    ),
    spelled("an address with a user that looks like the server", lambda s: f"http://127.0.0.1@{s.url[7:]}/"),
    spelled("an address on another port", lambda s: f"{s.url}/"),
    spelled("an address in capitals", lambda s: s.url.replace("http", "HTTP") + "/x"),
    Attack(
        "tests see the operator's key",
        lambda folder: passes(asked(folder)),
        lambda folder: passes(asked(folder, {"env": ["CLOUD_KEY"]})),
        allows_everything,
    ),
    Attack(
        "a name that contains an allowed one",
        lambda folder: passes(asked(folder, {"env": ["CLOUD"]})),
        lambda folder: passes(asked(folder, {"env": ["CLOUD_KEY"]})),
        allows_everything,
    ),
    Attack(
        "a commit allows itself the key",
        commit_allows_itself,
        lambda folder: passes(asked(folder, {"env": ["CLOUD_KEY"]})),
        merged_allow,
    ),
    Attack(
        "a commit that is the checkout allows itself the key", own_allows_itself, untracked_own, trusts_what_is_tracked
    ),
    Attack(
        "a checkout inside the application's repository",
        tracked_checkout_below,
        lambda folder: passes(asked(folder, {"env": ["CLOUD_KEY"]})),
        trusts_what_is_tracked,
    ),
    Attack("a tracked link in place of the settings", linked_settings, untracked_own, trusts_what_is_tracked),
    Attack("settings that lead into the repository", linked_from_outside, untracked_own, trusts_what_is_tracked),
    Attack("tracked hosts beside one's own settings", generated_hosts, untracked_own, trusts_what_is_tracked),
    Attack("the repository tracks the person's own file", home_in_repository, person_file, trusts_what_is_tracked),
    Attack(
        "the person's own file allows another application's folder",
        lambda folder: person_file(folder, key="other"),
        person_file,
        allows_everything,
    ),
    Attack(
        "others may write the person's own file",
        lambda folder: person_file(folder, mode=0o666),
        person_file,
        no_owner_check,
    ),
    Attack(
        "the host allows another variable",
        lambda folder: host_allows(folder, allowed=Allowance(env=("OTHER_URL",))),
        lambda folder: host_allows(folder, allowed=Allowance(env=("CLOUD_KEY",))),
        allows_everything,
    ),
    Attack(
        "the host allows to send it, not to see it",
        lambda folder: host_allows(folder, allowed=Allowance(send={"https://x.invalid": ("CLOUD_KEY",)})),
        lambda folder: host_allows(folder, allowed=Allowance(env=("CLOUD_KEY",))),
        allows_everything,
    ),
    Attack(
        "rights of a file of the operator's",
        lambda folder: looks_at_file(folder, is_allowed=False),
        lambda folder: looks_at_file(folder, is_allowed=True),
        allows_everything,
    ),
    Attack(
        "the place that a variable of the operator's names",
        lambda folder: looks_by_variable(folder, is_allowed=False),
        lambda folder: looks_by_variable(folder, is_allowed=True),
        allows_everything,
    ),
    Attack(
        "a certificate's file of the operator's",
        lambda folder: reads_certificate(folder, is_allowed=False),
        lambda folder: reads_certificate(folder, is_allowed=True),
        allows_everything,
    ),
    database(
        "another database's address in the environment",
        {"url_from": "OTHER_URL"},
        {"env": ["OTHER_URL"]},
        "pw",
    ),
    database(
        "the operator's key as a database's password",
        {"role": "reader", "password_from": "CLOUD_KEY"},
        {"send": {"DATABASE_URL": ["CLOUD_KEY"]}},
        SECRET,
    ),
    Attack("a program of the commit's among the tools", runs_program, names_tool, any_tool),
    Attack(
        "a link in the place of the host's allowances",
        lambda folder: in_root(folder, lead_elsewhere),
        lambda folder: in_root(folder, lambda file: None),
        trusts_allow_json,
    ),
    Attack(
        "others may write the host's allowances",
        lambda folder: in_root(folder, lambda file: file.chmod(0o606)),
        lambda folder: in_root(folder, lambda file: file.chmod(0o600)),
        trusts_allow_json,
    ),
]

test_refused, test_twin, test_defence = promises(ATTACKS)
