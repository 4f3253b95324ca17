"""One Fabric connection to one machine, and the channel to its host program."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import platform
import queue
import shlex
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import fabric
import paramiko

from switchyard.core.errors import FAILED, BadInput, NotChecked, SwitchyardError
from switchyard.settings.env import env_text
from switchyard.settings.model import Host, Machine

T = TypeVar("T")
R = TypeVar("R")

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # its threads print tracebacks where nobody listens
CONNECT_WITHIN = 8
"""Seconds in which a machine must answer."""
BEAT_EVERY = 5.0
ALIVE_EVERY = 15
"""Seconds after which a quiet connection says that it is there, so that nothing on the way forgets it."""
LOST_FOR = 40.0
"""Seconds for which a lost connection is tried again."""
SILENT_FOR = 3600.0
"""Seconds without any event after which following ends."""

UNSEEN: dict[str, Any] = {
    "outcome": "lost",
    "exit": FAILED,
    "reason": "the attempt's end was not seen",
    "live": None,
    "looked": False,
    "before": None,
    "release": None,
}
"""The end of an attempt that was not heard of any more; the parts of an end that are not told."""

_MAIN = "from switchyard.host.__main__ import main\n\nmain()\n"

_BOOTSTRAP = """
import os, sys
if sys.version_info < (3, 10):
    print("python", sys.version.split()[0], flush=True); sys.exit(3)
folder = os.path.join(os.path.expanduser(ROOT), "bin", HASH)
if os.path.isdir(folder):
    print("have", flush=True)
else:
    os.umask(0o077)
    try:
        os.makedirs(os.path.dirname(folder), 0o700, exist_ok=True)
        if not os.access(os.path.dirname(folder), os.W_OK): raise PermissionError("not writable")
    except OSError as error:
        print("root", error, flush=True); sys.exit(6)
    print("need", flush=True)
    import hashlib, io, zipfile
    data = b""
    while len(data) < SIZE:
        part = os.read(0, SIZE - len(data))
        if not part: sys.exit(4)
        data += part
    if hashlib.sha256(data).hexdigest()[:16] != HASH: sys.exit(5)
    aside = folder + ".%d" % os.getpid()
    zipfile.ZipFile(io.BytesIO(data)).extractall(aside)
    try: os.rename(aside, folder)
    except OSError: pass
os.execv(sys.executable, [sys.executable, folder])
"""


@lru_cache(maxsize=1)
def program() -> tuple[str, bytes]:
    """The host program as a zip application, and its content hash."""
    package = Path(__file__).parents[1]
    files = {"__main__.py": _MAIN.encode(), "switchyard/__init__.py": b""}
    for part in ("core", "host"):
        for path in (package / part).rglob("*.py"):
            files[f"switchyard/{path.relative_to(package)}"] = path.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), files[name], zipfile.ZIP_DEFLATED)
    data = packed.getvalue()
    return hashlib.sha256(data).hexdigest()[:16], data


def bootstrap(root: str, digest: str, size: int) -> str:
    """The one command line that a host's shell ever sees: starts the program, and takes it in where it is new."""
    code = f"ROOT = {root!r}\nHASH = {digest!r}\nSIZE = {size}\n{_BOOTSTRAP}"
    return f"python3 -c {shlex.quote(code)}"


def unconnected(host: Host, machine: Machine) -> fabric.Connection:
    """A connection to a machine, not yet made, that takes no key but a known one."""
    config = fabric.Config(overrides={"load_ssh_configs": False}, lazy=True)
    options: dict[str, Any] = {"banner_timeout": CONNECT_WITHIN, "auth_timeout": CONNECT_WITHIN}
    if machine.key:
        key = Path(os.path.expanduser(machine.key))
        options["key_filename"] = str(key if key.is_absolute() else host.checkout / key)
        options.update(look_for_keys=False, allow_agent=False)
    connection = fabric.Connection(
        machine.address,
        user=machine.user,
        port=machine.port,
        config=config,
        connect_timeout=CONNECT_WITHIN,
        connect_kwargs=options,
    )
    known = known_hosts(host)
    connection.client.load_system_host_keys()
    if known.exists():
        connection.client.load_host_keys(str(known))
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    return connection


def known_hosts(host: Host) -> Path:
    """Where a checkout keeps the keys that it knows."""
    return host.checkout / ".switchyard" / "known_hosts"


def connect(host: Host, machine: Machine) -> fabric.Connection:
    """A connection to a machine whose key is known. Every way in which that fails is named."""
    connection = unconnected(host, machine)
    where, known = f"{machine.name} ({machine.address}:{machine.port})", known_hosts(host)
    try:
        connection.open()
    except paramiko.BadHostKeyException:
        raise NotChecked(
            f"{where}: its host key changed. If that is right, remove the old line ({_forget(known, machine)}) and add "
            "the new one"
        ) from None
    except paramiko.AuthenticationException:
        raise NotChecked(
            f"{where}: refused the key {machine.key or '(from the agent)'} for user {connection.user}"
        ) from None
    except (TimeoutError, paramiko.SSHException, OSError) as error:
        if str(error).startswith("encountered "):  # refused as one kind of key, and then tried as every other
            raise NotChecked(f"{where}: refused the key {machine.key} for user {connection.user}") from None
        if "not found in known_hosts" in str(error):
            raise NotChecked(
                f"{where}: its host key is unknown. Check it, then: ssh-keyscan -p {machine.port} "
                f"{machine.address} >> ~/.ssh/known_hosts"
            ) from None
        raise NotChecked(f"{where}: no SSH connection within {CONNECT_WITHIN} s: {error}") from None
    assert connection.transport is not None
    connection.transport.set_keepalive(ALIVE_EVERY)
    return connection


def _forget(known: Path, machine: Machine) -> str:
    """The command that removes what is known of a machine's key, from the file that it stands in."""
    name = machine.address if machine.port == paramiko.config.SSH_PORT else f"[{machine.address}]:{machine.port}"
    mine = known.exists() and paramiko.HostKeys(str(known)).lookup(name) is not None
    return f"ssh-keygen {f'-f {shlex.quote(str(known))} ' if mine else ''}-R {shlex.quote(name)}"


class Line:
    """The channel that hello leaves open to one machine; connected when it is opened, or started."""

    def __init__(self, host: Host, machine: Machine, app: str) -> None:
        self.machine = machine
        self.app = app
        self.root = host.setting.root or f"~/apps/{app}"
        self.executions = 0
        self.connection = unconnected(host, machine)
        self._channel: paramiko.Channel | None = None
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._host = host
        self._attempt: str | None = None
        self._request: dict[str, Any] = {}
        self._seen = 0
        self._heard = -1
        """How many events there were when the line was lost last; -1: never."""
        self._lost = self._made = 0.0
        """Since when it is lost, and when it was made again."""
        self._sending = False
        self._cancels = False
        """Whether the attempt's end was asked for, or has been looked at again."""
        self.followed = False
        """Whether an attempt was begun here whose end can be waited for."""
        self._word = b""
        """What was said last: said again after a lost connection, which may have swallowed it."""

    def open(self) -> None:
        """Connects, where it is not connected: the checks may have taken longer than something on the way allows."""
        if not self.connection.is_connected:
            self.connection = connect(self._host, self.machine)

    def start(self, verb: str, **fields: Any) -> None:
        """Ships the program if its hash is new, and asks for a verb: one execution in either case."""
        self._attempt, self._seen, self._heard, self._cancels = fields.get("attempt"), 0, -1, False
        mine = {"machine": machine_id(), "pid": os.getpid(), "started": _process_start(os.getpid())}
        whose = {"app": self.app, "root": self.root, "host": self._host.name, "operator": mine}
        self._request = {"v": 1, "verb": verb, **whose, **fields}
        self.followed = False
        self.open()
        self._launch(self._request)

    def _launch(self, request: dict[str, Any]) -> None:
        digest, data = program()
        transport = self.connection.transport
        assert transport is not None
        with self._reached():
            self._channel = channel = transport.open_session(timeout=CONNECT_WITHIN)
            channel.exec_command(bootstrap(self.root, digest, len(data)))
            self.executions += 1
            self._file = channel.makefile("rb")
            answer = self._file.readline().decode().split()
        if answer and answer[0] == "root":
            raise BadInput(
                f"{self.machine.name}: {self.root} cannot be used by this SSH user: {' '.join(answer[1:])}. Choose "
                "another `root` for the host in invoke.yaml"
            )
        if not answer or answer[0] not in ("have", "need"):
            raise NotChecked(self._why_not(answer))
        if answer[0] == "need":
            self._write(data)
        self._write(_line(**request))
        self._events = queue.Queue()
        threading.Thread(target=self._read, args=(self._file, self._events), daemon=True).start()
        threading.Thread(target=self._beat, args=(channel,), daemon=True).start()
        self.followed = True

    def _why_not(self, answer: list[str]) -> str:
        assert self._channel is not None
        if answer and answer[0] == "python":
            return f"{self.machine.name}: its python3 is {answer[1]}; Switchyard needs 3.10 or newer there"
        said = self._channel.makefile_stderr("r").read().strip()
        if self._channel.recv_exit_status() == 127:
            return f"{self.machine.name}: python3 is not installed; install Python 3.10 or newer there"
        return f"{self.machine.name}: the host program did not start in {self.root}: {said.splitlines()[-1:] or answer}"

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """What paramiko raises where the connection is lost becomes ``NotChecked``."""
        try:
            yield
        except (OSError, EOFError, paramiko.SSHException) as error:
            why = str(error) or "the other side closed it"
            raise NotChecked(f"{self.machine.name}: the connection was lost: {why}") from None

    def _write(self, data: bytes, channel: paramiko.Channel | None = None) -> None:
        channel = channel or self._channel
        assert channel is not None
        with self._lock, self._reached():
            channel.sendall(data)

    def say(self, word: str, **fields: Any) -> None:
        """One word to the host program; one that finds the connection lost is said on the next."""
        self._word = _line(say=word, **fields)
        self._repeat()

    def _repeat(self) -> None:
        with contextlib.suppress(NotChecked):  # whoever waits for the next event finds the connection lost, too
            self._write(self._word)

    def cancel(self) -> None:
        """Asks for the attempt's end; where bytes were cut off in their middle, on a new connection."""
        self._cancels = True
        if self._sending:
            self._sending, self._word = False, _line(say="cancel")
            self.connection.close()
        else:
            self.say("cancel")

    def send(self, word: str, data: bytes) -> None:
        """A word with bytes after it."""
        self._sending = True
        with contextlib.suppress(NotChecked):
            self._write(_line(say=word, bytes=len(data)) + data)

    def _read(self, file: Any, events: queue.Queue[dict[str, Any] | None]) -> None:
        try:
            for line in file:
                events.put(json.loads(line))
        except (OSError, EOFError, ValueError):
            pass
        events.put(None)

    def _beat(self, channel: Any) -> None:
        while self._channel is channel:
            time.sleep(BEAT_EVERY)
            try:
                if channel is self._channel:
                    self._write(_line(say="beat"), channel)
            except SwitchyardError:
                return

    def events(self) -> Iterator[dict[str, Any]]:
        """What the host program says, until its end. Raises ``NotChecked`` when the connection is lost before."""
        while True:
            try:
                event = self._events.get(timeout=SILENT_FOR)
            except queue.Empty:
                raise NotChecked(
                    f"{self.machine.name}: nothing was heard for {SILENT_FOR / 60:.0f} min. The host program goes on "
                    "by itself after its switch, and cancels before it; see inv status"
                ) from None
            if event is None:
                self._events.put(None)  # whoever is interrupted while the line is made again finds it lost still
                self._follow_again()
                continue
            if event["event"] == "end" and "gone" not in self._request and is_orphan(event.get("holder")):
                gone = event["holder"]["attempt"]
                self._attempt, self._seen = f"{self._attempt}b", 0
                self._request = {**self._request, "attempt": self._attempt, "gone": gone}
                self._launch(self._request)
                continue
            if event.get("outcome") == "cancelled" and not self._cancels:
                self._cancels = True
                with contextlib.suppress(NotChecked):  # who has slept meanwhile is told what has become of it since
                    self._follow_again()
                    continue
            self._seen += 1
            self._sending = self._sending and event["event"] != "received"
            yield {**UNSEEN, **event} if event["event"] == "end" else event
            if event["event"] in ("end", "answer"):
                return

    def _follow_again(self) -> None:
        """A new connection to the same attempt; a release that was cut off while it was sent is cancelled."""
        lost = NotChecked(
            f"{self.machine.name}: the connection was lost and did not come back within {LOST_FOR:.0f} s. The host "
            "program goes on by itself after its switch, and cancels before it; see inv status"
        )
        if self._attempt is None:
            raise lost
        began = time.monotonic()
        if self._seen > self._heard or began - self._made > LOST_FOR:
            self._lost = began
        elif self._made:  # made again, and lost at once: the host cannot be followed just now
            time.sleep(1)
        self._heard = self._seen
        while True:
            if time.monotonic() > self._lost + LOST_FOR:
                raise lost
            try:
                self.connection.close()
                self.connection = connect(self._host, self.machine)
                request = {"v": 1, "verb": "follow", "app": self.app, "root": self.root}
                self._launch({**request, "attempt": self._attempt, "seen": self._seen})
                self._made = time.monotonic()
                break
            except NotChecked:
                time.sleep(1)
        if self._sending:
            self.say("cancel", why="the connection was lost while the release was sent; type it again")
        elif self._word:
            self._repeat()

    def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """The answer of a verb that only reads; one at a time, whoever asks."""
        with self._asking:
            self.start(verb, **fields)
            for event in self.events():
                if event["event"] == "answer":
                    answer: dict[str, Any] = event["answer"]
                    return answer
                if event["event"] == "end":
                    raise SwitchyardError(f"{self.machine.name}: {event['reason']}", exit=event["exit"])
        raise NotChecked(f"{self.machine.name}: no answer")

    def close(self) -> None:
        """Closes channel and connection."""
        self._channel = None
        self.connection.close()


class Away(Mapping[str, Any]):
    """What a machine that cannot be reached says of itself: whoever asks is told why it cannot."""

    def __init__(self, why: NotChecked) -> None:
        self._why = str(why)

    def __getitem__(self, name: str) -> Any:
        raise NotChecked(self._why)

    def __iter__(self) -> Iterator[str]:
        raise NotChecked(self._why)

    def __len__(self) -> int:
        raise NotChecked(self._why)


@contextlib.contextmanager
def lines_to(host: Host, app: str) -> Iterator[list[Line]]:
    """A line to each machine of a host, in the order of their names, that connects when something is asked."""
    with contextlib.ExitStack() as closing:
        machines = sorted(host.setting.machines, key=lambda machine: machine.name)
        found = [Line(host, machine, app) for machine in machines]
        for line in found:
            closing.callback(line.close)
        yield found


@contextlib.contextmanager
def to_each(host: Host, app: str) -> Iterator[list[Line]]:
    """The same, connected. Raises ``NotChecked`` for a machine that cannot be reached."""
    with lines_to(host, app) as lines:
        for line in lines:
            line.open()
        yield lines


def at_once(act: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """What becomes of each, in their order; every one has a thread of its own, for which Ctrl-C does not wait."""

    def run(item: T, end: Future[R]) -> None:
        try:
            end.set_result(act(item))
        except BaseException as error:
            end.set_exception(error)

    ends: list[Future[R]] = [Future() for _ in items]
    for item, end in zip(items, ends, strict=True):
        threading.Thread(target=run, args=(item, end), daemon=True).start()
    return [end.result() for end in ends]


def ask_each(lines: Sequence[Line], verb: str) -> list[tuple[Line, dict[str, Any]]]:
    """Each line with the answer of its machine; they are asked at one time."""
    return list(zip(lines, at_once(lambda line: line.ask(verb), lines), strict=True))


def is_orphan(holder: dict[str, Any] | None) -> bool:
    """Whether the lease is held for a process of this very machine that is gone."""
    operator = (holder or {}).get("operator") or {}
    if operator.get("machine") != machine_id():
        return False
    return bool(_process_start(int(operator["pid"])) != operator["started"])


def _line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def machine_id() -> str:
    """This machine in this boot; a process of another one cannot be judged from here."""
    try:
        return f"{platform.node()}/{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"
    except OSError:
        return platform.node()


def _process_start(pid: int) -> str | None:
    """When a process began, as far as this machine tells; None where it is gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return "unknown"
    return None if fields[0] == "Z" else fields[19]


def require_app(name: str | None, host: str) -> str:
    """The application's name, which says where its root is."""
    if not name:
        raise BadInput(f"hosts.{host}: no application is named; add app: {{name, path}} to the host or to invoke.yaml")
    return name


def env_of(host: Host) -> str:
    """The env that the host's settings name; with ``host: true`` the live release's own."""
    if host.setting.env is None or not host.setting.env.host:
        return env_text(host)
    line = Line(host, host.setting.machines[0], require_app(host.app_setting.name, host.name))
    try:
        return str(line.ask("env")["env"])
    finally:
        line.close()
