#!/usr/bin/env python3
"""Feed every parser of outside text for so many seconds, and keep each input that gets past one.

scripts/fuzz.py SECONDS [SEED]    an input that is kept becomes an example of tests/test_fuzz.py
"""

from __future__ import annotations

import hashlib
import secrets
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hypothesis import HealthCheck, given, seed, settings

from tests.harness.parsers import FOUND, PARSERS, Parser, inputs

EXAMPLES = 500
"""Inputs between two looks at the clock."""
SLOW_SECONDS = 5.0
"""Within which a parser answers any input."""


def main(words: list[str]) -> int:
    """Exit 0 only if every parser reads or refuses every input."""
    limit = float(words[0]) if words else 60.0
    number = int(words[1]) if len(words) > 1 else secrets.randbelow(1 << 32)
    print(f"seed {number}, {limit:.0f} s for {len(PARSERS)} parsers", flush=True)
    failures = [parser.name for parser in PARSERS if not holds(parser, limit / len(PARSERS), number)]
    print(f"past a parser: {', '.join(failures)}" if failures else "nothing got past a parser")
    return 1 if failures else 0


def holds(parser: Parser, limit: float, number: int) -> bool:
    """Feed one parser until the limit, and return whether it held. Keep the smallest input that got past it."""
    until, count, last = time.monotonic() + limit, 0, b""

    def feed(data: bytes) -> None:
        nonlocal count, last
        count, last, began = count + 1, data, time.monotonic()
        parser.refuses_or_reads(data)
        assert time.monotonic() - began < SLOW_SECONDS, "it takes too long"

    options = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    while time.monotonic() < until:
        try:
            seed(number)(options(given(inputs(parser))(feed)))()
        except Exception:
            traceback.print_exc()
            print(f"{parser.name}: kept {keep(parser, last)}, seed {number}", flush=True)
            return False
        number += 1
    print(f"{parser.name:12}{count:>9} inputs", flush=True)
    return True


def keep(parser: Parser, data: bytes) -> Path:
    """Write an input where the tests find it."""
    path = FOUND / parser.name / hashlib.sha256(data).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
