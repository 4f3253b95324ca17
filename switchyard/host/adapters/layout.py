"""The layout of an application's folder on a host: where everything stands."""

from __future__ import annotations

from pathlib import Path

from switchyard.core.errors import Refused
from switchyard.host.adapters.files import read_number, write

LAYOUT = 1
"""The version of the layout; an older Switchyard refuses a newer one."""


class Layout:
    """The paths below one application's folder, its root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.releases_folder = root / "releases"
        self.attempts = root / "attempts"
        self.repo = root / "repo.git"
        self.edge = root / "edge"
        self.shared = root / "shared"
        self.data = root / "data"

    def release(self, name: str) -> Path:
        """Return the folder of a release."""
        return self.releases_folder / name

    def build_secrets(self, name: str) -> Path:
        """Return the folder of what only the build of a release may read. It is gone once that has ended."""
        return self.release(name) / "secrets"

    def require_layout(self) -> None:
        """Refuse a layout that a newer Switchyard made. A root that does not exist yet has none."""
        version = read_number(self.root / "layout")
        if version is not None and version > LAYOUT:
            raise Refused(
                f"{self.root} has layout {version}, newer than this Switchyard knows ({LAYOUT}). Update Switchyard"
            )

    def create(self) -> None:
        """Create the folders that do not exist yet."""
        self.require_layout()
        for folder in (self.root, self.releases_folder, self.attempts, self.edge, self.shared, self.data):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def mark(self) -> None:
        """Write down the layout's version, once."""
        mark = self.root / "layout"
        if not mark.exists():
            write(mark, f"{LAYOUT}\n")
