"""A small betting system: games come in, ratings come out."""

import os
from pathlib import Path

VERSION = Path("VERSION").read_text().strip() if Path("VERSION").exists() else "dev"
PORT = int(os.environ.get("PORT", "8000"))
"""The port of the API inside its container."""
