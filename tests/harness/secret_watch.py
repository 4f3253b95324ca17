"""What processes show to everybody on a machine: watched for canaries while verbs run."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator, Sequence

from tests.harness.site import Site

LOOK = """
import pathlib, sys
places = set()
for entry in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        arguments = (entry / "cmdline").read_bytes()
        environment = (entry / "environ").read_bytes()
        name = arguments.split(b"\\0")[0].decode()
        root = (entry / "root").resolve()
        in_container = pathlib.Path("/proc/1/ns/mnt").stat().st_ino != (entry / "ns" / "mnt").stat().st_ino
    except OSError:
        continue
    for canary in sys.argv[1:]:
        if canary[::-1].encode() in arguments:
            places.add("argv of " + name)
        if canary[::-1].encode() in environment and not in_container:
            places.add("environment of " + name)
print(sorted(places) if places else "")
"""
"""Prints where canaries stand, which it is told backwards."""


@contextlib.contextmanager
def watched(site: Site, canaries: Sequence[str]) -> Iterator[set[str]]:
    """Watch the arguments and environments of all processes, on the host and on this machine.

    Yield the places where a canary is seen, complete once the watch is over.
    """
    seen: set[str] = set()
    over = threading.Event()
    words = ["python3", "-c", LOOK, *(canary[::-1] for canary in canaries)]

    def look() -> None:
        while not over.wait(0.5):
            here = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
            seen.update(text for text in (site.run(*words), here) if text)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
