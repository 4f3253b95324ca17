"""Checks of the database."""
