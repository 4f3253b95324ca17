"""The engine, the proxy, probes and files of this machine."""
