"""The application's Python code, as the settings name it."""

NO_SOURCES = "no Python code is named: set app.predeploy.sources to its files and folders"
