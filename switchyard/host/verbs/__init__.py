"""The verbs that act on this machine."""
