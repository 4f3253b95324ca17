"""Switchyard's tasks for this checkout."""

from pathlib import Path

from switchyard.tasks import collection

ns = collection(Path(__file__).resolve().parent)
