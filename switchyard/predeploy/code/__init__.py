"""The protocol's code."""
