"""Sessions of Nox, run on the application."""
