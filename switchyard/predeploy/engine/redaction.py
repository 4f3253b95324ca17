"""Keep the values of the env out of everything that checks show or write."""

from __future__ import annotations

import os
from dataclasses import replace

from switchyard.core.redact import redact, redact_all, spellings
from switchyard.predeploy.engine.result import Finding, Result
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.variables import secrets_of_installing


def secrets(subject: Subject) -> list[str]:
    """Return the values that nothing may show, in every spelling: those of the host's env, those passed on, and those
    of the package index.
    """
    passed = (os.environ.get(name, "") for name in subject.setting.passed)
    return spellings([*subject.secrets, *passed, *secrets_of_installing()])


def redacted(result: Result, subject: Subject) -> Result:
    """Return the result without any secret value."""
    values = secrets(subject)
    return replace(
        result,
        findings=tuple(Finding.decode(redact_all(finding.encode(), values)) for finding in result.findings),
        facts={name: redact_all(fact, values) for name, fact in result.facts.items()},
        reason=redact(result.reason, values),
        output=redact(result.output, values),
    )
