"""What runs checks, judges them, and reports."""
