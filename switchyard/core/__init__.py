"""What Switchyard knows and decides, without a clock, a file, a network or a process: standard library only."""
