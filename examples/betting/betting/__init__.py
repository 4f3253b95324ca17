"""A small betting system: games come in, ratings come out."""

from pathlib import Path

VERSION = Path("VERSION").read_text().strip() if Path("VERSION").exists() else "dev"
