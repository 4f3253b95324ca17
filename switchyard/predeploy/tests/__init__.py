"""Checks that run the application's suites."""
