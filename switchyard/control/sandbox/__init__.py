"""Sandbox hosts: whole machines for trying and testing, each a privileged container with an engine and an sshd."""

from __future__ import annotations

from switchyard.control.sandbox.hosts import down, up
from switchyard.control.sandbox.record import STATE, USER, SandboxHost

__all__ = ["STATE", "USER", "SandboxHost", "down", "up"]
