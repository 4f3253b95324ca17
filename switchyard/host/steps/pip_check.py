"""Check the Python dependencies in a built image. A check that could not run is no pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import process
from switchyard.host.adapters.files import write

CHECKED_WITHIN = 120.0
BROKEN, NO_PIP, NO_PYTHON = 3, 4, 127
"""Exit codes of the check; the last one is the engine's."""
PROGRAM = f"""
import importlib.util, subprocess, sys
if importlib.util.find_spec("pip") is None:
    sys.exit({NO_PIP})
code = subprocess.call([sys.executable, "-m", "pip", "check"])
sys.exit({BROKEN} if code == 1 else code and 5)
"""
"""What runs in the image."""


def check_dependencies(
    root: Path,
    log: Callable[[str], None],
    progress: Callable[[str], None],
    service: str,
    image: str,
    *,
    tick: Callable[[], None],
) -> None:
    """Raise where dependencies in an image are broken. An image without Python has none.

    A mark in ``root`` records an image that passed, so that it is checked once. ``progress`` tells why a check could
    not run.
    """
    mark = root / "checked" / image.removeprefix("sha256:")
    if mark.exists():
        return
    argv = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", image, "-c", PROGRAM]
    code, output = process.run(argv, within=CHECKED_WITHIN, check=False, log=log, tick=tick)
    if code == BROKEN:
        raise SwitchyardError(f"{service}: pip check found broken dependencies in its image:\n{output.strip()}")
    if code in (0, NO_PYTHON):
        write(mark, f"{code}\n")
        return
    why = "it has no pip" if code == NO_PIP else f"ended with {code}: {output.strip() or 'no output'}"
    progress(f"not checked: the Python dependencies in the image of {service} ({why})")
