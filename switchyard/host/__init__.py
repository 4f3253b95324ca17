"""The program that works on one machine: the core plus what observes and acts. Standard library only."""
