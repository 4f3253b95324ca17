"""Every verb, on a good path and with an error, beside secrets of every kind: none is shown and none is recorded."""

from __future__ import annotations

import base64
import json
import textwrap
from pathlib import Path
from urllib.parse import quote

import pytest

from switchyard import tasks
from tests.harness.secret_watch import watched
from tests.harness.site import MAY_HOLD_SECRETS

SHORT, ADDRESS, LONG, IN_FILE = "zQ7~", "canary/of?a url", "canary-3f9a1c77d2e85b46", "canary-in-a-file-5c"
KEY_LINES = ("canaryKeyLine1x9Qw7Zr", "canaryKeyLine2b4Np8Tk")
KEY = "-----BEGIN TEST KEY-----\n" + "\n".join(KEY_LINES) + "\n-----END TEST KEY-----"
CANARIES = (SHORT, ADDRESS, LONG, IN_FILE, *KEY_LINES)
ENV = f"""BREAK={{how}}
DB_PASSWORD={SHORT}
URL=postgres://u:{quote(ADDRESS, safe="")}@db/x
API_TOKEN={LONG}
SIGNING_KEY="{KEY}"
"""
LEAK = """
def leak():
    import base64, json
    from urllib.parse import unquote, urlsplit
    values = [os.environ[name] for name in ("DB_PASSWORD", "API_TOKEN", "SIGNING_KEY")]
    values += [unquote(urlsplit(os.environ["URL"]).password), Path("/run/secrets/token").read_text().strip()]
    for value in values:
        data = value.encode()
        print("it is", value, repr(value), json.dumps(value), flush=True)
        if len(value) > 4:
            print("it is", base64.b64encode(data).decode(), data.hex(), flush=True)


leak()
main()
"""
PRINTS = "python3 -c \"import os; print(dict(os.environ)); print(open('/run/secrets/token').read())\""
FAILS = 'python3 -c "import os, sys; sys.exit(str(os.environ))"'
SITE = {
    "predeploy": [("--only configuration", (0, 1, 3)), ("--only nothing", (2,))],
    "plan": [("", (0,)), ("--rev nothing", (2, 3))],
    "deploy": [("", (0,)), ("--rev nothing --json", (2, 3))],
    "services": [("--explain", (0,))],
    "status": [("", (0,)), ("--json", (0,))],
    "history": [("", (0,)), ("--json", (0,)), ("--count 0", (2,))],
    "logs": [("", (0,)), ("--service nothing", (2,))],
    "doctor": [("", (0, 1))],
    "exec": [("--service web --command", PRINTS, (0,)), ("--service web --command", FAILS, (1,))],
    "restart": [("", (0,)), ("--service nothing", (1, 2, 4))],
    "scale": [("--service web --count 2", (0,)), ("--service nothing --count 2", (1, 2, 4))],
    "allow": [("--env CI --reason test", (0,)), ("", (0,)), ("--env CI", (2,))],
    "preview": [("--within 5s", (0,)), ("--colour red", (2,))],
    "unlock": [("--reason test", (0, 1, 4)), ("", (2,))],
    "shared.apply": [("--yes", (0, 4)), ("--yes --rev nothing", (2, 3))],
    "edge.apply": [("--yes", (0, 4)), ("--yes --rev nothing", (2, 3))],
    "edge.certificates": [("", (2,))],
    "rollback": [("--to nothing", (1, 2, 4)), ("--json", (0,))],
}
"""Each verb that asks a host, in the order of one story: its words, and the exit codes that they may have."""
HERE = {"sandbox.up": "--count many", "sandbox.down": "--nothing"}
"""Verbs that ask no host: their errors. tests/e2e/test_sandbox.py runs their good paths, which read no env."""


def spellings(canary: str) -> set[str]:
    """Return how tools write a canary. Of four characters, no encoding is looked for: it is no rarer than noise."""
    plain = {canary, repr(canary)[1:-1], json.dumps(canary)[1:-1]}
    if canary == SHORT:
        return plain
    data = canary.encode()
    cores = {base64.b64encode(b"." * at + data).decode()[at and 4 : -4] for at in range(3)}
    return plain | {quote(canary, safe=""), data.hex(), *cores}


ALL = sorted({spelling for canary in CANARIES for spelling in spellings(canary)})


@pytest.fixture
def secretive(site):
    """Put a secret of each kind where the application prints it in every spelling."""
    names = ("DB_PASSWORD", "URL", "API_TOKEN", "SIGNING_KEY")
    variables = "".join(f"      {name}: ${{{name}:?}}\n" for name in names)
    site.rewrite("      BREAK:", f"{variables}      BREAK:")
    site.rewrite("    build: .\n", "    build: .\n    secrets: [token]\n")
    path = site.app / "compose.yaml"
    path.write_text(path.read_text() + "secrets:\n  token: {file: ./token.txt}\n")
    (site.app / "token.txt").write_text(f"{IN_FILE}\n")
    program = (site.app / "app.py").read_text()
    (site.app / "app.py").write_text(program.removesuffix("main()\n") + textwrap.dedent(LEAK))
    return site


def write_env(site, how: str) -> None:
    (site.checkout / "prod.env").write_text(ENV.format(how=how))


def test_every_verb_has_a_row():
    assert {*SITE, *HERE} == set(tasks.collection(Path()).task_names)


def test_no_verb_shows_or_records_a_secret(secretive):
    site, outputs = secretive, []

    def inv(verb: str, *words: str, codes: tuple[int, ...]) -> str:
        done = site.inv(verb, *words)
        outputs.append((verb, done.stdout))
        is_ours = verb != "logs"  # a server of the application may print one where a client goes away
        assert not is_ours or "Traceback" not in done.stdout, (verb, words, done.stdout)
        assert done.returncode in codes, (verb, words, done.returncode, done.stdout)
        return done.stdout

    with watched(site, [LONG, IN_FILE, *KEY_LINES]) as seen:
        write_env(site, "none")
        site.commit("1")
        inv("deploy", codes=(0,))
        write_env(site, "crash")
        site.commit("2")
        assert "it is •••" in inv("deploy", codes=(1,))
        write_env(site, "none")
        site.commit("3")
        for verb, rows in SITE.items():
            for words, *command, codes in rows:
                inv(verb, *words.split(), *command, codes=codes)
        assert "it is •••" in inv("logs", codes=(0,))
        for verb, words in HERE.items():
            with site.start(verb, *words.split()) as process:
                outputs.append((verb, process.communicate()[0]))
            assert process.returncode in (1, 2)
        (site.checkout / "prod.env").write_text(f"{ENV.format(how='none')}API_TOKEN {LONG}\n")
        for verb in ("plan", "deploy", "predeploy", "services", "shared.apply", "edge.apply"):
            inv(verb, codes=(2, 3))
    assert [(verb, spelling) for verb, text in outputs for spelling in ALL if spelling in text] == []
    assert seen == set()
    require_no_record(site)


def require_no_record(site) -> None:
    """Require that no file but those that must, no label, and no file of the control node holds a secret."""
    words = [word for spelling in ALL for word in ("-e", spelling)]
    holding = site.run("grep", "-rlF", *words, site.root).splitlines()
    names = [name.removeprefix(f"{site.root}/") for name in holding]
    assert names and [name for name in names if not MAY_HOLD_SECRETS.match(name)] == []
    labels = site.docker("ps", "--all", "--format", "{{.Names}} {{.Labels}} {{.Command}}")
    ours = [path for path in (site.checkout / ".switchyard").rglob("*") if path.is_file()]
    texts = {"labels": labels} | {str(path): path.read_bytes().decode(errors="replace") for path in ours}
    assert [(name, spelling) for name, text in texts.items() for spelling in ALL if spelling in text] == []
