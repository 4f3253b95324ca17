"""Say what the end of a certificate means for its users."""

from __future__ import annotations

import time

WARN = 21 * 86400
"""Seconds before its end from which on a certificate that nobody renewed needs a person."""


def is_near(ends: float, now: float) -> bool:
    """Return whether a certificate that ends then should have been renewed."""
    return ends - now < WARN


def describe_end(name: str, ends: float, now: float) -> str:
    """Say when the certificate of a name ends, or that it has; times are in seconds since the epoch."""
    day = time.strftime("%Y-%m-%d", time.gmtime(ends))
    if ends <= now:
        return f"the certificate of {name} ended on {day}: browsers refuse the page. {_RENEW}"
    left = f"the certificate of {name} ends on {day}"
    return f"{left}, in {int((ends - now) // 86400)} days. {_RENEW}" if is_near(ends, now) else left


_RENEW = "Renew its files, then run inv edge.certificates"
