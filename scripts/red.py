#!/usr/bin/env python3
"""Run the instances of reported faults with the verbs of the commit before their mend and with those of this tree.

An instance is red before where a statement of the test itself does not hold there. A test that ends otherwise, by an
import error, an unknown flag or a time limit, proves nothing about the fault: it is named, and counts as not red.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.ci_table import Case, cases

BEFORE = "c87d078"
"""The commit before the mends."""
REPORTS = ROOT / ".nox" / "reports"
STATEMENT = ("AssertionError", "assert ", "Failed: ")
"""How the message of a failure begins where a statement of the test does not hold."""
UNKNOWN_WORD = "No idea what "
"""What Invoke says of a verb or flag that the older tree does not have."""
RAN = (0, 1)
"""pytest's exit codes of a run to its end."""


@dataclass(frozen=True)
class Instance:
    """How one instance ended with the verbs of either tree. None: it did not run there."""

    name: str
    before: str | None
    after: str | None

    @property
    def red_before(self) -> bool:
        return (self.before or "").startswith("red")

    @property
    def green_after(self) -> bool:
        return self.after == "green"


def verdict(case: Case) -> str:
    """Return how a test ended: *green*, *red* with the statement that does not hold, or why it is neither."""
    failures = [message for tag, message in case.outcomes if tag == "failure"]
    if failures:
        unknown = next((line for line in failures[0].splitlines() if UNKNOWN_WORD in line), "")
        if unknown:
            return f"error: {unknown.strip()}"
        kind = "red" if failures[0].startswith(STATEMENT) else "error"
        return f"{kind}: {first_line(failures[0])}"
    others = [f"{tag}: {first_line(message)}" for tag, message in case.outcomes if tag in ("error", "skipped")]
    return others[0] if others else "green"


def first_line(message: str) -> str:
    return (message.strip().splitlines() or ["no message"])[0][:100]


def compare(before: Mapping[str, Case], after: Mapping[str, Case]) -> list[Instance]:
    """Return each instance of either run."""

    def of(tests: Mapping[str, Case], name: str) -> str | None:
        return verdict(tests[name]) if name in tests else None

    return [Instance(name, of(before, name), of(after, name)) for name in sorted({*before, *after})]


def table(instances: Sequence[Instance]) -> str:
    """Return a row for each instance."""
    width = max([len("instance"), *(len(instance.name) for instance in instances)])
    rows = [f"{'instance':<{width}}  {'red before':<10}  green after"]
    for instance in instances:
        red, green = ("yes" if is_so else "NO" for is_so in (instance.red_before, instance.green_after))
        rows.append(f"{instance.name:<{width}}  {red:<10}  {green}")
    return "\n".join(rows)


def remarks(instances: Sequence[Instance]) -> list[str]:
    """Say why each instance was red before, for a person to judge, then name what was not red or is not green after."""
    lines = [f"{each.name}: {each.before}" for each in instances if each.red_before]
    lines += [f"not red before: {each.name}: {each.before or 'not run'}" for each in instances if not each.red_before]
    lines += [f"not green after: {each.name}: {each.after or 'not run'}" for each in instances if not each.green_after]
    return lines


def code(instances: Sequence[Instance]) -> int:
    """Return the exit code: 0 only if there is an instance and each is green after."""
    return 0 if instances and all(instance.green_after for instance in instances) else 1


def run(name: str, words: Sequence[str], library: Path) -> dict[str, Case]:
    """Run the instances with the verbs of a tree and return how they ended. Exit where pytest cannot run them."""
    report = REPORTS / f"red-{name}.xml"
    REPORTS.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    options = ["-m", "instance", "-n", "2", "--dist", "worksteal", f"--junit-xml={report}", *words]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=ROOT,
        env={**os.environ, "SWITCHYARD_LIBRARY": str(library)},
        stdin=subprocess.DEVNULL,
    )
    if done.returncode not in RAN:
        sys.exit(f"pytest could not run the instances {name} the mends: exit {done.returncode}")
    return cases(report)


def main() -> int:
    from tests.harness.history import export

    parser = argparse.ArgumentParser(prog="nox -s red --", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT", help=f"the commit before the mends ({BEFORE})")
    options, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="switchyard-red-") as folder:
        before = run("before", words, export(options.before, Path(folder) / "before"))
    instances = compare(before, run("after", words, ROOT))
    print(f"\nbefore: {options.before}; after: this tree\n\n{table(instances)}\n")
    for line in remarks(instances):
        print(line)
    return code(instances)


if __name__ == "__main__":
    sys.exit(main())
