"""Switchyard's tasks for this checkout."""

from switchyard.tasks import here

ns = here(__file__)
