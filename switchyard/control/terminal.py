"""The one way of a text from outside to the operator's terminal: without control characters, and without secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from switchyard.core.outside_text import plain, without_passwords
from switchyard.core.wire.message import Json

FREE_TEXT = {"reason", "commands", "changes", "subject", "drift", "problems", "why", "who", "doing", "ended"}
FREE_TEXT |= {"overridden", "url"}
"""Keys of reports whose texts others wrote. The rest are names, which programs compare, and stay whole."""
THE_ENV = "the env"
"""The source of the secrets that a host's env has."""


class Outside:
    """What this process knows to be secret of the host that it works for."""

    def __init__(self) -> None:
        self._values: dict[str, frozenset[str]] = {}
        self._redact = plain

    def hide(self, values: Iterable[str], names: Collection[str] = (), *, of: str = THE_ENV) -> None:
        """Show none of these values from now on, instead of those that were hidden of the same source before.

        ``names`` are none, though a value may be a part of one.
        """
        from switchyard.core.redact import Redactor  # loads slowly, and a rollback knows no value

        self._values[of] = frozenset(values)
        self._redact = Redactor(frozenset().union(*self._values.values()), names)

    def knows_env(self) -> bool:
        """Return whether the secrets of the host's env are known by now."""
        return THE_ENV in self._values

    def shown(self, text: str) -> str:
        """Return a text as a terminal may show it."""
        return without_passwords(self._redact(text))

    def shown_report(self, report: Json) -> Json:
        """Return a report as ``--json`` prints it: the free texts in it as a terminal may show them."""
        if isinstance(report, Mapping):
            each = report.items()
            return {key: self._all(item) if key in FREE_TEXT else self.shown_report(item) for key, item in each}
        if isinstance(report, Sequence) and not isinstance(report, str):
            return [self.shown_report(item) for item in report]
        return report

    def _all(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.shown(value)
        if isinstance(value, Mapping):
            return {key: self._all(item) for key, item in value.items()}
        return [self._all(item) for item in value] if isinstance(value, Sequence) else value


outside = Outside()
hide, knows_env = outside.hide, outside.knows_env
shown, shown_report = outside.shown, outside.shown_report
