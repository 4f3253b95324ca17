"""The protocol's suites."""
