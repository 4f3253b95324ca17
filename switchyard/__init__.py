"""Switchyard: deployments of Docker Compose applications on one's own hosts."""

__version__ = "0.1.0"
