"""Secrets: no spelling of one, and no way that it takes, brings it to a screen or into a record."""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import io
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, quote_plus

import pytest
from invoke.exceptions import Exit

from switchyard.control import known_secrets, terminal
from switchyard.control.screen import Screen
from switchyard.core import outside_text, redact, secrecy
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput, SwitchyardError
from switchyard.core.journal import EndEntry
from switchyard.core.outside_text import plain
from switchyard.core.redact import Redactor
from switchyard.core.wire.events import End, Progress, StepEnds
from switchyard.core.wire.receipt import Receipt
from switchyard.core.wire.release import KnownSecrets
from switchyard.core.wire.request import Request, Word
from switchyard.host import drive, event_log, wanted_release
from switchyard.host.adapters import engine, releases
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.channel import serve
from switchyard.host.channel.relay import Relay
from switchyard.host.queries import execute, history, logs
from switchyard.host.queries.secrets import every_redactor
from switchyard.settings import env as env_setting
from switchyard.settings.model import Host, HostSetting
from tests.harness.attack import Attack, promises
from tests.harness.attempts import begin_attempt
from tests.harness.command_line import fail
from tests.harness.release_record import RECORD

SECRET = "p\"a's $w/o&<r\\d>!%7x"
CANARY = "canary-3f9a1c77d2"
RELEASE = "20261124T101010Z-fec79b6"
Remove = Callable[[pytest.MonkeyPatch], None]


def without_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a text keep its secrets."""
    monkeypatch.setattr(Redactor, "__call__", lambda self, text: plain(text))


def by_plain_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for each secret as it is written in the env, and for nothing else."""

    def replaced(self: Redactor, text: str) -> str:
        for spelling in self._spellings:
            text = text.replace(spelling.secret, redact.GONE)
        return text

    monkeypatch.setattr(Redactor, "__call__", replaced)


def no_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a word after an escape for a part of another word."""
    monkeypatch.setattr(redact, "_ESCAPED_BEFORE", re.compile("(?!)"))


def spelled(
    name: str, spell: Callable[[str], str], *, secret: str = SECRET, remove: Remove = by_plain_search
) -> Attack:
    """Return the attack that prints a secret in one spelling. Its twin prints a text that is none."""

    def shown(text: str) -> str:
        return Redactor([secret])(f"it is {spell(text)}!")

    def gets_through(folder: Path) -> bool:
        return plain(shown(secret)) == plain(f"it is {spell(secret)}!")

    def twin(folder: Path) -> bool:
        harmless = secret.swapcase()
        return shown(harmless) == plain(f"it is {spell(harmless)}!")

    return Attack(name, gets_through, twin, remove)


def encoded(text: str, before: str = "", after: str = "") -> str:
    return base64.b64encode(f"{before}{text}{after}".encode()).decode()


def in_lines(text: str, size: int = 7, between: str = "\n") -> str:
    return between.join(text[at : at + size] for at in range(0, len(text), size))


def escaped_by_printf(text: str) -> str:
    return "$'" + "".join(f"\\{ord(each):03o}" if not each.isalnum() else each for each in text) + "'"


SPELLINGS = [
    spelled("json", json.dumps),
    spelled("json in json", lambda text: json.dumps({"log": json.dumps({"a": text})})),
    spelled("json of ascii", json.dumps, secret=f"{CANARY}-größe-☃"),
    spelled("json with slashes escaped", lambda text: json.dumps(text).replace("/", "\\/")),
    spelled("repr", repr),
    spelled("repr of bytes", lambda text: repr(text.encode()), secret=f"{CANARY}-größe"),
    spelled("shell, quoted", shlex.quote),
    spelled("shell, backslashes", lambda text: "".join(c if c.isalnum() else f"\\{c}" for c in text)),
    spelled("shell, octal", escaped_by_printf),
    spelled("compose, dollars doubled", lambda text: text.replace("$", "$$")),
    spelled("yaml, quotes doubled", lambda text: "'" + text.replace("'", "''") + "'"),
    spelled("csv, quotes doubled", lambda text: '"' + text.replace('"', '""') + '"'),
    spelled("url", lambda text: quote(text, safe="")),
    spelled("url, small letters", lambda text: re.sub("%..", lambda each: each[0].lower(), quote(text, safe=""))),
    spelled("url, form", quote_plus),
    spelled("url in url", lambda text: quote(quote(text, safe=""), safe="")),
    spelled("html", html.escape),
    spelled("html, numbers", lambda text: "".join(c if c.isalnum() else f"&#{ord(c)};" for c in text)),
    spelled("html, hex", lambda text: "".join(c if c.isalnum() else f"&#x{ord(c):X};" for c in text)),
    spelled("html in html", lambda text: html.escape(html.escape(text))),
    *(spelled(f"base64, {at} bytes before", lambda text, at=at: encoded(text, "." * at, "~~")) for at in range(3)),
    spelled("base64, for urls", lambda text: base64.urlsafe_b64encode(f"??{text}".encode()).decode()),
    spelled("base64, in a url", lambda text: quote(encoded(text, "??"), safe="")),
    spelled("base64, of json", lambda text: encoded(json.dumps({"password": text}))),
    spelled("base64, over lines", lambda text: in_lines(encoded(text, "user:"), 9)),
    spelled("base64, of a header", lambda text: f"Authorization: Basic {encoded(text, 'ann:')}", secret=CANARY),
    spelled("hex", lambda text: text.encode().hex()),
    spelled("hex, capitals", lambda text: text.encode().hex().upper()),
    spelled("hex, colons", lambda text: text.encode().hex(":")),
    spelled("hex, xxd", lambda text: binascii.hexlify(text.encode(), " ", 2).decode()),
    spelled("hex, escapes", lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode())),
    spelled("hex, bytes of a buffer", lambda text: f"<Buffer {text.encode().hex(' ')}>"),
    spelled("over lines", in_lines),
    spelled("over lines, indented", lambda text: in_lines(text, 5, "\n    ")),
    spelled("over lines, continued", lambda text: in_lines(text, 6, "\\\n"), secret=CANARY),
    spelled("over lines, at a space", lambda text: text.replace(" ", "\n"), secret="correct horse battery"),
    spelled("colours inside", lambda text: f"{text[:6]}\x1b[31m{text[6:]}\x1b[0m", secret=CANARY),
    spelled("zero width inside", lambda text: f"{text[:6]}\u200b{text[6:]}", secret=CANARY),
    spelled(
        "a word after an escape",
        lambda text: json.dumps(f"x\n{text}") + f"%3D{text}",
        secret="swordfish",
        remove=no_escapes,
    ),
]


def decided(
    name: str, env: Mapping[str, str], text: str, part: str, remove: Remove, *, public: tuple[str, ...] = ()
) -> Attack:
    """Return the attack that prints what nobody took for a secret. Its twin is the same under a public key."""

    def gets_through(folder: Path) -> bool:
        return part in Redactor(secrecy.secret_values(env, public=public))(text)

    def twin(folder: Path) -> bool:
        harmless = {"SITE": "a public motto", "WORKERS": "87654321", "HOST_OF_IT": "db.example.com"}
        shown = " ".join(harmless.values())
        return Redactor(secrecy.secret_values({**env, **harmless}, public=("SITE",)))(shown) == shown

    return Attack(name, gets_through, twin, remove)


def names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrecy, "names_a_secret", lambda key, value="": False)


def finds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrecy, "passwords", lambda value: iter(()))
    monkeypatch.setattr(redact, "without_passwords", lambda text: text)


def one_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrecy, "_members", lambda *_: iter(()))
    monkeypatch.setattr(redact, "_parts", lambda secret: iter([secret]))


PEM = f"-----BEGIN KEY-----\n{CANARY}\n-----END KEY-----"
DECISIONS = [
    decided("four characters under a name", {"DB_PASS": "x7Kd"}, "it is x7Kd", "x7Kd", names_nothing),
    decided("a number under a name", {"PIN": "12345678"}, "it is 12345678", "12345678", names_nothing),
    decided("a host under a name", {"API_KEY": "my.host.name"}, "is my.host.name", "my.host", names_nothing),
    decided("a boolean under a name", {"SECRET": "disabled"}, "is 'disabled'", "disabled", names_nothing),
    decided("a public key that names a secret", {"TOKEN": CANARY}, CANARY, CANARY, names_nothing, public=("TOKEN",)),
    decided("a word of the document under a name", {"PASSWORD": "worker"}, "PASSWORD=worker", "=worker", names_nothing),
    decided("of an address", {"URL": "x://u:p%40ssw%2Frd@h"}, "AUTH p@ssw/rd", "p@ss", finds_no_password),
    decided("of an address, slash", {"URL": "x://u:ab/cd@h"}, "AUTH ab/cd", "ab/cd", finds_no_password),
    decided("of a query", {"URL": "https://h/?token=abcd&x=1"}, "it is abcd", "abcd", finds_no_password),
    decided("of a connection string", {"ODBC": "host=h;password=hun2"}, "is hun2", "hun2", finds_no_password),
    decided("in place of a user", {"URL": f"https://{CANARY}@h"}, f"is {CANARY}", CANARY, finds_no_password),
    decided("a line of a key", {"PRIVATE_KEY": PEM}, f"line 2: {CANARY}", CANARY, one_text),
    decided("a text of an account", {"ACCOUNT": json.dumps({"k": CANARY})}, f"is {CANARY}", CANARY, one_text),
]


def laid(folder: Path, *, value: str = CANARY, files: Mapping[str, tuple[str, ...]] | None = None) -> Attempt:
    """Return an attempt about a release with one secret."""
    store = Store(folder / "root")
    store.prepare()
    known = KnownSecrets((value,), ("web",), files or {})
    write_json(store.release(RELEASE) / "secrets.json", known.encode())
    store.releases.write(replace(RECORD, id=RELEASE, commit="fec79b6" + "0" * 33))
    attempt = begin_attempt(store, app="shop")
    attempt.wanted.id = RELEASE
    return attempt


def everything_in(folder: Path) -> str:
    """Return what the files of a host hold, but for those that only hold secrets."""
    hidden = ("secrets.json", "values.json", "env")
    files = [path for path in (folder / "root").rglob("*") if path.is_file() and path.name not in hidden]
    return "".join(path.read_text(errors="replace") for path in files)


def recorded(name: str, act: Callable[[Attempt, str], None], remove: Remove = without_removal) -> Attack:
    """Return the attack that leads a text from outside into a record of the host."""

    def left(folder: Path, text: str) -> str:
        attempt = laid(folder)
        act(attempt, text)
        return everything_in(folder)

    def gets_through(folder: Path) -> bool:
        return CANARY in left(folder, f"it is {CANARY}")

    def twin(folder: Path) -> bool:
        return "it is harmless-3f9a" in left(folder, "it is harmless-3f9a")

    return Attack(name, gets_through, twin, remove)


def fails_with_a_bug(attempt: Attempt, text: str) -> None:
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        drive.as_failure(attempt, error)


def relays(attempt: Attempt, word: Word) -> None:
    reading, writing = os.pipe()
    os.write(writing, json.dumps(word.encode()).encode() + b"\n")
    os.close(writing)
    with os.fdopen(reading, "rb") as words, Relay(words, attempt.folder, attempt.store.reserve) as relay:
        relay.pass_on()


def ends(attempt: Attempt, text: str) -> None:
    who = EndEntry(
        **attempt.author, step="deploy", what="failed", exit=1, who="a@b", was=None, why=attempt.wanted.told(text)
    )
    attempt.store.journal.append(who)


def begins(attempt: Attempt, text: str) -> None:
    request = Request("unlock", "shop", str(attempt.store.root), reason=text, who="ann")
    serve.begin(attempt.folder, serve.told_request(attempt.store, request))


RECORDS = [
    recorded("an event's reason", lambda attempt, text: attempt.events.emit(End("failed", 1, text))),
    recorded("an event's progress", lambda attempt, text: attempt.events.emit(Progress(text))),
    recorded(
        "an event's commands",
        lambda attempt, text: attempt.events.emit(StepEnds("build", None, "done", 0.1, (f"docker build {text}",))),
    ),
    recorded("the log of commands", lambda attempt, text: attempt.wanted.log(text)),
    recorded("what a command prints", lambda attempt, text: void(attempt.commands.run(["echo", text]))),
    recorded("the traceback of a bug", fails_with_a_bug),
    recorded("the journal", ends),
    recorded("the request of an attempt", begins),
    recorded("what the control node saw", lambda attempt, text: relays(attempt, Word("seen", why=text))),
    recorded(
        "the record of a release",
        lambda attempt, text: void(attempt.store.releases.update(RELEASE, reason=attempt.wanted.told(text))),
    ),
]


def void(value: object) -> None:
    """Drop what an act returns."""


def cut_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut a text before its secrets are removed."""
    monkeypatch.setattr(event_log, "shortened", lambda text: text)
    monkeypatch.setattr(wanted_release, "shortened", lambda text: text)
    own = Redactor.__call__
    monkeypatch.setattr(Redactor, "__call__", lambda self, text: own(self, outside_text.shortened(text)))


def at_the_cut(name: str, act: Callable[[Attempt, str], None]) -> Attack:
    """Return the attack that has a secret stand where a long line is cut."""
    half = outside_text.LINE_MOST // 2

    def left(folder: Path, secret: str) -> str:
        attempt = laid(folder)
        act(attempt, "x" * (half - 9) + secret + "y" * 3000)
        return everything_in(folder)

    return Attack(
        name,
        lambda folder: CANARY[:8] in left(folder, CANARY),
        lambda folder: "yyyy" in left(folder, "") and "x" * 40 in left(folder, ""),
        cut_first,
    )


CUTS = [
    at_the_cut("where an event's reason is cut", lambda attempt, text: attempt.events.emit(End("failed", 1, text))),
    at_the_cut("where the journal's reason is cut", ends),
]


def listed() -> Container:
    labels = {"com.docker.compose.service": "web", "switchyard.release": RELEASE}
    return Container("1", "web-1", "i", "i", "running", labels, (), (), ())


@contextlib.contextmanager
def answering(output: str):
    """Have the engine know one container, which prints so much."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "containers", lambda *_: [listed()])
        patch.setattr(engine, "logs", lambda *_: output)
        patch.setattr(engine, "execute", lambda *_, **__: (0, output))
        patch.setattr(sys.modules["switchyard.host.queries.execute"], "running_container", lambda *_: listed())
        patch.setattr(
            sys.modules["switchyard.host.queries.logs"], "Proxy", lambda store: SimpleNamespace(live=lambda: None)
        )
        yield


def asked(name: str, ask: Callable[[Attempt], object], remove: Remove = without_removal) -> Attack:
    """Return the attack that has a container print a secret for a verb that only looks."""

    def answer(folder: Path, text: str) -> str:
        attempt = laid(folder)
        with answering(text):
            return str(ask(attempt))

    return Attack(
        name,
        lambda folder: CANARY in answer(folder, f"it is {CANARY}"),
        lambda folder: "it is harmless" in answer(folder, "it is harmless"),
        remove,
    )


def request_of(attempt: Attempt, verb: str) -> Request:
    return Request(verb, "shop", str(attempt.store.root), service="web", command="cat x")


def history_of(attempt: Attempt, text: str) -> str:
    entry = EndEntry(**attempt.author, step="deploy", what="failed", exit=1, who="a@b", was=None, why=text)
    attempt.store.journal.append(entry)  # as an older version wrote it
    return str(history(attempt.store, request_of(attempt, "history")))


def refused(attempt: Attempt, text: str) -> str:
    def fails(*_: object) -> None:
        raise SwitchyardError(text)

    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(output):
        patch.setattr(serve, "answer", fails)
        serve.serve(request_of(attempt, "status"), io.BytesIO())
    return output.getvalue()


def of_text(name: str, ask: Callable[[Attempt, str], str]) -> Attack:
    return Attack(
        name,
        lambda folder: CANARY in ask(laid(folder), f"it is {CANARY}"),
        lambda folder: "it is harmless" in ask(laid(folder), "it is harmless"),
        without_removal,
    )


def readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases.Releases, "withheld", lambda *_: "")


def unread(name: str, ask: Callable[[Attempt], str]) -> Attack:
    """Return the attack that prints a secret whose file we cannot read. Its twin's file can be read."""

    def answer(folder: Path, *, can_read: bool) -> str:
        path = folder / "token"
        (path.write_text if can_read else lambda text: path.mkdir())("another-secret")
        attempt = laid(folder, value="no-other", files={str(path): ("web",)})
        with answering(f"it is {CANARY}"):
            return ask(attempt)

    return Attack(
        name,
        lambda folder: CANARY in answer(folder, can_read=False),
        lambda folder: CANARY in answer(folder, can_read=True),
        readable,
    )


ANSWERS = [
    asked("logs", lambda attempt: logs(attempt.store, request_of(attempt, "logs"))),
    asked("exec", lambda attempt: execute(attempt.store, request_of(attempt, "exec"))),
    of_text("history of an older version", history_of),
    of_text("a refusal", refused),
    of_text("status, a commit's subject", lambda attempt, text: every_redactor(attempt.store)(text)),
    unread("logs, a secret nobody can read", lambda a: str(logs(a.store, request_of(a, "logs")))),
    unread("exec, a secret nobody can read", lambda a: str(execute(a.store, request_of(a, "exec")))),
]


def of_command(name: str, script: str, environment: Mapping[str, str], remove: Remove = without_removal) -> Attack:
    """Return the attack that has the command of an env fail with a secret in its words."""

    def told(words: str) -> str:
        command = [sys.executable, "-c", f"import os, sys; {words}; sys.exit(1)"]
        host = Host("prod", HostSetting.model_validate(SETTING | {"env": {"command": command}}), Path("/"), None)
        with pytest.MonkeyPatch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            with pytest.raises(BadInput) as refusal:
                env_setting.env_text(host)
        return str(refusal.value)

    return Attack(
        name,
        lambda folder: CANARY in told(script),
        lambda folder: "the key is missing" in told("print('the key is missing', file=sys.stderr)"),
        remove,
    )


SETTING = {"machines": [{"name": "one", "address": "192.0.2.1"}]}


def printed(act: Callable[[str], object]) -> Callable[[str], str]:
    def output(text: str) -> str:
        out = io.StringIO()
        known_secrets.decide([{"API_TOKEN": CANARY}], None, Path("/"))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                act(text)
            except Exit as end:
                out.write(str(end.message))
        return out.getvalue()

    return output


def on_screen(name: str, act: Callable[[str], object], remove: Remove = without_removal) -> Attack:
    """Return the attack that brings a secret of the env to the operator's screen."""
    output = printed(act)
    return Attack(
        name,
        lambda folder: CANARY in output(f"it is {CANARY}"),
        lambda folder: "it is harmless" in output("it is harmless"),
        remove,
    )


def finish(text: str) -> None:
    Screen(as_json=True).finish(Receipt("failed", None, 1, text))


PRINTS_FIRST = f"print('A={CANARY}'); sys.stderr.write('no {CANARY}')"
PRINTS_TOKEN = "sys.stderr.write(os.environ['VAULT_TOKEN'])"
CONTROL = [
    of_command("the env's command, what it printed before", PRINTS_FIRST, {}),
    of_command("the env's command, the operator's", PRINTS_TOKEN, {"VAULT_TOKEN": CANARY}),
    of_command("the env's command, an address", f"sys.stderr.write('at https://u:{CANARY}@h/')", {}),
    on_screen("a line", lambda text: Screen(as_json=False).say(text)),
    on_screen("a table", lambda text: Screen(as_json=False).table(("a",), [(text,)])),
    on_screen("an error", lambda text: fail(text, as_json=False)),
    on_screen("an error in JSON", lambda text: fail(text, as_json=True)),
    on_screen("a receipt in JSON", finish),
]


def url_shown(url: str) -> str:
    from switchyard.control.public_address import url_of

    host = Host("prod", HostSetting.model_validate(SETTING | {"url": url}), Path("/"), None)
    return str(url_of(host, host.setting.machines[0], ()))


def shows_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchyard.control.public_address.without_passwords", lambda text: text)


ADDRESSES = [
    Attack(
        "a host's url with a password",
        lambda folder: CANARY in url_shown(f"https://ann:{CANARY}@example.com"),
        lambda folder: url_shown("https://example.com/app") == "https://example.com/app",
        shows_addresses,
    ),
    Attack(
        "a host's url with a token",
        lambda folder: CANARY in url_shown(f"https://{CANARY}@example.com"),
        lambda folder: url_shown("https://example.com:8443") == "https://example.com:8443",
        shows_addresses,
    ),
    Attack(
        "a secret in the document itself",
        lambda folder: CANARY in " ".join(env_shown(folder, CANARY)),
        lambda folder: "production" in " ".join(env_shown(folder, "production")),
        lambda monkeypatch: monkeypatch.setattr(known_secrets, "document_secrets", lambda document: []),
    ),
]


def env_shown(folder: Path, value: str) -> list[str]:
    key = "MODE" if value == "production" else "API_TOKEN"
    document = Document.decode({"services": {"web": {"environment": {key: value}}}})
    known_secrets.decide([{}], document, folder)
    return [terminal.shown(f"web: {value}")]


ATTACKS = [*SPELLINGS, *DECISIONS, *RECORDS, *CUTS, *ANSWERS, *CONTROL, *ADDRESSES]
test_refused, test_twin, test_defence = promises(ATTACKS)
