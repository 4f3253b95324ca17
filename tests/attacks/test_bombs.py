"""Bombs: texts, files, walks, answers and processes that would not end, or would end in a traceback."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from switchyard.control import connection, keeper, known_hosts
from switchyard.core import regular_file, tree_pattern
from switchyard.core.errors import SwitchyardError
from switchyard.core.tree_pattern import matches
from switchyard.core.wire import json_text
from switchyard.host.adapters import engine, files, process, proxy, tree
from switchyard.host.adapters.layout import Layout
from switchyard.host.channel import frames
from switchyard.predeploy.database.sql_checks import read_sql_check
from switchyard.settings import bounded_yaml, env, fields, load, yaml_file
from tests.harness.attack import Attack, promises
from tests.harness.fake_engine import FakeEngine, serving

Remove = Callable[[pytest.MonkeyPatch], None]


def _not_refused(act: Callable[[], object]) -> bool:
    """Return whether an act ends otherwise than by an error that a person reads."""
    try:
        act()
    except SwitchyardError:
        return False
    except (Exception, RecursionError):
        return True
    return True


LEVELS = "bcdef"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcde", LEVELS, strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 10)}]}}\n"
    for before, name in zip("abcde", LEVELS, strict=True)
)
YAML = {
    "aliases of aliases stand for a million values": LAUGHS,
    "merged mappings of merged mappings": MERGES,
    "a long list a thousand times": f"a: &a [{', '.join('x' * 100)}]\nb: [{', '.join(['*a'] * 1000)}]",
    "lists in lists": "[" * 60 + "]" * 60,
    "mappings in mappings": "".join(f"{' ' * number}a:\n" for number in range(60)),
    "a list that is in itself": "a: &a [*a]",
    "a mapping that is in itself": "a: &a {b: *a}",
    "more values than fit": "[" + "x, " * 30_001 + "]",
    "more characters than fit": f"a: '{'x' * 1024 * 1024}'",
    "half of a surrogate pair": r'a: "\ud800"',
}


def _yaml(name: str, text: str) -> Attack:
    return Attack(
        f"yaml: {name}",
        lambda folder: _not_refused(lambda: bounded_yaml.load(text, "invoke.yaml")),
        lambda folder: bounded_yaml.load("a: &a {x: [1, 2]}\nb: {<<: *a}", "invoke.yaml")["b"] == {"x": [1, 2]},
        lambda monkeypatch: monkeypatch.setattr(bounded_yaml, "_require_little", lambda text, name: None),
    )


def _compose_file(folder: Path, text: str) -> bool:
    (folder / "compose.yaml").write_text(text)
    return _not_refused(lambda: yaml_file.documents_of(folder / "compose.yaml", "compose.yaml"))


def _mistakes(folder: Path) -> bool:
    try:
        yaml_file.parse("app:\n" + "".join(f"  unknown{number}: 1\n" for number in range(200)), "invoke.yaml")
    except SwitchyardError as error:
        return len(str(error).splitlines()) > 100
    return True


SETTINGS = [
    *(_yaml(name, text) for name, text in YAML.items()),
    *(
        Attack(
            f"compose file: {name}",
            lambda folder, text=YAML[name]: _compose_file(folder, text),
            lambda folder: _compose_file(folder, "services: {web: {image: a}}"),
            lambda monkeypatch: monkeypatch.setattr(bounded_yaml, "_require_little", lambda text, name: None),
        )
        for name in ("aliases of aliases stand for a million values", "lists in lists")
    ),
    Attack(
        "settings with hundreds of mistakes, each looked up",
        _mistakes,
        lambda folder: yaml_file.parse("app: {name: shop}", "invoke.yaml").app is not None,
        lambda monkeypatch: monkeypatch.setattr(yaml_file, "PROBLEMS_MOST", 10**9),
    ),
]

JSON = {
    "lists in lists": "[" * 200 + "]" * 200,
    "objects in objects": '{"a": ' * 200 + "1" + "}" * 200,
    "lists deeper than any stack": "[" * 200_000,
    "a number of a hundred digits": "1" * 100,
    "a number that takes minutes to convert": "9" * 200_000,
    "a number that is infinite": "[1e999]",
    "a word that is no number": '{"a": NaN}',
    "more characters than fit": " " * (json_text.SIZE_MOST + 1) + "1",
}


def _json(name: str, text: str) -> Attack:
    return Attack(
        f"json: {name}",
        lambda folder: _not_refused(lambda: json_text.parse(text)),
        lambda folder: json_text.parse('{"a": [[1, 2.5, -3e4]], "b": null}') == {"a": [[1, 2.5, -3e4]], "b": None},
        lambda monkeypatch: monkeypatch.setattr(json_text, "parse", json.loads),
    )


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _zeros(folder: Path) -> Path:
    (folder / "zeros").symlink_to("/dev/zero")
    return folder / "zeros"


def _is_read(act: Callable[[], object]) -> bool:
    """Return whether a file was read, even if what was read is then refused."""
    try:
        act()
    except SwitchyardError as error:
        return "a device or a pipe" not in str(error) and "it is no file" not in str(error)
    except OSError:
        return False
    return True


def _read_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_file, "stat", SimpleNamespace(S_ISREG=lambda mode: True, S_ISDIR=lambda mode: False))
    for module in (tree, files):
        monkeypatch.setattr(module, "stat", SimpleNamespace(S_ISREG=lambda mode: True))


def _env_of(folder: Path, path: Path) -> str:
    machines = "machines: [{name: a, address: b}]"
    (folder / "invoke.yaml").write_text(f"hosts: {{prod: {{{machines}, env: {{files: [{path}]}}}}}}")
    return env.env_text(load.host(folder, "prod"))


CHECK = "-- id: a\n-- severity: error\n-- promises: b\n-- do: c\nSELECT 1\n"
READERS: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "settings": (lambda folder, path: yaml_file.read(path), "app: {name: shop}"),
    "an env file": (_env_of, "A=1"),
    "a file of JSON on a host": (lambda folder, path: files.read_json(path), "{}"),
    "a check in SQL": (lambda folder, path: read_sql_check(path, "sql/checks/a.sql"), CHECK),
    "a file of host keys": (lambda folder, path: known_hosts.read(path), "# nothing"),
}


def _plain(folder: Path, text: str) -> Path:
    (folder / "plain").write_text(text)
    return folder / "plain"


def _file(name: str, make: Callable[[Path], Path], what: str) -> Attack:
    read, text = READERS[what]
    return Attack(
        f"file: {name} as {what}",
        lambda folder: _is_read(lambda: read(folder, make(folder))),
        lambda folder: _is_read(lambda: read(folder, _plain(folder, text))),
        _read_anything,
    )


def _large(folder: Path) -> bool:
    path = folder / "large"
    path.touch()
    os.truncate(path, regular_file.SIZE_MOST + 1)
    return _not_refused(lambda: yaml_file.read_text(path))


def _released(folder: Path, make: Callable[[Path], object]) -> bool:
    (folder / "files").mkdir()
    make(folder / "files")
    return _is_read(lambda: tree.read_id(folder / "files", "sha1", lambda: None))


FILES = [
    *(_file("a pipe that nobody writes to", _pipe, what) for what in READERS),
    *(_file("a link to an endless device", _zeros, what) for what in READERS),
    Attack(
        "file: one of more bytes than fit",
        _large,
        lambda folder: yaml_file.read_text(_plain(folder, "a: 1")) == "a: 1",
        lambda monkeypatch: monkeypatch.setitem(regular_file.read_regular.__kwdefaults__, "size_most", 1 << 30),
    ),
    Attack(
        "file: a pipe in a release that arrived",
        lambda folder: _released(folder, _pipe),
        lambda folder: _released(folder, lambda files: (files / "a").write_text("b")),
        _read_anything,
    ),
]


def _found(folder: Path, pattern: str) -> list[str]:
    return matches(str(folder / "app"), pattern, os.scandir, os.path.realpath)


def _linked(folder: Path, pattern: str, name: str, target: str) -> bool:
    """Return whether a walk of the application finds what a link leads to."""
    for place in ("app/migrations", "outside/migrations"):
        (folder / place).mkdir(parents=True)
    (folder / "outside" / "migrations" / "secret.sql").write_text("SELECT 1")
    (folder / "app" / "own.sql").write_text("SELECT 1")
    (folder / "app" / name).symlink_to(folder / target)
    return bool(_found(folder, pattern))


def _accept_every_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "is_way_out", lambda pattern: False)


def _pattern(name: str, pattern: str) -> Attack:
    return Attack(
        f"pattern: {name}",
        lambda folder: not _is_refused(pattern),
        lambda folder: not _is_refused("db/**/[0-9]*.sql"),
        _accept_every_pattern,
    )


def _is_refused(pattern: str) -> bool:
    text = f"app: {{migrations: {{service: db, files: {json.dumps(pattern)}}}}}"
    return not _not_refused(lambda: yaml_file.parse(text, "invoke.yaml"))


def _walk(name: str, pattern: str, link: str, target: str) -> Attack:
    return Attack(
        f"walk: {name}",
        lambda folder: _linked(folder, pattern, link, target),
        lambda folder: (
            _linked(folder, pattern, link, "app/own.sql" if link.endswith(".sql") else "app/migrations")
            or bool(_found(folder, "*.sql"))
        ),
        lambda monkeypatch: monkeypatch.setattr(tree_pattern._Walk, "_stays", lambda self, entry, path: True),
    )


WALKS = [
    _pattern("out of the folder", "../*.sql"),
    _pattern("out of the folder in the middle", "a/../../*.sql"),
    _pattern("from the root of the machine", "/etc/*"),
    _pattern("hundreds of parts", "*/" * 300 + "*"),
    _pattern("no file at all", "."),
    _walk("a link to a folder outside", "*/*.sql", "out", "outside/migrations"),
    _walk("a link by its name to a folder outside", "out/*.sql", "out", "outside/migrations"),
    _walk("a link on the way to one outside", "out/migrations/*.sql", "out", "outside"),
    _walk("a link to a file outside", "x*.sql", "x.sql", "outside/migrations/secret.sql"),
]


def _fed(*parts: bytes) -> list[object]:
    parser = frames.FrameParser()
    return list(itertools.islice((frame for part in parts for frame in parser.feed(part)), 10))


def _frame(name: str, parts: list[bytes], remove: Remove) -> Attack:
    return Attack(
        f"channel: {name}",
        lambda folder: _not_refused(lambda: _fed(*parts)),
        lambda folder: len(_fed(b'{"say": "rec', b'eive", "bytes": 3}\nabc{"say": "beat"}\n')) == 3,
        remove,
    )


FRAMES = [
    _frame(
        "a word that does not end",
        [b"x" * (frames.WORD_MOST + 1)],
        lambda monkeypatch: monkeypatch.setattr(frames, "WORD_MOST", 1 << 40),
    ),
    _frame(
        "a pack of less than nothing",
        [b'{"say": "receive", "bytes": -4}\nabcdefgh'],
        lambda monkeypatch: monkeypatch.setattr(
            frames, "_word", lambda line: frames.Word.decode(json_text.parse(line))
        ),
    ),
    _frame(
        "a word as deep as a stack",
        [b'{"say": "beat", "why": ' + b"[" * 100_000 + b"\n"],
        lambda monkeypatch: monkeypatch.setattr(json_text, "parse", json.loads),
    ),
]


class Answering(proxy.Proxy):
    """An edge that answers each command by one text."""

    def __init__(self, folder: Path, answer: str) -> None:
        super().__init__(Layout(folder))
        self.answer = answer

    def say(self, command: str) -> str:
        return self.answer


STATISTICS = "a_blue,web1,0,0,{0},1,1,0,0,0,0,0,0,0,{0},0,0,UP,{0}"


def _statistics(folder: Path, cell: str) -> bool:
    edge = Answering(folder, STATISTICS.format(cell))
    return _not_refused(lambda: [edge.servers_up("a_blue"), edge.connections("blue"), edge.aborted("blue")]) and (
        edge._statistics()[0].connections > 1 << 70 or cell == "7"
    )


def _state(folder: Path, cell: str) -> bool:
    edge = Answering(folder, f"4 a_blue 1 web1 10.0.0.1 2 {cell} 1 1 1")
    try:
        return edge._servers()[0].is_out
    except ValueError:
        return True


def _endless(folder: Path) -> bool:
    """Let a socket answer without an end, within reason, and return whether all of it is kept."""
    import socket

    layout = Layout(folder)
    (layout.edge / "run").mkdir(parents=True)
    size = 80 * 1024 * 1024
    with socket.socket(socket.AF_UNIX) as server:
        place = os.open(layout.edge / "run", os.O_RDONLY)
        server.bind(f"/proc/self/fd/{place}/edge.sock")
        server.listen(1)

        def answer() -> None:
            peer, _ = server.accept()
            with peer, contextlib.suppress(OSError):
                peer.recv(100)
                for _ in range(80):
                    peer.sendall(bytes(1024 * 1024))

        thread = threading.Thread(target=answer)
        thread.start()
        length = len(proxy.Proxy(layout).say("show stat"))
        thread.join()
        os.close(place)
    return length == size


def _as_number(row: list[str], column: int) -> int:
    return int(row[column]) if column < len(row) else 0


ANSWERS = [
    Attack(
        "edge: a count of a thousand digits",
        lambda folder: _statistics(folder, "9" * 1000),
        lambda folder: _statistics(folder, "7"),
        lambda monkeypatch: monkeypatch.setattr(proxy, "_number", _as_number),
    ),
    Attack(
        "edge: a state that is no number",
        lambda folder: _state(folder, "drain"),
        lambda folder: _state(folder, "8"),
        lambda monkeypatch: monkeypatch.setattr(proxy, "_number", _as_number),
    ),
    Attack(
        "edge: an answer without an end",
        _endless,
        lambda folder: Answering(folder, "0x1 live blue").live() == "blue",
        lambda monkeypatch: monkeypatch.setattr(proxy, "PARTS_MOST", 1 << 40),
    ),
]


def _printed(argv: list[str]) -> Callable[[Path], bool]:
    """Return whether all that a command of the host prints is kept, up to what a test can bear."""

    def act(folder: Path) -> bool:
        try:
            return len(process.run(argv)[1]) > 0
        except SwitchyardError:
            return False

    return act


def _engine_answers(size: int) -> Callable[[Path], bool]:
    """Return whether all is kept that a command in a container prints, such as a health check of a commit."""

    def act(folder: Path) -> bool:
        with pytest.MonkeyPatch.context() as patch, serving(FakeEngine(), patch) as fake:
            fake.know("/containers/web/exec", {"Id": "e1"}, "POST")
            fake.know("/exec/e1/start", bytes(size), "POST")
            fake.know("/exec/e1/json", {"ExitCode": 0})
            return engine.execute("web", ["cat", "/dev/zero"])[0] == 0

    return act


PRINTED = ["head", "-c", str(80 << 20), "/dev/zero"]
ANSWERS += [
    Attack(
        "a command that prints without an end",
        _printed(PRINTED),
        _printed(["echo", "twin"]),
        lambda monkeypatch: monkeypatch.setattr(process, "OUTPUT_MOST", 1 << 40),
    ),
    Attack(
        "a health check that prints without an end",
        _engine_answers(40 << 20),
        _engine_answers(1 << 20),
        lambda monkeypatch: monkeypatch.setattr(engine, "ANSWER_MOST", 1 << 40),
    ),
]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDkde0XzDdED4UzdK3qVSIh66eHyE6xiLWkUk+lpQfDg"
HOST_KEYS = {
    "an authority of OpenSSH": f"@cert-authority *.example.com {KEY}",
    "an authority with a comment": f"@cert-authority\t* {KEY} ours",
    "a key that is cut short": "shop.example.com ssh-ed25519 AAAAC3Nza",
    "a hashed name without a hash": f"|1|x|y {KEY}",
    "a key that is no base64": "shop.example.com ssh-rsa A",
}


def _connects(folder: Path, line: str) -> bool:
    """Return whether a checkout with this line among its host keys can build a connection that knows another key."""
    (folder / ".switchyard").mkdir()
    (folder / ".switchyard" / "known_hosts").write_text(f"{line}\n10.0.0.1 {KEY}\n")
    (folder / "invoke.yaml").write_text("hosts: {prod: {machines: [{name: a, address: 10.0.0.1}]}}")
    host = load.host(folder, "prod")
    keys = connection.unconnected(host, host.setting.machines[0]).client.get_host_keys()
    return keys.lookup("10.0.0.1") is not None


def _host_keys(name: str, line: str) -> Attack:
    return Attack(
        f"host keys: {name}",
        lambda folder: not _ends_well(lambda: _connects(folder, line)),
        lambda folder: _connects(folder, f"other.example.com {KEY}"),
        _trust_every_line,
    )


def _ends_well(act: Callable[[], bool]) -> bool:
    try:
        return act()
    except Exception:
        return False


def _trust_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> known_hosts.KnownHosts:
        return known_hosts.KnownHosts(path.read_text().splitlines() if path.exists() else [])

    monkeypatch.setattr(known_hosts, "read", read)


VERB = """
import os, subprocess, sys, time
from switchyard.control import keeper
keeper._PROGRAM = sys.argv[1]
keeper.begin()
child = subprocess.Popen(["sh", "-c", sys.argv[2]], start_new_session=True)
print(child.pid, flush=True)
time.sleep(30)
"""


def _outlives(command: str) -> bool:
    """Kill a verb that runs a command, and return whether anything of that is left."""
    words = [sys.executable, "-c", VERB, keeper._PROGRAM, command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as verb:
        assert verb.stdout is not None
        child = int(verb.stdout.readline())
        deadline = time.monotonic() + 10
        while not (left := _in_session(child)) and time.monotonic() < deadline:
            time.sleep(0.01)
        verb.kill()
    deadline = time.monotonic() + (10 if keeper._PROGRAM != IDLE else 0.3)
    while (left := _in_session(child)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(left)


def _in_session(session: int) -> list[int]:
    def fields_of(path: Path) -> Iterator[tuple[int, list[str]]]:
        with contextlib.suppress(OSError):
            yield int(path.parent.name), path.read_text().rpartition(")")[2].split()

    pairs = (pair for path in Path("/proc").glob("[0-9]*/stat") for pair in fields_of(path))
    return [pid for pid, (state, _, _, of, *_) in pairs if int(of) == session and state != "Z"]


IDLE = "exit"
"""A keeper that keeps nothing."""


def _child(name: str, command: str) -> Attack:
    return Attack(
        f"killed verb: {name}",
        lambda folder: _outlives(command),
        lambda folder: not _outlives("sleep 0.2"),
        lambda monkeypatch: monkeypatch.setattr(keeper, "_PROGRAM", IDLE),
    )


CHILDREN = [
    _child("a child in a session of its own", "exec sleep 30"),
    _child("a grandchild", "sleep 30 & wait"),
    _child("a child that ignores SIGTERM", "trap '' TERM; sleep 30 & sleep 30; sleep 30"),
]

ATTACKS = [
    *SETTINGS,
    *(_json(name, text) for name, text in JSON.items()),
    *FILES,
    *WALKS,
    *FRAMES,
    *ANSWERS,
    *(_host_keys(name, line) for name, line in HOST_KEYS.items()),
    *CHILDREN,
]
test_refused, test_twin, test_defence = promises(ATTACKS)


def test_a_revoked_host_key_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"a.example.com {KEY}\n@revoked * {KEY}\n")
    known = known_hosts.read(path)
    assert not known.has("a.example.com") and known.notes == [f"{path}:2 revokes a key"]
