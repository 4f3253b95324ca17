"""No file outside of the commit is read because a commit says so: not by Compose, a build, a container, or a check."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from switchyard.control import commit_files, completeness, compose, compose_reads
from switchyard.control.commit_files import export
from switchyard.core.app import App
from switchyard.core.dockerfile import Copy
from switchyard.core.errors import BadInput
from switchyard.predeploy.engine import tree
from switchyard.predeploy.nox import environment
from switchyard.settings import fields, load, yaml_file
from tests.harness.attack import Attack, promises
from tests.harness.git import git

SECRET = "swordfish"
Files = Mapping[str, str]


def lay(folder: Path, files: Files) -> Path:
    """Lay a commit's files, and beside them the operator's. ``-> TARGET`` is a link, OUT the operator's folder."""
    top, outside = folder / "commit", folder / "outside"
    texts = {"o.env": f"STOLEN={SECRET}\n", ".env": f"STOLEN={SECRET}\n", "Dockerfile": f"FROM {SECRET}\n"}
    texts["o.yaml"] = f"services: {{e: {{image: x, environment: {{STOLEN: {SECRET}}}}}}}\n"
    texts |= {"x.sql": f"SELECT '{SECRET}'", "requirements.txt": SECRET}
    for name, text in texts.items():
        outside.mkdir(exist_ok=True)
        (outside / name).write_text(text)
    for name, text in files.items():
        path, text = top / name, text.replace("OUT", str(outside))
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_text(text)
    return top


def is_read(read: Callable[[Path], object]) -> Callable[[Path], bool]:
    """Return whether something is read, and not refused."""

    def gets_through(folder: Path) -> bool:
        try:
            read(folder)
        except BadInput:
            return False
        return True

    return gets_through


def resolves(files: Files, app: App) -> Callable[[Path], bool]:
    """Return whether Compose's document holds the secret."""

    def gets_through(folder: Path) -> bool:
        try:
            document = compose.resolve(lay(folder, files), app, {"SET": "1"})
        except BadInput:
            return False
        return SECRET in str(document.raw)

    return gets_through


def read_by_compose(name: str, yaml: str, honest: str, more: Files | None = None, app: App = App("shop")) -> Attack:  # noqa: B008
    """Build an attack by what a compose file names. The honest one names files of the commit that hold the word."""
    own = {"own.env": f"A={SECRET}\n", "own.yaml": f"services: {{e: {{image: x, labels: {{A: {SECRET}}}}}}}\n"}
    own |= {"sub/own.env": f"A={SECRET}\n", "sub/inc.yaml": "services: {i: {image: x, env_file: own.env}}\n"}
    return Attack(
        name,
        resolves({**(more or {}), "compose.yaml": yaml}, app),
        resolves({**own, "compose.yaml": honest}, App("shop")),
        lambda monkeypatch: monkeypatch.setattr(compose, "refuse_outside", lambda *_: None),
    )


def service(more: str) -> str:
    return f"services: {{a: {{image: x, {more}}}}}\n"


def env_file(value: str) -> str:
    return service(f"env_file: {value}")


BINARY = base64.b64encode(b"../outside/o.env").decode()
LINK = {"link.env": "-> OUT/o.env", "link.yaml": "-> OUT/o.yaml", "dir": "-> OUT"}
EXTENDS = service("extends: {file: own.yaml, service: e}")
COMPOSE = [
    read_by_compose("env_file absolute", env_file("OUT/o.env"), env_file("own.env")),
    read_by_compose("env_file above", env_file("../outside/o.env"), env_file("./own.env")),
    read_by_compose(
        "env_file second of a list", env_file("[a.env, ../outside/o.env]"), env_file("[own.env]"), {"a.env": ""}
    ),
    read_by_compose(
        "env_file long form", env_file("[{path: OUT/o.env, required: false}]"), env_file("[{path: own.env}]")
    ),
    read_by_compose("env_file link", env_file("link.env"), env_file("own.env"), LINK),
    read_by_compose("env_file through a linked folder", env_file("dir/o.env"), env_file("sub/own.env"), LINK),
    read_by_compose("env_file below the home", env_file("~/..OUT/o.env"), env_file("'${PWD}/own.env'")),
    read_by_compose("env_file binary tag", env_file(f"!!binary {BINARY}"), env_file("!!str own.env")),
    read_by_compose("env_file by a default", env_file("'${F:-OUT/o.env}'"), env_file("'${F:-own.env}'")),
    read_by_compose("env_file by .env", env_file("'${F}'"), env_file("'${F:-own}.env'"), {".env": "F=OUT/o.env"}),
    read_by_compose("env_file by an alternative", env_file("'${SET:+OUT/o.env}'"), env_file("'${SET:+own.env}'")),
    read_by_compose(
        "env_file by an anchor",
        "x-a: &a {env_file: OUT/o.env}\nservices: {a: {image: x, <<: *a}}\n",
        "x-a: &a {env_file: own.env}\nservices: {a: {image: x, <<: *a}}\n",
    ),
    read_by_compose(
        "env_file in a second document",
        f"services: {{b: {{image: x}}}}\n---\n{env_file('OUT/o.env')}",
        f"services: {{b: {{image: x}}}}\n---\n{env_file('own.env')}",
    ),
    read_by_compose("label_file absolute", service("label_file: OUT/o.env"), service("label_file: own.env")),
    read_by_compose("extends absolute", service("extends: {file: OUT/o.yaml, service: e}"), EXTENDS),
    read_by_compose("extends link", service("extends: {file: link.yaml, service: e}"), EXTENDS, LINK),
    read_by_compose(
        "env_file of an extended file",
        service("extends: {file: sub/e.yaml, service: e}"),
        service("extends: {file: sub/inc.yaml, service: i}"),
        {"sub/e.yaml": "services: {e: {image: x, env_file: ../../outside/o.env}}"},
    ),
    read_by_compose("include absolute", "include: [OUT/o.yaml]\n", "include: [own.yaml]\n"),
    read_by_compose("include link", "include: [link.yaml]\n", "include: [./own.yaml]\n", LINK),
    read_by_compose(
        "include second path",
        "include: [{path: [a.yaml, ../outside/o.yaml]}]\n",
        "include: [{path: [own.yaml, own.yaml]}]\n",
        {"a.yaml": "services: {}"},
    ),
    read_by_compose(
        "include env_file",
        "include: [{path: i.yaml, env_file: OUT/o.env}]\n",
        "include: [{path: sub/inc.yaml, env_file: /dev/null}]\n",
        {"i.yaml": service("environment: {S: '${STOLEN}'}")},
    ),
    read_by_compose(
        "include from another project folder",
        "include: [{path: i.yaml, project_directory: OUT}]\n",
        "include: [{path: sub/inc.yaml, project_directory: sub}]\n",
        {"i.yaml": service("environment: {S: '${STOLEN}'}")},
    ),
    read_by_compose(
        ".env of an include is a link",
        "include: [sub/i.yaml]\n",
        "include: [sub/inc.yaml]\n",
        {"sub/i.yaml": service("environment: {S: '${STOLEN}'}"), "sub/.env": "-> OUT/.env"},
    ),
    read_by_compose(
        ".env is a link",
        service("environment: {S: '${STOLEN}'}"),
        env_file("own.env"),
        {".env": "-> OUT/.env"},
    ),
    read_by_compose(
        "env_file of an included file",
        "include: [sub/i.yaml]\n",
        "include: [sub/inc.yaml]\n",
        {"sub/i.yaml": env_file("../../outside/o.env")},
    ),
    read_by_compose(
        "compose file above", "services: {}", env_file("own.env"), app=App("shop", compose="../outside/o.yaml")
    ),
    read_by_compose("compose file link", "services: {}", env_file("own.env"), LINK, App("shop", compose="link.yaml")),
]


def foreign(name: str, text: str, honest: str) -> Attack:
    """Build an attack by an address at which Compose, in its newer versions, looks for a compose file."""

    def passes(text: str) -> Callable[[Path], bool]:
        files = {"compose.yaml": text, "own.yaml": "services: {e: {image: x}}\n"}
        return is_read(lambda folder: compose.refuse_foreign_reads(lay(folder, files), App("shop"), {}))

    return Attack(
        name,
        passes(text),
        passes(honest),
        lambda monkeypatch: monkeypatch.setattr(compose_reads, "_is_remote", lambda text: False),
    )


FOREIGN = [
    foreign("include by SSH", "include: ['me@evil.example:a.git']\n", "include: [own.yaml]\n"),
    foreign("include by SSH of a branch", "include: ['a-b@10.0.0.1:x/y#main:c.yaml']\n", "include: ['./own.yaml']\n"),
    foreign("extends by SSH", service("extends: {file: 'me@evil:a.git', service: e}"), EXTENDS),
]


def built(name: str, build: str, honest: str = "{context: web}", more: Files | None = None) -> Attack:
    """Build an attack by what the host would build from, or where it would keep a cache."""
    files = {
        "web/Dockerfile": "FROM x\n",
        "Dockerfile": "FROM x\n",
        **LINK,
        "web/Linked": "-> OUT/Dockerfile",
        **(more or {}),
    }

    def passes(value: str) -> Callable[[Path], bool]:
        every = {**files, "compose.yaml": service(f"build: {value}")}
        return is_read(lambda folder: compose.resolve(lay(folder, every), App("shop"), {}))

    return Attack(
        name,
        passes(build),
        passes(honest),
        lambda monkeypatch: monkeypatch.setattr(compose, "build_problems", lambda *_: ()),
    )


BUILDS = [
    built("build context absolute", "/etc"),
    built("build context link", "dir", "."),
    built("build context above", "../outside", "./web"),
    built("build context in a home", "'~/.ssh'", "https://example.com/a.git"),
    built("build context by another scheme", "'file:///etc'", "'https://example.com/a.git'"),
    built(
        "Dockerfile absolute", "{context: web, dockerfile: OUT/Dockerfile}", "{context: web, dockerfile: Dockerfile}"
    ),
    built(
        "Dockerfile above",
        "{context: web, dockerfile: ../../outside/Dockerfile}",
        "{context: web, dockerfile: ../Dockerfile}",
    ),
    built("Dockerfile link", "{context: web, dockerfile: Linked}"),
    built(
        "dockerignore link",
        "{context: web}",
        "{context: sub}",
        {"web/.dockerignore": "-> OUT/x.sql", "sub/Dockerfile": ""},
    ),
    built(
        "named context absolute",
        "{context: web, additional_contexts: {a: /etc}}",
        "{context: ., additional_contexts: {a: ./web}}",
    ),
    built(
        "named context link",
        "{context: web, additional_contexts: {a: dir}}",
        "{context: ., additional_contexts: {a: 'docker-image://x'}}",
    ),
    built("named context layout", "{context: web, additional_contexts: {a: 'oci-layout:///x'}}"),
    built(
        "cache taken from a folder",
        "{context: web, cache_from: ['type=local,src=/x']}",
        "{context: web, cache_from: [x]}",
    ),
    built("cache kept in a folder", "{context: web, cache_to: ['type=local,dest=/x']}"),
    *(
        built(
            f"cache by {entry}", f"{{context: web, cache_to: ['{entry}']}}", f"{{context: web, cache_to: [{honest}]}}"
        )
        for entry, honest in (
            ("Type=local,dest=/x", "'type=registry,ref=x'"),
            ('"type=local",dest=/x', "'type=inline'"),
            ("dest=/x,TYPE=local", "'ref=x,type=registry'"),
            ("type=s3,bucket=x", "x"),
        )
    ),
    built(
        "cache taken by TYPE",
        "{context: web, cache_from: ['TYPE=local,src=/x']}",
        "{context: web, cache_from: ['a:1']}",
    ),
]


def mounted(name: str, text: str, honest: str) -> Attack:
    """Build an attack by what the engine would mount into a container."""
    files = {**LINK, "in": "-> own", "own/file": "x"}

    def passes(text: str) -> Callable[[Path], bool]:
        def gets_through(folder: Path) -> bool:
            top = lay(folder, {**files, "compose.yaml": text})
            git(top, "init", "--quiet")
            git(top, "add", "--all")
            git(top, "commit", "--quiet", "--message", "x")
            document = compose.resolve(top, App("shop"), {})
            return not completeness.problems(top, "HEAD", document, top, App("shop"))

        return gets_through

    return Attack(
        name,
        passes(text),
        passes(honest),
        lambda monkeypatch: monkeypatch.setattr(completeness, "mount_problems", lambda *_: ()),
    )


MOUNTS = [
    mounted("bind of a link", service("volumes: ['./dir:/x']"), service("volumes: ['./own:/x']")),
    mounted("bind through a link", service("volumes: ['./dir/.ssh:/x']"), service("volumes: ['./in:/x']")),
    mounted(
        "secret link",
        f"{service('secrets: [s]')}secrets: {{s: {{file: link.env}}}}\n",
        f"{service('secrets: [s]')}secrets: {{s: {{file: own/file}}}}\n",
    ),
    mounted(
        "config link",
        f"{service('configs: [s]')}configs: {{s: {{file: dir/o.env}}}}\n",
        f"{service('configs: [s]')}configs: {{s: {{file: in/file}}}}\n",
    ),
]


def copying(source: str) -> Callable[[Path], bool]:
    """Return whether what a Dockerfile copies is there."""

    def gets_through(folder: Path) -> bool:
        files = {"Dockerfile": f"FROM x\nCOPY {source} /x\n", "own/x.sql": "x", "compose.yaml": service("build: .")}
        top = lay(folder, files)
        git(top, "init", "--quiet")
        git(top, "add", "--all")
        git(top, "commit", "--quiet", "--message", "x")
        return not completeness.problems(top, "HEAD", compose.resolve(top, App("shop"), {}), top, App("shop"))

    return gets_through


def climbs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Copy, "path", property(lambda self: self.source))


COPIES = [
    Attack("copied from above", copying("own/../../outside/x.sql"), copying("own/../own/x.sql"), climbs),
]


def above(name: str, text: str, honest: str) -> Attack:
    """Build an attack by a path that Compose would make one of this machine, and so an absolute one of the host."""

    def passes(text: str) -> Callable[[Path], bool]:
        files = {"compose.yaml": text, "own/file": "x"}
        return is_read(lambda folder: compose.resolve(lay(folder, files), App("shop"), {"UP": ".."}))

    return Attack(
        name,
        passes(text),
        passes(honest),
        lambda monkeypatch: monkeypatch.setattr(compose, "refuse_outside", lambda *_: None),
    )


def of_secret(file: str) -> str:
    return f"{service('secrets: [s]')}secrets: {{s: {{file: {file}}}}}\n"


ABOVE = [
    above("bind above", service("volumes: ['../outside:/x:ro']"), service("volumes: ['./own/../own:/x:ro']")),
    above(
        "bind above in the long form",
        service("volumes: [{type: bind, source: ../../etc, target: /x}]"),
        service("volumes: [{type: bind, source: ./own, target: /x}]"),
    ),
    above(
        "bind above by a variable",
        service("volumes: ['./${UP}/x:/x']"),
        service("volumes: ['${NO:-./own}:/x:${NO:-ro}']"),
    ),
    above("bind above the folder", service("volumes: ['${PWD}/../x:/x']"), service("volumes: ['${PWD}/own:/x']")),
    above("secret above", of_secret("own/../../x"), of_secret("own/file")),
    above("secret above the folder", of_secret("../x"), of_secret("/run/secrets/x")),
]


def linked(name: str, read: str, links: Files, honest: Files) -> Attack:
    """Build an attack by links of a commit that whoever reads its export would follow."""

    def reads(files: Files) -> Callable[[Path], bool]:
        def gets_through(folder: Path) -> bool:
            top = lay(folder, files)
            git(top, "init", "--quiet")
            git(top, "add", "--all")
            git(top, "commit", "--quiet", "--message", "x")
            export(top, "HEAD", folder / "export")
            path = folder / "export" / read
            return path.exists() and SECRET in path.read_text()

        return gets_through

    return Attack(
        name,
        reads(links),
        reads(honest),
        lambda monkeypatch: monkeypatch.setattr(commit_files, "destination", lambda *_: b""),
    )


OWN = {"own/o.env": SECRET}
EXPORTS = [
    linked("pyproject.toml link", "pyproject.toml", {"pyproject.toml": "-> OUT/o.env"}, {"pyproject.toml": SECRET}),
    linked("link above", "a", {"a": "-> ../outside/o.env"}, {**OWN, "a": "-> own/o.env"}),
    linked("link to a folder", "a/o.env", {"a": "-> OUT"}, {**OWN, "a": "-> own"}),
    linked("link of a folder above", "x/a/o.env", {"x/a": "-> ../../outside"}, {**OWN, "x/a": "-> ../own"}),
    linked("link by a link", "b", {"a": "-> OUT", "b": "-> a/o.env"}, {**OWN, "a": "-> own", "b": "-> a/o.env"}),
    linked(
        "link by a link to the top",
        "a/b",
        {"a/top": "-> ..", "a/b": "-> top/../outside/o.env"},
        {**OWN, "a/top": "-> ..", "a/b": "-> top/own/o.env"},
    ),
]


def has_pattern(setting: str) -> Callable[[Path], bool]:
    """Return whether the settings of a commit may name files by a pattern."""

    return is_read(lambda folder: yaml_file.parse(setting, "invoke.yaml of the commit"))


def pattern(name: str, setting: str, value: str, honest: str) -> Attack:
    return Attack(
        name,
        has_pattern(setting.replace("VALUE", value)),
        has_pattern(setting.replace("VALUE", honest)),
        lambda monkeypatch: monkeypatch.setattr(fields, "is_way_out", lambda _: False),
    )


MIGRATIONS = "app: {migrations: {service: db, files: 'VALUE'}}"
QUERIES = "app: {predeploy: {database: {queries: 'VALUE'}}}"
PATTERNS = [
    pattern("migrations above", MIGRATIONS, "../../outside/*.sql", "migrations/*.sql"),
    pattern("migrations absolute", MIGRATIONS, "/home/*/*.sql", "*.sql"),
    pattern("migrations above within", MIGRATIONS, "a/../../b/*.sql", "a..b/*.sql"),
    pattern("queries above", QUERIES, "../*.sql", "sql/**/*.sql"),
]


def reads_example(files: Files) -> Callable[[Path], bool]:
    """Return whether the variables of ``.env.example`` of a work tree hold the secret."""

    def gets_through(folder: Path) -> bool:
        try:
            return SECRET in str(tree._examples(lay(folder, files), App("shop")))
        except BadInput:
            return False

    return gets_through


def reads_requirements(files: Files) -> Callable[[Path], bool]:
    """Return whether an installer would read the secret."""

    def gets_through(folder: Path) -> bool:
        top = lay(folder, files)
        try:
            paths = environment._with_included([top / "requirements.txt"], top)
        except BadInput:
            return False
        return any(SECRET in path.read_text() for path in paths)

    return gets_through


def reads_settings(files: Files) -> Callable[[Path], bool]:
    """Return whether the settings of a work tree are read from elsewhere."""

    def gets_through(folder: Path) -> bool:
        top = lay(folder, files)
        git(top, "init", "--quiet")
        (folder / "outside" / "invoke.yaml").write_text("app: {standby: 77}\n")
        checkout = folder / "checkout"
        checkout.mkdir()
        (checkout / "invoke.yaml").write_text(f"app: {{name: shop, path: {top}}}\n")
        try:
            return tree.of_work_tree(load.nowhere(checkout), {}).app.standby == 77
        except BadInput:
            return False

    return gets_through


def stops_checking(module: ModuleType) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setattr(module, "leads_out", lambda *_: False)


WORK_TREE = [
    Attack(
        ".env.example link",
        reads_example({".env.example": "-> OUT/o.env"}),
        reads_example({".env.example": f"A={SECRET}"}),
        stops_checking(compose),
    ),
    Attack(
        "requirements of a requirement",
        reads_requirements({"requirements.txt": "-r ../outside/requirements.txt\n"}),
        reads_requirements({"requirements.txt": "-r more.txt\n", "more.txt": SECRET}),
        stops_checking(environment),
    ),
    Attack(
        "constraints link",
        reads_requirements({"requirements.txt": "-c c.txt\n", "c.txt": "-> OUT/requirements.txt"}),
        reads_requirements({"requirements.txt": "-c c.txt\n", "c.txt": SECRET}),
        stops_checking(environment),
    ),
    Attack(
        "invoke.yaml link",
        reads_settings({"invoke.yaml": "-> OUT/invoke.yaml", "compose.yaml": "services: {}"}),
        reads_settings({"invoke.yaml": "app: {standby: 77}", "compose.yaml": "services: {}"}),
        stops_checking(tree),
    ),
]
test_refused, test_twin, test_defence = promises(
    [*COMPOSE, *FOREIGN, *BUILDS, *MOUNTS, *COPIES, *ABOVE, *EXPORTS, *PATTERNS, *WORK_TREE]
)
