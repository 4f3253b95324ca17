"""The host program as a zip application, and the command that starts it on a machine."""

from __future__ import annotations

import hashlib
import io
import shlex
import zipfile
from functools import lru_cache
from pathlib import Path

_MAIN = """import gc
import sys

gc.set_threshold(50_000)  # hardly anything is garbage while modules load
sys.modules["ssl"] = None  # http.client would load it, in 9 ms, and hardly any program speaks TLS
import http.client

del sys.modules["ssl"]
from switchyard.host.__main__ import main

main()
"""

_BOOTSTRAP = """
import os, sys
if sys.version_info < (3, 10):
    print("python", sys.version.split()[0], flush=True); sys.exit(3)
folder = os.path.join(os.getcwd(), os.path.expanduser(ROOT), "bin", HASH)
exec(OWNERSHIP)
others = problems(folder, inner=3)
if others:
    print("shared", "; ".join(others), flush=True); sys.exit(7)
if os.path.isdir(folder):
    print("have", flush=True)
else:
    os.umask(0o077)
    try:
        os.makedirs(os.path.dirname(folder), 0o700, exist_ok=True)
        if not os.access(os.path.dirname(folder), os.W_OK): raise PermissionError("not writable")
    except OSError as error:
        print("root", error, flush=True); sys.exit(6)
    print("need", flush=True)
    import hashlib, io, zipfile
    data = b""
    while len(data) < SIZE:
        part = os.read(0, SIZE - len(data))
        if not part: sys.exit(4)
        data += part
    if hashlib.sha256(data).hexdigest()[:16] != HASH: sys.exit(5)
    unpacked = folder + ".%d" % os.getpid()
    zipfile.ZipFile(io.BytesIO(data)).extractall(unpacked)
    try: os.rename(unpacked, folder)
    except OSError: pass
os.execv(sys.executable, [sys.executable, *FLAGS, folder])
"""


FLAGS = ("-I", "-S")
"""Keep the SSH user's environment and installed packages away from the host program, which also starts sooner."""


@lru_cache(maxsize=1)
def packed() -> tuple[str, bytes]:
    """Return the content hash and the bytes of the zip application."""
    package = Path(__file__).parents[1]
    files = {"__main__.py": _MAIN.encode(), "switchyard/__init__.py": b""}
    for part in ("core", "host"):
        for path in (package / part).rglob("*.py"):
            files[f"switchyard/{path.relative_to(package)}"] = path.read_bytes()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), files[name], zipfile.ZIP_DEFLATED)
    data = stream.getvalue()
    return hashlib.sha256(data).hexdigest()[:16], data


def bootstrap(root: str, digest: str, size: int) -> str:
    """Return the only command line that a machine's shell runs.

    It installs the host program where the machine lacks this version, then starts it: nothing, where somebody else may
    write to the root or above it.
    """
    ownership = (Path(__file__).parents[1] / "host" / "ownership.py").read_text()
    values = {"ROOT": root, "HASH": digest, "SIZE": size, "FLAGS": FLAGS, "OWNERSHIP": ownership}
    code = "\n".join([*(f"{name} = {value!r}" for name, value in values.items()), _BOOTSTRAP])
    return f"python3 {' '.join(FLAGS)} -c {shlex.quote(code)}"
