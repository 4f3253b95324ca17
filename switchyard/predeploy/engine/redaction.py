"""Keep the secrets of the env out of everything that checks show or write."""

from __future__ import annotations

import os
from dataclasses import replace

from switchyard.control import known_secrets, terminal
from switchyard.core.redact import Redactor
from switchyard.core.secrecy import names_of, passwords
from switchyard.predeploy.engine.result import Finding, Result
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.variables import secrets_of_installing


def secrets(subject: Subject) -> tuple[str, ...]:
    """Return what nothing may show: secrets of the host's env, of what is passed on, and of the package index."""
    return subject.once("secrets", lambda: _secrets(subject))


def redactor(subject: Subject) -> Redactor:
    """Return what removes them from a text."""
    document = subject.document if subject.env else None
    names = names_of(document) if document is not None else ()
    return subject.once("redactor", lambda: Redactor(secrets(subject), names))


def redacted(result: Result, subject: Subject) -> Result:
    """Return the result without any secret."""
    redact = redactor(subject)
    return replace(
        result,
        findings=tuple(Finding.decode(redact.all(finding.encode())) for finding in result.findings),
        facts={name: redact.all(fact) for name, fact in result.facts.items()},
        reason=redact(result.reason),
        output=redact(result.output),
    )


def _secrets(subject: Subject) -> tuple[str, ...]:
    passed = {name: os.environ[name] for name in subject.setting.passed if name in os.environ}
    public = subject.entry.public_keys if subject.entry is not None else ()
    document = subject.document if subject.env else None
    installing = tuple(part for value in secrets_of_installing() for part in (value, *passwords(value)))
    terminal.hide(installing, of="the package index")
    secrets = known_secrets.decide([passed, *subject.variables], document, subject.project_folder, public=public)
    return (*secrets, *installing)
