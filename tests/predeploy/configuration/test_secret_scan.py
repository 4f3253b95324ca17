"""The scan for secrets finds each kind in the files that ship, and spares what only looks like one."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from switchyard.control.commit import pick_commit
from switchyard.predeploy.configuration import secret_scan
from switchyard.predeploy.engine import tree
from switchyard.settings import load as settings
from tests.harness.library import TOP
from tests.harness.predeploy_application import Application

# Split, so that this file itself contains nothing that looks like a secret.
DRAWN = "q7Zr4" + "Tn2Vx9" + "Lk8Wb3Pd"
HEX = "9f3a1c77d2" + "4be05568aa01"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(kind: serialization.PrivateFormat) -> str:
    return KEY.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


PKCS8 = pem(serialization.PrivateFormat.PKCS8)
OPENSSH = pem(serialization.PrivateFormat.OpenSSH)
LOCKED = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.BestAvailableEncryption(b"x"),
).decode()
PUBLIC = ed25519.Ed25519PrivateKey.generate().public_key()

PLANTED: dict[str, tuple[str, str, str, int]] = {
    # what: rule, file, text, line
    "a key in PKCS8": ("private-key", "certs/server.key", PKCS8, 1),
    "a key of OpenSSH in the middle": ("private-key", "deploy/id", f"# the key\n\n{OPENSSH}", 3),
    "a key under a password": ("private-key", "locked.pem", LOCKED, 1),
    "a key in one line of JSON": ("private-key", "account.json", json.dumps({"key": PKCS8}, indent=0), 2),
    "a key in a string of Python": (
        "private-key",
        "keys.py",
        "KEY = (\n" + "".join(f'    "{line}\\n"\n' for line in PKCS8.splitlines()) + ")\n",
        2,
    ),
    "an AWS key": ("aws-key", "aws.py", "x = 1\nkey = 'AKIA" + "QYLPMN5HFIQR7XYA'\n", 2),
    "a Google key": ("google-key", "maps.js", "const k = 'AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY'\n", 1),
    "a Slack token": (
        "slack-token",
        "bot.rb",
        "t = 'xoxb-" + "263594206564-2343594206574-FGqddMF8t08v8N7Oq4i57vs1'\n",
        1,
    ),
    "a Slack address": (
        "slack-token",
        "hook.txt",
        "https://hooks.slack.com" + "/services/T024BE7LD/B024BE7LD1/kT3XdYp3mFqQbqYf2hH8GxWz\n",
        1,
    ),
    "a GitHub token": ("github-token", "ci.yml", "a: 1\nb: 2\nt: ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a\n", 3),
    "a Stripe key": ("stripe-key", "pay.go", 'key := "sk_live_' + '4eC39HqLyjWDarjtT1zdp7dc"\n', 1),
    "a password in an address": ("url-password", "db.py", f"\nURL = 'postgresql://app:{DRAWN}@db.internal/x'\n", 2),
    "a short one in an address": ("url-password", "q.py", "Q = 'amqp://app:" + "hunter7@queue:5672/'\n", 1),
    "an env file": ("env-file", "deploy/prod.env", "A=1\nPOSTGRES_PASSWORD=swordfish\n", 2),
    "an env file with export": ("env-file", ".env", "export API_TOKEN='swordfish and more'\n", 1),
    "an env file with a short name": ("env-file", "mail.env", "SMTP_PASS=swordfish\n", 1),
    "a value under a short name": ("secret-assignment", "s.py", f'"db_pwd": "{DRAWN}"\n', 1),
    "a key that has no kind": ("secret-assignment", "k.yaml", f"stripeKey: {DRAWN}\n", 1),
    "a value in YAML": ("secret-assignment", "values.yaml", f"app:\n  jwt_secret: {DRAWN}\n", 2),
    "a value in Python": ("secret-assignment", "conf.py", f'API_KEY = "{HEX}"\n', 1),
    "a value set in the environment": ("secret-assignment", "run.py", f"os.environ['X_TOKEN'] = '{DRAWN}'\n", 1),
    "a value in JSON": ("secret-assignment", "c.json", f'{{"clientSecret": "{DRAWN}"}}\n', 1),
    "a value in a Dockerfile": ("secret-assignment", "Dockerfile", f"FROM x\nENV AUTH_TOKEN={DRAWN}\n", 2),
    "a value in the example": ("secret-assignment", ".env.example", f"SECRET_KEY={DRAWN}\n", 1),
    "a file in UTF-16": ("secret-assignment", "w.ini", f"[a]\npassword = {DRAWN}\n", 2),
}

INNOCENT = {
    ".env.example": "POSTGRES_PASSWORD=\nAPI_TOKEN=changeme\nSECRET_KEY=<your key>\nDSN=postgres://user:password@db/x\n",
    ".env": "COMPOSE_PROFILES=small\nLOG_LEVEL=info\nALLOW_EMPTY_PASSWORD=yes\nDB_PASSWORD=${VAULT_PASSWORD}\n"
    "JWT_KEY=./keys/jwt.pem\nPROXY_PASS=http://api:8000/\nSKIP_PASS=1\nPRIMARY_KEY=id\nCOMPASS=north\n"
    "A_PASSWORD=   \nB_PASSWORD= # from the vault\nC_TOKEN=changeme # set it\nD_SECRET=''\n",
    "requirements.txt": "".join(f"a{n}==1 --hash=sha256:{secrets.token_hex(32)}\n" for n in range(3)),
    "package-lock.json": json.dumps({"integrity": "sha512-" + base64.b64encode(secrets.token_bytes(64)).decode()}),
    "public.pem": PUBLIC.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode(),
    "authorized_keys": PUBLIC.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode(),
    "read_key.py": 'if text.startswith("-----BEGIN RSA PRIVATE KEY-----"):\n    raise ValueError("a key")\n',
    "docs.md": "Set AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE and open https://user:secret@api.example.com/ "
    "or postgres://me:s3cr3t-one@localhost:5432/dev, redis://:${REDIS_PASSWORD}@redis/0.\n",
    "app.py": 'password = os.environ["APP_PASSWORD"]\nTOKEN_URL = "https://auth.internal/oauth2/v1/token"\n'
    'PASSWORD_FIELD = "user_password_1"\nsecret_name = "betting/prod/database2"\nif token == "":\n    pass\n'
    'access_token = get_token("q7Zr4Tn2Vx9Lk8")\nAPI_KEY_HEADER = "X-Api-Key-2"\n',
    "values.yaml": "password: ${PASSWORD}\ntoken: '{{ .Values.token16charsLong }}'\n"
    "secretName: db-credentials-v2-prod\n"
    "password_file: /run/secrets/db_password_2024\n",
    "logo.png": "\0binary " + DRAWN,
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    application = Application(tmp_path_factory.mktemp("planted"))
    for what, (_, file, text, _) in PLANTED.items():
        application.write(file, b"\xff\xfe" + text.encode("utf-16-le") if "UTF-16" in what else text)
    return application.predeploy("secrets", "--junit", str(application.folder / "junit.xml")), application


@pytest.mark.parametrize("what", PLANTED)
def test_a_secret_is_found_with_its_file_and_line(planted, what):
    run, _ = planted
    rule, file, _, line = PLANTED[what]
    findings = [(each["rule"], each["line"]) for each in run.check("secrets")["findings"] if each["place"] == file]
    assert findings == [(rule, line)]
    assert run.code == 1


def test_neither_output_nor_reports_show_a_secret(planted):
    run, application = planted
    reports = [path for path in application.checkout.rglob("*") if path.is_file()]
    shown = [run.text, str(run.json), (application.folder / "junit.xml").read_text()]
    for text in [*shown, *(path.read_text(errors="replace") for path in reports)]:
        assert not [part for part in (DRAWN, HEX, "swordfish", "hunter7", PKCS8.splitlines()[3]) if part in text]


@pytest.mark.parametrize("what", PLANTED)
def test_a_finding_contains_no_part_of_its_secret(what):
    _, file, text, _ = PLANTED[what]
    for hit in secret_scan.hits(file, text, {}):
        finding = secret_scan.finding(file, text, hit)
        assert finding.text and hit.secret not in finding.text + finding.what + finding.do


def test_text_that_only_looks_like_a_secret_passes(tmp_path):
    application = Application(tmp_path)
    for file, text in INNOCENT.items():
        application.write(file, text)
    (application.app / "loop").symlink_to("loop")
    run = application.predeploy("secrets")
    assert run.check("secrets")["findings"] == []
    assert (run.code, run.check("secrets")["outcome"]) == (0, "pass")
    assert run.check("secrets")["reason"].startswith(f"{len(INNOCENT) + 1} tracked files, 1 of them binary")


def test_a_file_that_git_ignores_is_not_read(tmp_path):
    application = Application(tmp_path)
    application.write(".gitignore", "*.env\n")
    application.write("prod.env", "POSTGRES_PASSWORD=swordfish\n")
    assert application.predeploy("secrets").code == 0


@pytest.fixture
def beside(tmp_path):
    """Return an application in a folder of its repository, with one key in the folder and one beside it."""
    application = Application(tmp_path)
    for path in ("apps/web", "certs"):
        application.write(f"{path}/server.key", PKCS8)
    application.write("apps/web/compose.yaml", (application.app / "compose.yaml").read_bytes())
    setting = {"name": "small", "path": str(application.app / "apps/web")}
    (application.checkout / "invoke.yaml").write_text(json.dumps({"app": setting}))
    return application


def test_a_secret_beside_the_applications_folder_ships_too_and_has_a_path_relative_to_it(beside):
    findings = beside.predeploy("secrets").check("secrets")["findings"]
    assert [each["place"] for each in findings] == ["../../certs/server.key", "server.key"]


def test_of_a_clean_export_the_whole_commit_is_read_too(beside):
    for words in (["add", "--all"], ["commit", "--quiet", "--message", "1"]):
        subprocess.run(["git", "-C", str(beside.app), *words], check=True)
    host = settings.nowhere(beside.checkout, None)
    picked = pick_commit(beside.app / "apps/web", None, allow_dirty=False)
    with tree.of_commit(host, picked, {}) as subject:
        findings = secret_scan.run(subject).findings
    assert [each.place for each in findings] == ["../../certs/server.key", "server.key"]


def test_a_waiver_for_the_application_does_not_cover_files_beside_its_folder(beside):
    waiver = {"rule": "private-key", "where": "server.key", "reason": "made for tests"}
    beside.write("apps/web/invoke.yaml", json.dumps({"app": {"name": "small", "predeploy": {"waive": [waiver]}}}))
    findings = beside.predeploy("secrets").check("secrets")["findings"]
    assert [each["place"] for each in findings] == ["../../certs/server.key"]


def test_a_waiver_is_for_one_rule_in_one_place_and_a_finding_names_an_unused_one(tmp_path):
    application = Application(tmp_path)
    application.write("tests/key.pem", PKCS8)
    application.write("other.pem", PKCS8)
    waiver = {"rule": "private-key", "where": "tests/*", "reason": "a key made for tests"}
    stale = {"rule": "aws-key", "where": "old.py", "reason": "was one"}
    application.settings(waive=[waiver, stale])
    run = application.predeploy("secrets")
    findings = run.check("secrets")["findings"]
    assert [(each["rule"], each["severity"], each["place"]) for each in findings] == [
        ("private-key", "error", "other.pem"),
        ("waiver-unused", "warn", "invoke.yaml"),
    ]
    assert "1 waived" in run.check("secrets")["reason"]


def test_a_waiver_without_a_reason_is_refused(tmp_path):
    application = Application(tmp_path)
    application.settings(waive=[{"rule": "private-key", "where": "x", "reason": ""}])
    run = application.predeploy("secrets")
    assert run.code == 2 and "reason" in run.text and "Traceback" not in run.text


def test_the_example_of_this_repository_contains_no_secret(tmp_path):
    application = Application(tmp_path)
    setting = {"name": "betting", "path": str(TOP / "examples/betting")}
    (application.checkout / "invoke.yaml").write_text(json.dumps({"app": setting}))
    run = application.predeploy("secrets")
    assert run.check("secrets")["findings"] == []


def test_an_application_without_any_tracked_file_is_unknown(tmp_path):
    application = Application(tmp_path)
    for path in application.app.glob("*.yaml"):
        path.unlink()
    run = application.predeploy("secrets")
    assert (run.code, run.check("secrets")["outcome"]) == (3, "unknown")


CASES = {"secrets": (PLANTED, INNOCENT)}
