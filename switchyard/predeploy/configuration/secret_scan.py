"""No secret in what is about to ship.

The rules are few and our own: the library that others take, detect-secrets, has had no release since 2024.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from switchyard.control import commit as source
from switchyard.predeploy.engine import waivers as waive
from switchyard.predeploy.engine.check import FOREVER, Check, Finding, Result, Subject, unknown
from switchyard.predeploy.engine.secret_patterns import (
    is_open,
    is_placeholder,
    is_random,
    is_secret_name,
    is_written,
    passwords,
)

TOKENS = {
    "aws-key": r"\b(?:AKIA|ASIA)(?!\w*EXAMPLE)[A-Z2-7]{16}\b",
    "google-key": r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])",
    "slack-token": r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}|https://hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}",
    "github-token": r"\bgh[opsur]_[0-9A-Za-z]{36,}\b|\bgithub_pat_\w{60,}",
    "stripe-key": r"\b[rs]k_live_[0-9A-Za-z]{16,}\b",
}
"""Rule to what the tokens of one issuer look like."""
PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:\s|\\[nr]|[\"'+,]|(?:Proc-Type|DEK-Info|Version|Comment):[^\n]{0,80}){1,40}[0-9A-Za-z+/=]{40}"
)
"""A private key itself; its first line alone stands in programs that read keys."""
ASSIGNED = re.compile(
    r"(?<![\w.-])([\w.-]{3,60})[\"']?\]?[ \t]{0,3}(?::=|=>|[:=])[ \t]{0,3}([\"'`]?)([^\s\"'`,;]{12,200})(?![^\s\"'`,;])"
)
ENV_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*([\"']?)([^\n]*?)\2[ \t]*$", re.MULTILINE)
BARE = (".env", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".toml", ".properties", ".sh", ".tfvars", "Dockerfile")
"""Files, by the end of their name, in which a value needs no quotes."""
EXAMPLES = ("example", "sample", "template", "dist", "defaults")
RULES = {
    "private-key": "a private key",
    "aws-key": "an AWS access key",
    "google-key": "a Google API key",
    "slack-token": "a Slack token",
    "github-token": "a GitHub token",
    "stripe-key": "a Stripe key of the live mode",
    "url-password": "a password in an address",
    "env-file": "a secret in an env file that git tracks",
    "secret-assignment": "a value that looks drawn by lot, under the name of a secret",
    "env-value": "a secret of the host's env",
}
DO = (
    "take it out of the commit, put it into the host's env, and issue a new one: who has the repository has this one; "
    "if it is meant: app.predeploy.waive: [{{rule: {rule}, where: {where}, reason: …}}]"
)
HIDDEN = "•••"
SHORT, WORD = 8, 16
"""Characters below which a value of the env is not looked for, at all and where it is a plain word."""
PROBE = 8192
"""Bytes in which a file that is no text shows it."""
MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True)
class Hit:
    """A secret in a text, by its position."""

    rule: str
    start: int
    secret: str


def run(subject: Subject) -> Result:
    """Reads every file that git tracks in the repository: a release carries the whole commit."""
    names = shipped(subject)
    if not names:
        return unknown(f"git tracks no file in {subject.repository}, so nothing would ship")
    wanted = _of_env(subject)
    found, binary = [], 0
    for name in names:
        if subject.cancelled.is_set():
            return unknown("cancelled")
        text = _text(subject.folder / name)
        if text is None:
            binary += 1
            continue
        found += [(name, finding(name, text, hit)) for hit in hits(name, text, wanted)]
    env = f" and {len(wanted)} secrets of the env of {subject.host}" if wanted else ""
    apart = f", {binary} of them binary and not read" if binary else ""
    return waive.judge(subject, RULES, found, [f"{len(names)} tracked files{apart}", f"{len(RULES) - 1} rules{env}"])


def shipped(subject: Subject) -> list[str]:
    """The files that a release of this tree carries, relative to the application's folder: ``../`` leads out of it."""
    if subject.clean:
        found = {Path(top) / name for top, _, names in os.walk(subject.top) for name in names}
    else:
        listed = source.git(subject.top, "ls-files", "-z").decode(errors="surrogateescape").split("\0")
        found = {subject.top / name for name in listed if name}
    return sorted(os.path.relpath(path, subject.folder) for path in found if path.is_file() and not path.is_symlink())


def hits(name: str, text: str, wanted: dict[str, str]) -> list[Hit]:
    """Every secret in a text, one a line."""
    found: dict[int, Hit] = {}
    for hit in (*_keys(text), *_in_env(name, text, wanted), *_addresses(text), *_assigned(name, text)):
        found.setdefault(text.count("\n", 0, hit.start), hit)
    return list(found.values())


def _keys(text: str) -> Iterator[Hit]:
    if "PRIVATE KEY" in text:
        yield from (Hit("private-key", key.start(), key[0]) for key in PRIVATE_KEY.finditer(text))
    for rule, pattern in TOKENS.items():
        yield from (Hit(rule, token.start(), token[0]) for token in re.finditer(pattern, text))


def _in_env(name: str, text: str, wanted: dict[str, str]) -> Iterator[Hit]:
    for value in wanted.values():
        if (start := text.find(value)) >= 0:
            yield Hit("env-value", start, value)
    if _is_env_file(name):
        for line in ENV_LINE.finditer(text):
            value = line[3].strip() if line[2] else re.split(r"(?:^|\s)#", line[3])[0].strip()
            if is_secret_name(line[1]) and is_written(value) and not is_open(value):
                yield Hit("env-file", line.start(1), value)


def _is_env_file(name: str) -> bool:
    base = Path(name).name
    is_env = base == ".env" or base.startswith(".env.") or base.endswith(".env")
    return is_env and not any(word in base for word in EXAMPLES)


def _addresses(text: str) -> Iterator[Hit]:
    if "://" in text:
        yield from (Hit("url-password", start, password) for password, start in passwords(text))


def _assigned(name: str, text: str) -> Iterator[Hit]:
    bare = name.endswith(BARE) or _is_env_file(name) or Path(name).name.startswith(".env")
    for found in ASSIGNED.finditer(text):
        value = found[3]
        if not is_secret_name(found[1]) or not (found[2] or bare):
            continue
        if is_written(value) and value[0] not in "/.@~!&*" and "://" not in value and is_random(value):
            yield Hit("secret-assignment", found.start(1), value)


def _of_env(subject: Subject) -> dict[str, str]:
    """The secrets of the host's env that are long enough to be told from a word."""
    found = {}
    for name, value in subject.env.items():
        inside = passwords(value)
        secret = inside[0][0] if inside else value if is_secret_name(name) else ""
        secret = max(secret.splitlines() or [""], key=len).strip()
        plain = secret.isalpha() and len(secret) < WORD
        if len(secret) >= SHORT and not plain and not is_placeholder(secret) and not is_open(secret):
            found[name] = secret
    return found


def finding(name: str, text: str, hit: Hit) -> Finding:
    """What is told of a secret, and kept beside a release: its line without it."""
    line = text.count("\n", 0, hit.start) + 1
    shown = text.split("\n")[line - 1] if hit.rule != "private-key" else "-----BEGIN PRIVATE KEY-----"
    return Finding(
        hit.rule,
        RULES[hit.rule],
        place=name,
        line=line,
        do=DO.format(rule=hit.rule, where=name),
        text=shown.replace(hit.secret, HIDDEN).strip()[:200],
    )


def _text(path: Path) -> str | None:
    """A file's text; None where it is none. UTF-16 tells itself by its first two bytes."""
    data = path.read_bytes()
    if data[:2] in MARKS:
        return data[2:].decode(MARKS[data[:2]], errors="replace")
    return None if b"\0" in data[:PROBE] else data.decode(errors="replace")


def _lasts(subject: Subject) -> float:
    """With a host it also looks for the values of its env, which no cache may know."""
    return 0.0 if subject.host else FOREVER


CHECKS: tuple[Check, ...] = (
    Check(
        name="secrets",
        group="code",
        proves="no private key, token, password or secret of the host's env stands in a file that ships",
        needs="nothing; app.predeploy.waive for what is meant",
        run=run,
        source=Path(__file__),
        lasts=_lasts,
    ),
)
