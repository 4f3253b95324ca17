"""The program that works on one machine: the core plus the thinnest code that observes and acts. Standard library only."""
