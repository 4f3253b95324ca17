"""The verbs of ``inv``: one file and one function each."""
