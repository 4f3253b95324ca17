"""What each step does on this machine."""
