"""The files that ship contain no secret.

The rules are few and our own: the usual library, detect-secrets, has had no release since 2024.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from switchyard.control import terminal
from switchyard.control.git import git
from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.check import FOREVER, Check
from switchyard.predeploy.engine.result import Finding, Result, unknown
from switchyard.predeploy.engine.secret_patterns import (
    is_literal,
    is_placeholder,
    is_public,
    is_random,
    is_secret_name,
    passwords,
)
from switchyard.predeploy.engine.subject import Subject

TOKENS = {
    "aws-key": r"\b(?:AKIA|ASIA)(?!\w*EXAMPLE)[A-Z2-7]{16}\b",
    "google-key": r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])",
    "slack-token": r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}|https://hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}",
    "github-token": r"\bgh[opsur]_[0-9A-Za-z]{36,}\b|\bgithub_pat_\w{60,}",
    "stripe-key": r"\b[rs]k_live_[0-9A-Za-z]{16,}\b",
}
"""The pattern of each issuer's tokens, by rule."""
PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:\s|\\[nr]|[\"'+,]|(?:Proc-Type|DEK-Info|Version|Comment):[^\n]{0,80}){1,40}[0-9A-Za-z+/=]{40}"
)
"""A private key with its content; programs that read keys contain the first line alone."""
ASSIGNED = re.compile(
    r"(?<![\w.-])([\w.-]{3,60})[\"']?\]?[ \t]{0,3}(?::=|=>|[:=])[ \t]{0,3}([\"'`]?)([^\s\"'`,;]{12,200})(?![^\s\"'`,;])"
)
ENV_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*([\"']?)([^\n]*?)\2[ \t]*$", re.MULTILINE)
UNQUOTED = (".env", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".toml", ".properties", ".sh", ".tfvars", "Dockerfile")
"""The ends of names of files in which values need no quotes."""
EXAMPLE_WORDS = ("example", "sample", "template", "dist", "defaults")
RULES = {
    "private-key": "a private key",
    "aws-key": "an AWS access key",
    "google-key": "a Google API key",
    "slack-token": "a Slack token",
    "github-token": "a GitHub token",
    "stripe-key": "a Stripe live-mode key",
    "url-password": "a password in an address",
    "env-file": "a secret in an env file that git tracks",
    "secret-assignment": "a random-looking value under the name of a secret",
    "env-value": "a secret of the host's env",
}
DO = (
    "remove it from the commit, issue a new one, and set that in the host's env: everybody with the repository has "
    "this one; if it belongs there, add app.predeploy.waive: [{{rule: {rule}, where: {where}, reason: …}}]"
)
HIDDEN = "•••"
LENGTH_MIN, WORD_LENGTH_MIN = 8, 16
"""Characters that a value of the env has at least for a search; one of letters alone needs more."""
BINARY_PROBE = 8192
"""Bytes in which a zero byte marks a file as binary."""
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True)
class Hit:
    """A secret in a text, with its position."""

    rule: str
    start: int
    secret: str


def run(subject: Subject) -> Result:
    """Read every file that git tracks in the repository: a release carries the whole commit."""
    names = shipped_files(subject)
    if not names:
        return unknown(f"git tracks no file in {subject.repository}, so nothing would ship")
    env_secrets = _env_secrets(subject)
    findings, binary = [], 0
    for name in names:
        if subject.cancelled.is_set():
            return unknown("cancelled")
        text = _text(subject.folder / name)
        if text is None:
            binary += 1
            continue
        findings += [(name, finding(name, text, hit)) for hit in hits(name, text, env_secrets)]
    files = f"{len(names)} tracked files" + (f", {binary} of them binary and not read" if binary else "")
    rules = f"{len(RULES) - 1} rules" + (
        f" and {len(env_secrets)} secrets of {subject.host}'s env" if env_secrets else ""
    )
    return waivers.judge(subject, RULES, findings, [files, rules])


def shipped_files(subject: Subject) -> list[str]:
    """List the files of a release of this tree, relative to the application's folder; ``../`` leads out of it."""
    if subject.clean:
        paths = {Path(top) / name for top, _, names in os.walk(subject.top) for name in names}
    else:
        tracked = git(subject.top, "ls-files", "-z").decode(errors="surrogateescape").split("\0")
        paths = {subject.top / name for name in tracked if name}
    return sorted(os.path.relpath(path, subject.folder) for path in paths if path.is_file() and not path.is_symlink())


def hits(name: str, text: str, env_secrets: dict[str, str]) -> list[Hit]:
    """Return the secrets in a file's text, at most one for each line."""
    by_line: dict[int, Hit] = {}
    for hit in (*_tokens(text), *_env_values(name, text, env_secrets), *_in_addresses(text), *_assigned(name, text)):
        by_line.setdefault(text.count("\n", 0, hit.start), hit)
    return list(by_line.values())


def _tokens(text: str) -> Iterator[Hit]:
    if "PRIVATE KEY" in text:
        yield from (Hit("private-key", key.start(), key[0]) for key in PRIVATE_KEY.finditer(text))
    for rule, pattern in TOKENS.items():
        yield from (Hit(rule, token.start(), token[0]) for token in re.finditer(pattern, text))


def _env_values(name: str, text: str, env_secrets: dict[str, str]) -> Iterator[Hit]:
    for value in env_secrets.values():
        if (start := text.find(value)) >= 0:
            yield Hit("env-value", start, value)
    if _is_env_file(name):
        for line in ENV_LINE.finditer(text):
            value = line[3].strip() if line[2] else re.split(r"(?:^|\s)#", line[3])[0].strip()
            if is_secret_name(line[1]) and is_literal(value) and not is_public(value):
                yield Hit("env-file", line.start(1), value)


def _is_env_file(name: str) -> bool:
    base = Path(name).name
    is_env = base == ".env" or base.startswith(".env.") or base.endswith(".env")
    return is_env and not any(word in base for word in EXAMPLE_WORDS)


def _in_addresses(text: str) -> Iterator[Hit]:
    if "://" in text:
        yield from (Hit("url-password", start, password) for password, start in passwords(text))


def _assigned(name: str, text: str) -> Iterator[Hit]:
    unquoted = name.endswith(UNQUOTED) or _is_env_file(name) or Path(name).name.startswith(".env")
    for assignment in ASSIGNED.finditer(text):
        value = assignment[3]
        if not is_secret_name(assignment[1]) or not (assignment[2] or unquoted):
            continue
        if is_literal(value) and value[0] not in "/.@~!&*" and "://" not in value and is_random(value):
            yield Hit("secret-assignment", assignment.start(1), value)


def _env_secrets(subject: Subject) -> dict[str, str]:
    """Return the secrets of the host's env that are long enough to be distinguished from a word."""
    secrets = {}
    for name, value in subject.env.items():
        in_address = passwords(value)
        secret = in_address[0][0] if in_address else value if is_secret_name(name) else ""
        secret = max(secret.splitlines() or [""], key=len).strip()
        is_word = secret.isalpha() and len(secret) < WORD_LENGTH_MIN
        if len(secret) >= LENGTH_MIN and not is_word and not is_placeholder(secret) and not is_public(secret):
            secrets[name] = secret
    return secrets


def finding(name: str, text: str, hit: Hit) -> Finding:
    """Build the finding of a secret. Reports and the baseline of a release keep its line, with the secret masked."""
    line = text.count("\n", 0, hit.start) + 1
    shown = text.split("\n")[line - 1] if hit.rule != "private-key" else "-----BEGIN PRIVATE KEY-----"
    return Finding(
        hit.rule,
        RULES[hit.rule],
        place=name,
        line=line,
        do=DO.format(rule=hit.rule, where=name),
        text=terminal.shown(shown.replace(hit.secret, HIDDEN)).strip()[:200],
    )


def _text(path: Path) -> str | None:
    """Return a file's text, UTF-16 if it begins with a byte order mark; None if the file is binary."""
    data = path.read_bytes()
    if data[:2] in BYTE_ORDER_MARKS:
        return data[2:].decode(BYTE_ORDER_MARKS[data[:2]], errors="replace")
    return None if b"\0" in data[:BINARY_PROBE] else data.decode(errors="replace")


def _lasts(subject: Subject) -> float:
    """Return how long a pass is valid: with a host not at all, since no cache may contain the values of its env."""
    return 0.0 if subject.host else FOREVER


CHECK = Check(
    name="secrets",
    group="code",
    proves="no file that ships contains a private key, a token, a password or a secret of the host's env",
    needs="nothing; app.predeploy.waive for findings that are intended",
    run=run,
    source=Path(__file__),
    lasts=_lasts,
)
