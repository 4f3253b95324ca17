"""Checks of the configuration: the compose file, secrets, the env, credentials, servers, files, tools, certificates."""
