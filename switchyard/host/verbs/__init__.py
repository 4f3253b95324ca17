"""The verbs that act on this machine, one a module."""
