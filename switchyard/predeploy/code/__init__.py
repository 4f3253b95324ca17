"""Checks of the application's Python code."""
