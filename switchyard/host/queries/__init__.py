"""The verbs that only look at this machine."""
