"""``invoke.yaml`` as typed values."""
