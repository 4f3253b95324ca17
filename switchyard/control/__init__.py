"""The control node: where a person or CI types ``inv``."""
