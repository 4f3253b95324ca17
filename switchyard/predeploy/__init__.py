"""The checks of ``inv predeploy``: one module a group or tool, each check a value with one function."""
